package io.mipd.conformance;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Carries out the steps of a case, in the words that {@code 9.2.cases} explains. */
final class Script {
  private final ImmutableMap<String, List<String>> macros;
  private final Secrets secrets = new Secrets();
  private final List<String> done = new ArrayList<>();
  private final Function<String, Tested> nodes;
  private @Nullable Tested subject;
  private byte[] arrived = new byte[0];
  private byte[] lastSent = new byte[0];

  Script(Map<String, List<String>> macros) {
    this(macros, Subject::of);
  }

  /**
   * @param nodes the node of a kind
   */
  Script(Map<String, List<String>> macros, Function<String, Tested> nodes) {
    this.macros = ImmutableMap.copyOf(macros);
    this.nodes = nodes;
  }

  /**
   * @throws AssertionError if the node does not do what the case says
   */
  void run(List<String> steps) {
    for (String step : steps) {
      step(step);
    }
    done.add("(the end)");
    quiet();
  }

  private Tested subject() {
    return Objects.requireNonNull(subject, "the first step says what node it is");
  }

  private void step(String step) {
    List<String> macro = macros.get(step);
    if (macro != null) {
      macro.forEach(this::step);
      return;
    }
    done.add(step);
    if (Subject.isKind(step)) {
      subject = nodes.apply(step);
      return;
    }
    int blank = step.indexOf(' ');
    String verb = blank < 0 ? step : step.substring(0, blank);
    String rest = blank < 0 ? "" : step.substring(blank + 1).strip();
    try {
      perform(verb, rest);
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new IllegalArgumentException("in step: " + step, e);
    }
  }

  private void perform(String verb, String rest) {
    var words = new Words(rest);
    switch (verb) {
      case ">" -> arrive(Subject.ETH0, rest);
      case ">1" -> arrive(Subject.ETH1, rest);
      case "<" -> lastSent = matches(subject().sent, rest, "sends");
      case "app" -> subject().sends(made(rest));
      case "gets" -> matches(subject().delivered, rest, "delivers");
      case "times" -> {
        int count = words.number();
        words.expect(">");
        String text = rest.substring(rest.indexOf('>') + 1).strip();
        for (int i = 0; i < count; i++) {
          arrive(Subject.ETH0, text);
        }
      }
      case "most" -> most(words.number());
      case "nothing" -> quiet();
      case "whatever" -> whatever();
      case "wait" -> subject().passes(duration(words.next()));
      case "bound" -> {
        Ipv6Address home = Subject.address(words.next());
        words.expect("at");
        Ipv6Address careOf = Subject.address(words.next());
        subject().becomes(() -> subject().boundTo(home).equals(Optional.of(careOf)));
        check(Optional.of(careOf), subject().boundTo(home));
      }
      case "unbound" -> {
        Ipv6Address home = Subject.address(words.next());
        subject().becomes(() -> subject().boundTo(home).isEmpty());
        check(Optional.empty(), subject().boundTo(home));
      }
      case "link" -> {
        int index = words.next().equals("eth1") ? Subject.ETH1 : Subject.ETH0;
        subject().link(index, words.next().equals("up"));
      }
      case "address" -> address(words);
      case "dad" -> {
        Ipv6Address address = Subject.address(words.next());
        subject().detected(address, words.next().equals("unique"));
      }
      case "checks" -> {
        Ipv6Address address = Subject.address(words.next());
        check(true, subject().becomes(() -> subject().detections.contains(address)));
      }
      case "unchecked" -> {
        subject().settle();
        check(true, subject().detections.isEmpty());
      }
      case "proxied" -> {
        Ipv6Address address = Subject.address(words.next());
        check(true, subject().becomes(() -> subject().standsInFor(address)));
      }
      case "unproxied" -> {
        Ipv6Address address = Subject.address(words.next());
        check(true, subject().becomes(() -> !subject().standsInFor(address)));
      }
      case "joined" -> check(true, subject().joined.contains(Subject.address(words.next())));
      case "placed" -> {
        String place = words.next();
        subject().becomes(() -> lower(subject().place().name()).equals(place));
        check(place, lower(subject().place().name()));
      }
      case "does" -> {
        String wanted = words.next();
        check(
            true,
            subject().performed.stream()
                .anyMatch(it -> it.getClass().getSimpleName().equals(wanted)));
        subject().performed.clear();
      }
      case "avoids" -> {
        String unwanted = words.next();
        check(
            false,
            subject().performed.stream()
                .anyMatch(it -> it.getClass().getSimpleName().equals(unwanted)));
      }
      case "unjoined" -> check(false, subject().joined.contains(Subject.address(words.next())));
      case "listens" -> {
        var groups = ImmutableSet.<Ipv6Address>builder();
        while (!words.isAtEnd()) {
          groups.add(Subject.address(words.next()));
        }
        subject().listens(groups.build());
      }
      case "stop" -> subject().shutDown();
      default -> throw new IllegalArgumentException("no such step: " + verb);
    }
  }

