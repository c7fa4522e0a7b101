package io.mipd.sim.sweep;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSortedMap;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigValueFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What is kept of one run of a sweep, a line of {@code runs.jsonl}.
 *
 * @param number of the run in its sweep
 * @param sound whether all held that must always hold, so that its figures mean something
 * @param ok whether all verdicts are good
 * @param failures verdicts that are not, in words
 * @param command that repeats it alone
 * @param measures by name
 */
public record RunRecord(
    int number,
    long seed,
    boolean sound,
    boolean ok,
    ImmutableList<String> failures,
    String command,
    ImmutableSortedMap<String, Double> measures) {

  /** What was wrong, and what repeats it. */
  public String failure() {
    return String.join("; ", failures) + "; to repeat it: " + command;
  }

  /** One line of JSON. */
  String toJson() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("run", number);
    all.put("seed", seed);
    all.put("sound", sound);
    all.put("ok", ok);
    all.put("failures", failures);
    all.put("command", command);
    all.put("measures", measures);
    return ConfigValueFactory.fromMap(ImmutableMap.copyOf(all))
        .render(ConfigRenderOptions.concise());
  }

  /** Reads a line; empty for one that was not finished. */
  static Optional<RunRecord> parse(String line) {
    try {
      Config config =
          ConfigFactory.parseString(
              line, ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON));
      var measures = ImmutableSortedMap.<String, Double>naturalOrder();
      config
          .getObject("measures")
          .unwrapped()
          .forEach((name, value) -> measures.put(name, ((Number) value).doubleValue()));
      return Optional.of(
          new RunRecord(
              config.getInt("run"),
              config.getLong("seed"),
              config.getBoolean("sound"),
              config.getBoolean("ok"),
              ImmutableList.copyOf(config.getStringList("failures")),
              config.getString("command"),
              measures.buildOrThrow()));
    } catch (ConfigException e) {
      return Optional.empty();
    }
  }
}
