package io.mipd.daemon;

import com.google.common.base.Strings;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The answers of the control protocol as text for people. */
final class ControlText {
  private static final int LABEL = 14;

  private ControlText() {}

  private static String line(String label, String text) {
    return Strings.padEnd(label, LABEL, ' ') + text + "\n";
  }

  private static String optional(Config document, String key) {
    return document.hasPath(key) ? document.getString(key) : "-";
  }

  static String capture(Config capture) {
    return capture.getBoolean("runs")
        ? "capturing to " + capture.getString("file") + "; mipd capture --off ends it\n"
        : capture.getString("file")
            + ": "
            + capture.getString("packets")
            + " packets, "
            + capture.getString("dropped")
            + " left out; keys in "
            + capture.getString("profile")
            + "\n";
  }

  static String status(Config status) {
    var text = new StringBuilder();
    text.append(
        line(
            "node",
            status.getString("role")
                + " in the "
                + status.getString("world")
                + " world, pid "
                + status.getString("pid")
                + ", up "
                + status.getString("uptime-seconds")
                + " s"));
    text.append(registered(status));
    for (Config one : status.getConfigList("interfaces")) {
      if (one.getString("name").equals("lo")) {
        continue;
      }
      text.append(
          line(
              one.getString("name"),
              (one.getBoolean("up") ? "up" : "down")
                  + one.getStringList("addresses").stream()
                      .filter(it -> !it.startsWith("fe80:"))
                      .map(it -> ", " + it)
                      .reduce("", String::concat)));
    }
    if (status.hasPath("key-exchange")) {
      text.append(keyExchange(status.getConfig("key-exchange")));
    }
    long expired = status.getLong("counts.expired-associations");
    text.append(
        line(
            "associations",
            status.getString("counts.associations")
                + (expired > 0 ? ", " + expired + " expired" : "")));
    text.append(
        line(
            "policies",
            status.getString("counts.policies")
                + (status.hasPath("counts.asleep")
                    ? "; no packet has needed those of "
                        + status.getString("counts.asleep")
                        + " home addresses yet"
                    : "")));
    Map<String, Object> counted = new TreeMap<>();
    count("", status.getObject("counters"), counted);
    counted.forEach((name, value) -> text.append(line("counter", name + " " + value)));
    return text.toString();
  }

  private static String keyExchange(Config keys) {
    var text = new StringBuilder(line("charon", keys.getString("charon")));
    if (keys.hasPath("problem")) {
      text.append(line("charon", "problem: " + keys.getString("problem")));
    }
    for (Config one : keys.getConfigList("connections")) {
      text.append(
          line(
              "keys",
              one.getString("home-address")
                  + " with "
                  + one.getString("peer")
                  + ": "
                  + one.getString("state")
                  + (one.hasPath("from") ? " from " + one.getString("from") : "")
                  + (one.hasPath("to") ? " to " + one.getString("to") : "")
                  + one.getStringList("associations").stream()
                      .map(it -> ", " + it)
                      .reduce("", String::concat)
                  + (one.hasPath("problem") ? "; " + one.getString("problem") : "")));
    }
    return text.toString();
  }

  /** Counters that have counted something, by name; those within each other with a point. */
  private static void count(String before, ConfigObject counters, Map<String, Object> into) {
    for (Map.Entry<String, ConfigValue> entry : counters.entrySet()) {
      String name = before + entry.getKey();
      if (entry.getValue() instanceof ConfigObject inner) {
        count(name + ".", inner, into);
      } else if (entry.getValue().valueType() == ConfigValueType.NUMBER
          && ((Number) entry.getValue().unwrapped()).longValue() != 0) {
        into.put(name, entry.getValue().unwrapped());
      }
    }
  }