  private static String lower(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  private void arrive(int index, String text) {
    arrived = made(text);
    subject().arrives(index, arrived);
  }

  private byte[] made(String text) {
    return new PacketMaker(secrets, arrived, lastSent).make(text);
  }

  /** {@code address C usable}, of eth0 or {@code on eth1}. */
  private void address(Words words) {
    Ipv6Address address = Subject.address(words.next());
    AddressState state = AddressState.valueOf(words.next().toUpperCase(Locale.ROOT));
    int index = Subject.ETH0;
    if (!words.isAtEnd()) {
      words.expect("on");
      index = words.next().equals("eth1") ? Subject.ETH1 : Subject.ETH0;
    }
    subject().address(index, address, state);
  }

  static Duration duration(String text) {
    if (text.endsWith("ms")) {
      return Duration.ofMillis(Long.parseLong(text.substring(0, text.length() - 2)));
    }
    return Duration.ofSeconds(Long.parseLong(text.substring(0, text.length() - 1)));
  }

  private void check(Object expected, Object found) {
    if (!expected.equals(found)) {
      throw new AssertionError(report("expected " + expected + ", but it is " + found));
    }
  }

  private String report(String what) {
    return what + "\n  after " + String.join("\n        ", done);
  }

  private String text(byte[] packet) {
    return PacketText.of(packet, secrets, arrived);
  }

  private void quiet() {
    subject().settle();
    if (!subject().sent.isEmpty()) {
      throw new AssertionError(
          report("expected nothing\n  seen: " + text(subject().sent.remove())));
    }
    if (!subject().delivered.isEmpty()) {
      throw new AssertionError(
          report("expected nothing\n  delivered: " + text(subject().delivered.remove())));
    }
  }

  private void most(int count) {
    subject().settle();
    int found = subject().sent.size();
    whatever();
    if (found == 0 || found > count) {
      throw new AssertionError(report("expected 1 to " + count + " packets, seen: " + found));
    }
  }

  /** What the receivers learn of it they do learn. */
  private void whatever() {
    subject().settle();
    for (byte[] packet : subject().sent) {
      learn(Words.split(text(packet)));
      lastSent = packet;
    }
    subject().sent.clear();
    subject().delivered.clear();
  }

  private byte[] matches(Deque<byte[]> queue, String expected, String verb) {
    subject().becomes(() -> !queue.isEmpty());
    byte[] packet = queue.poll();
    if (packet == null) {
      throw new AssertionError(
          report("expected: " + expected + "\n  but nothing is what it " + verb));
    }
    String seen = text(packet);
    List<String> found = Words.split(seen);
    if (!matches(Words.split(expected), found)) {
      throw new AssertionError(report("expected: " + expected + "\n      seen: " + seen));
    }
    learn(found);
    return packet;
  }

  private boolean matches(List<String> expected, List<String> found) {
    if (expected.size() != found.size()) {
      return false;
    }
    String receiver = "";
    for (int i = 0; i < expected.size(); i++) {
      receiver = receiver(found.get(i), receiver);
      String key = i == 0 ? "" : expected.get(i - 1);
      if (!matches(key.equals("seq") ? "seq " + receiver : key, expected.get(i), found.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** The destination of the packet that a word is in: sequence numbers are each receiver's own. */
  private static String receiver(String word, String before) {
    int at = word.indexOf('>');
    return at <= 0 || word.contains("(") ? before : word.substring(at + 1);
  }

  /** {@code *} for anything; {@code next}, {@code same}, {@code new} by what was seen last. */
  private boolean matches(String key, String expected, String found) {
    return switch (expected) {
      case "*" -> true;
      case "next" ->
          Words.number(found) == (Words.number(secrets.last("seen " + key)) + 1 & 0xffff);
      case "same" -> found.equals(secrets.last("seen " + key));
      case "new" -> !found.equals(secrets.last("seen " + key));
      default -> expected.equals(found);
    };
  }

  private void learn(List<String> words) {
    String receiver = "";
    for (int i = 0; i + 1 < words.size(); i++) {
      String key = words.get(i);
      receiver = receiver(key, receiver);
      switch (key) {
        case "seq" -> {
          secrets.remember("seen seq " + receiver, words.get(i + 1));
          secrets.remember("seq " + receiver, words.get(i + 1));
          secrets.remember(key, words.get(i + 1));
        }
        case "cookie", "id", "token", "index" -> {
          secrets.remember("seen " + key, words.get(i + 1));
          secrets.remember(key, words.get(i + 1));
        }
        default -> {}
      }
    }
  }
}
