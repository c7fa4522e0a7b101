package io.mipd.sim.scenario;

import com.google.common.collect.ImmutableList;
import com.google.common.io.Resources;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigRenderOptions;
import io.mipd.daemon.ConfigurationException;
import java.io.IOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The ready scenarios, and those in files. */
public final class Library {
  /** In the order in which they are listed. */
  public static final ImmutableList<String> NAMES =
      ImmutableList.of(
          "handover",
          "handover-latency",
          "lab-handover",
          "ping-pong",
          "ro-triangle",
          "signalling",
          "tcp",
          "mn-mn",
          "user-ipsec",
          "user-ipsec-transport",
          "user-ipsec-gateway",
          "mipv6roaming",
          "many-mobiles",
          "ten-thousand");

  private static final String SUFFIX = ".conf";

  private static final Pattern RANDOM = Pattern.compile("random-([0-9]{1,9})");

  private Library() {}

  /**
   * A scenario before it is read: values of it may be replaced.
   *
   * @param name by which it can be run again
   * @param file for messages
   * @param text as it was written, or what stands for it with other values
   * @param unresolved the same, with its substitutions
   * @param command the words of a command line that name it
   */
  public record Source(
      String name, Path file, String text, Config unresolved, Config config, String command) {
    /** Reads it. */
    public Scenario read() throws ConfigurationException {
      return ScenarioReader.read(command, file, config);
    }

    /**
     * With a value in place of what it has at a path.
     *
     * @param path such as {@code links.wan.delay}; {@code movement.0.at} is of the first of a list
     */
    public Source with(String path, String value) throws ConfigurationException {
      Path given = Path.of("--set");
      Config replaced = Replacement.in(unresolved, given, path, value);
      Config other = ScenarioReader.resolve(given, replaced);
      String whole =
          other
              .root()
              .render(ConfigRenderOptions.defaults().setOriginComments(false).setJson(false));
      return new Source(
          name, file, whole, replaced, other, command + " --set '" + path + "=" + value + "'");
    }
  }

  /** The scenario that a number draws. */
  public static Source random(int number) throws ConfigurationException {
    String name = "random-" + number;
    return source(name, Path.of(name + SUFFIX), RandomScenario.text(number));
  }

  /** The scenario of a name, {@code random-N} among them, or else of a file. */
  public static Source find(String nameOrFile) throws ConfigurationException, IOException {
    if (NAMES.contains(nameOrFile)) {
      URL resource = Resources.getResource(Library.class, nameOrFile + SUFFIX);
      String text = Resources.toString(resource, StandardCharsets.UTF_8);
      return source(nameOrFile, Path.of(nameOrFile + SUFFIX), text);
    }
    Matcher random = RANDOM.matcher(nameOrFile);
    if (random.matches()) {
      return random(Integer.parseInt(random.group(1)));
    }
    Path file = Path.of(nameOrFile);
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw ConfigurationException.unreadable(
          file, e, "a file, or one of the ready scenarios: " + String.join(", ", NAMES));
    }
    return source(nameOrFile, file, text);
  }

  private static Source source(String name, Path file, String text) throws ConfigurationException {
    Config unresolved = ScenarioReader.parseUnresolved(file, text);
    return new Source(name, file, text, unresolved, ScenarioReader.resolve(file, unresolved), name);
  }
}