  /** How it stands, in a few lines. */
  private static String registered(Config status) {
    var text = new StringBuilder();
    if (status.hasPath("discovery")) {
      text.append(line("home agent", "looked for on " + status.getString("discovery")));
    }
    if (status.hasPath("registration")) {
      Config one = status.getConfig("registration");
      text.append(line("home address", one.getString("home-address") + ", " + where(one)));
      if (status.hasPath("further-registrations")) {
        for (Config further : status.getConfigList("further-registrations")) {
          text.append(line("", further.getString("home-address") + ", " + where(further)));
        }
      }
      text.append(line("home agent", one.getString("home-agent")));
    }
    if (status.hasPath("routes")) {
      List<? extends Config> routes = status.getConfigList("routes");
      text.append(
          line(
              "routes",
              routes.stream().filter(it -> it.getString("state").equals("optimized")).count()
                  + " optimized of "
                  + routes.size()));
    }
    if (status.hasPath("bindings")) {
      text.append(
          line(
              "bindings",
              status.getString("counts.bindings")
                  + (status.getBoolean("draining") ? ", no new ones are taken (drain)" : "")));
    }
    if (status.hasPath("correspondent-bindings")) {
      text.append(line("peers", status.getString("counts.correspondent-bindings") + " bound"));
    }
    return text.toString();
  }

  private static String where(Config registration) {
    if (registration.getBoolean("at-home")) {
      return "at home";
    }
    if (!registration.getBoolean("valid")) {
      return "not in use: its prefix is not one of the home link";
    }
    boolean dismissed = registration.getBoolean("dismissed");
    return registration.hasPath("care-of-address")
        ? "registered at "
            + registration.getString("care-of-address")
            + (dismissed ? ", which is being ended" : "")
        : "not registered" + (dismissed ? ", until mipd handover" : "");
  }

  static String bindings(Config bindings) {
    var text = new StringBuilder(registered(bindings));
    if (bindings.hasPath("bindings")) {
      table(text, bindings, "bindings", "home-address");
    }
    if (bindings.hasPath("correspondent-bindings")) {
      table(text, bindings, "correspondent-bindings", "home-address");
    }
    if (bindings.hasPath("routes")) {
      var table = new TextTable("LEFT", "STATE", "PEER", "CARE-OF ADDRESS", "HOME ADDRESS");
      for (Config one : bindings.getConfigList("routes")) {
        table.row(
            one.getString("seconds-left") + " s",
            one.getString("state"),
            one.getString("peer"),
            optional(one, "care-of-address"),
            one.getString("home-address"));
      }
      append(text, table);
    }
    return text.toString();
  }

  private static void table(StringBuilder text, Config document, String list, String home) {
    var table = new TextTable("LEFT", "SEQUENCE", "HOME ADDRESS", "CARE-OF ADDRESS");
    for (Config one : document.getConfigList(list)) {
      table.row(
          one.getString("seconds-left") + " s",
          one.getString("sequence"),
          one.getString(home),
          one.getString("care-of-address"));
    }
    append(text, table);
    more(text, document.getInt("counts." + list) - document.getList(list).size());
  }

  /** What was not asked for. */
  private static void more(StringBuilder text, int left) {
    if (left > 0) {
      text.append(Terminal.MORE).append(left).append(" more\n");
    }
  }

  private static void append(StringBuilder text, TextTable table) {
    if (!table.isEmpty()) {
      text.append('\n').append(table);
    }
  }

  static String associations(Config document) {
    var table = new TextTable("SPI", "MODE", "PACKETS", "OCTETS", "");
    for (Config one : document.getConfigList("associations")) {
      table.rowAbove(
          // Two addresses leave no room for more.
          "  " + one.getString("source") + " > " + one.getString("destination"),
          one.getString("spi"),
          one.getString("mode"),
          one.getString("packets"),
          one.getString("bytes"),
          one.getString("encryption")
              + " "
              + one.getString("integrity")
              + (one.getBoolean("expired") ? ", expired" : ""));
    }
    return table.isEmpty() ? "no associations\n" : table.toString();
  }

  static String policies(Config document) {
    var text = new StringBuilder();
    for (Config one : document.getConfigList("policies")) {
      text.append(policy(one)).append('\n');
    }
    more(text, document.getInt("counts.policies") - document.getList("policies").size());
    if (document.hasPath("findings")) {
      for (Config one : document.getConfigList("findings")) {
        text.append("finding   ").append(one.getString("words")).append('\n');
      }
    }
    return text.length() == 0 ? "no policies\n" : text.toString();
  }

