package io.mipd.sim.scenario;

import com.google.common.collect.ImmutableSortedMap;
import io.mipd.daemon.ConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

// $node_(0) set X_ 10.0
// $node_(0) set Y_ 20.0
// $ns_ at 5.0 "$node_(0) setdest 100.0 200.0 15.0"
//
// As ns-2's setdest writes it, and BonnMotion and SUMO after it; ns-2 manual, "Mobility".
/** Who walks where, from a file in the format of ns-2's movement files. */
final class Ns2Trace {
  private static final String NUMBER = "\\s+([-+0-9.eE]+)";
  private static final String NODE = "\\$node_\\(([0-9]{1,9})\\)\\s+";
  private static final Pattern PLACE =
      Pattern.compile(NODE + "set\\s+([XYZ])_" + NUMBER + "\\s*;?");
  private static final Pattern DESTINATION =
      Pattern.compile(
          "\\$ns_?\\s+at"
              + NUMBER
              + "\\s+\"\\s*"
              + NODE
              + "setdest"
              + NUMBER
              + NUMBER
              + NUMBER
              + "\\s*\"\\s*;?");

  /** What ns-2 itself keeps of distances, and the simulator has no use for. */
  private static final Pattern GOD = Pattern.compile("(\\$ns_?\\s+at.*)?\\$god_.*|set\\s+.*");

  private static final class Place {
    private double x;
    private double y;
  }

  private final Path file;
  private final SortedMap<Integer, Place> places = new TreeMap<>();
  private final SortedMap<Integer, Walk> walks = new TreeMap<>();

  private Ns2Trace(Path file) {
    this.file = file;
  }

  /**
   * Reads a file.
   *
   * @return each node's walk, by the node's number
   * @throws ConfigurationException with file, line, what is wrong and what is allowed
   */
  static ImmutableSortedMap<Integer, Walk> read(Path file) throws ConfigurationException {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      throw ConfigurationException.unreadable(file, e, "a readable movement file of ns-2");
    }
    var trace = new Ns2Trace(file);
    for (int i = 0; i < lines.size(); i++) {
      trace.line(i + 1, lines.get(i).strip());
    }
    trace.places.forEach(
        (node, place) -> trace.walks.computeIfAbsent(node, key -> new Walk(0, place.x, place.y)));
    return ImmutableSortedMap.copyOf(trace.walks);
  }

  private void line(int number, String line) throws ConfigurationException {
    Matcher place = PLACE.matcher(line);
    Matcher destination = DESTINATION.matcher(line);
    if (place.matches()) {
      place(number, place);
    } else if (destination.matches()) {
      destination(number, destination);
    } else if (!line.isEmpty() && !line.startsWith("#") && !GOD.matcher(line).matches()) {
      throw wrong(number, "not understood: " + line);
    }
  }

  private ConfigurationException wrong(int line, String what) {
    return ConfigurationException.at(
        file,
        line,
        "",
        what,
        "$node_(N) set X_ METRES (and Y_), $ns_ at SECONDS \"$node_(N) setdest X Y SPEED\"");
  }

  private void place(int line, Matcher found) throws ConfigurationException {
    Place place = places.computeIfAbsent(Integer.valueOf(found.group(1)), node -> new Place());
    double metres = number(line, found.group(3));
    switch (found.group(2)) {
      case "X" -> place.x = metres;
      case "Y" -> place.y = metres;
      default -> {
        // The plane has no height.
      }
    }
  }

  private void destination(int line, Matcher found) throws ConfigurationException {
    int node = Integer.parseInt(found.group(2));
    Place place = places.get(node);
    if (place == null) {
      throw wrong(line, "node " + node + " has no place to begin at");
    }
    Walk walk = walks.computeIfAbsent(node, key -> new Walk(0, place.x, place.y));
    double at = number(line, found.group(1));
    double speed = number(line, found.group(5));
    if (at < 0 || speed < 0) {
      throw wrong(line, "below 0");
    }
    walk.breakOffAt(at);
    walk.stayUntil(at);
    if (speed > 0) {
      walk.goTo(number(line, found.group(3)), number(line, found.group(4)), speed);
    }
  }

  private double number(int line, String text) throws ConfigurationException {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw wrong(line, "not a number: " + text);
    }
  }
}
