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
 * @param ok whether all verdicts are good
 * @param failures verdicts that are not, in words
 * @param measures by name
 */
public record RunRecord(
    int number,
    long seed,
    boolean ok,
    ImmutableList<String> failures,
    ImmutableSortedMap<String, Double> measures) {

  /** One line of JSON. */
  String toJson() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("run", number);
    all.put("seed", seed);
    all.put("ok", ok);
    all.put("failures", failures);
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
              config.getBoolean("ok"),
              ImmutableList.copyOf(config.getStringList("failures")),
              measures.buildOrThrow()));
    } catch (ConfigException e) {
      return Optional.empty();
    }
  }
}