  private static String policy(Config policy) {
    var text = new StringBuilder();
    text.append("policy    ")
        .append(policy.getString("selector"))
        .append(" dir ")
        .append(policy.getString("direction"))
        .append(" priority ")
        .append(policy.getString("priority"))
        .append(policy.getString("action").equals("allow") ? "" : " " + policy.getString("action"))
        .append('\n');
    int number = 0;
    for (String template : policy.getStringList("templates")) {
      text.append("          ").append(number++).append(' ').append(template).append('\n');
    }
    for (Config step : policy.getConfigList("trace")) {
      text.append("  rule    ")
          .append(step.getString("rule"))
          .append(": ")
          .append(step.getString("words"))
          .append('\n');
    }
    return text.toString();
  }

  static String neighbours(Config document) {
    var text = new StringBuilder();
    var agents = new TextTable("HOME AGENT", "KNOWN", "PREFERENCE", "");
    for (Config one : document.getConfigList("home-agents")) {
      agents.row(
          one.getString("address"),
          one.getString("known"),
          optional(one, "preference"),
          one.getBoolean("in-use") ? "in use" : "");
    }
    text.append(agents.isEmpty() ? "no home agent is known\n" : agents.toString());
    var routers = new TextTable("ROUTER", "LINK", "LEFT", "PREFIXES", "");
    for (Config one : document.getConfigList("routers")) {
      routers.row(
          one.getString("router"),
          one.getString("interface"),
          one.getString("seconds-left") + " s",
          String.join(" ", one.getStringList("prefixes")),
          one.getBoolean("home-link") ? "home link" : "");
    }
    append(text, routers);
    return text.toString();
  }

  static String why(Config document) {
    var text = new StringBuilder();
    text.append(document.getString("peer"))
        .append(document.getBoolean("optimized") ? " is optimized: " : " is not optimized: ")
        .append(document.getString("reason"))
        .append('\n')
        .append(document.getString("words"))
        .append('\n');
    if (document.hasPath("peer-care-of-address")) {
      text.append(line("its care-of", document.getString("peer-care-of-address")));
    }
    if (document.hasPath("route")) {
      Config route = document.getConfig("route");
      text.append(
          line(
              "route",
              route.getString("state")
                  + ", care-of address "
                  + optional(route, "care-of-address")
                  + ", "
                  + route.getString("seconds-left")
                  + " s left"));
    }
    if (document.hasPath("policy")) {
      text.append(policy(document.getConfig("policy")));
    }
    return text.toString();
  }

  static String events(Config document) {
    var text = new StringBuilder();
    for (Config one : document.getConfigList("events")) {
      text.append(one.getString("time"), 11, 23)
          .append(' ')
          .append(Strings.padEnd(one.getString("kind"), LABEL, ' '))
          .append(one.getString("words"))
          .append('\n');
    }
    return text.toString();
  }

  static String log(Config document) {
    return "log level "
        + document.getString("before")
        + " -> "
        + document.getString("level")
        + "\n";
  }

  static String handover(Config document) {
    String to = document.getString("to");
    if (to.equals("auto")) {
      return "mipd chooses again\n";
    }
    return "chosen: "
        + to
        + "; "
        + (document.getBoolean("at-home")
            ? "at home"
            : "the tunnel ends at " + optional(document, "care-of-address"))
        + "\n";
  }

  static String deregister(Config document) {
    return document.getString("home-address")
        + " is to be bound no more; was at "
        + optional(document, "care-of-address")
        + "\n";
  }

  static String drain(Config document) {
    return (document.getBoolean("draining")
            ? "no new mobile nodes are taken; "
            : "new mobile nodes are taken; ")
        + document.getString("bindings")
        + " bound\n";
  }

  static String reload(Config document) {
    var text = new StringBuilder();
    boolean dry = document.getBoolean("dry");
    for (Config one : document.getConfigList("changes")) {
      String effect =
          switch (one.getString("effect")) {
            case "applied" -> dry ? "would be applied" : "applied";
            case "restart" -> "needs a restart";
            default -> "says the same";
          };
      text.append(Strings.padEnd(effect, LABEL + 2, ' '))
          .append("  ")
          .append(one.getString("key"))
          .append(
              one.hasPath("before") || one.hasPath("after")
                  ? ": " + optional(one, "before") + " -> " + optional(one, "after")
                  : ": what the file of keys says")
          .append('\n');
    }
    return text.length() == 0 ? "nothing has changed\n" : text.toString();
  }
}
