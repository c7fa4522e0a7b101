package io.mipd.movein;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.Optional;

/** Reads the arguments of one statement, and complains in its name. */
final class Arguments {
  private final Statement statement;
  private int at;

  Arguments(Statement statement) {
    this.statement = statement;
  }

  private Token next(String expected) throws ImportException {
    if (at == statement.arguments().size()) {
      throw wrong("nothing", expected);
    }
    return statement.arguments().get(at++);
  }

  private ImportException wrong(String found, String expected) {
    return new ImportException(
        statement.place(), statement.name() + ": " + found + " where " + expected + " belongs");
  }

  private String word(String expected) throws ImportException {
    Token token = next(expected);
    if (token.kind() != Token.Kind.WORD) {
      throw wrong("\"" + token.text() + "\"", expected);
    }
    return token.text();
  }

  /** A word that may be missing. */
  Optional<String> optionalWord() {
    if (at < statement.arguments().size()
        && statement.arguments().get(at).kind() == Token.Kind.WORD) {
      return Optional.of(statement.arguments().get(at++).text());
    }
    return Optional.empty();
  }

  String name(String expected) throws ImportException {
    return word(expected);
  }

  String string() throws ImportException {
    Token token = next("a name in quotes");
    if (token.kind() != Token.Kind.STRING) {
      throw wrong("\"" + token.text() + "\"", "a name in quotes");
    }
    return token.text();
  }

  /** {@code enabled}, {@code allow} or {@code true}, or one of their contraries. */
  boolean flag() throws ImportException {
    String expected = "enabled or disabled";
    String word = word(expected);
    return flag(word).orElseThrow(() -> wrong("\"" + word + "\"", expected));
  }

  static Optional<Boolean> flag(String word) {
    return switch (word) {
      case "enabled", "allow", "true" -> Optional.of(true);
      case "disabled", "deny", "block", "false" -> Optional.of(false);
      default -> Optional.empty();
    };
  }

  /** A number that is not negative. */
  int number() throws ImportException {
    String word = word("a number");
    try {
      return Integer.parseUnsignedInt(word);
    } catch (NumberFormatException e) {
      throw wrong("\"" + word + "\"", "a number");
    }
  }

  static Optional<Ipv6Address> address(String word) {
    try {
      return Optional.of(Ipv6Address.parse(word));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  Ipv6Address address() throws ImportException {
    String word = word("an IPv6 address");
    return address(word).orElseThrow(() -> wrong("\"" + word + "\"", "an IPv6 address"));
  }

  /** An address and the length of its prefix. */
  Interfaced interfaced() throws ImportException {
    Ipv6Address address = address();
    if (!next("a / and the length of a prefix").is("/")) {
      throw wrong("no /", "a / and the length of a prefix");
    }
    int length = number();
    if (length > Ipv6Address.BITS) {
      throw wrong("\"" + length + "\"", "a length up to 128");
    }
    return new Interfaced(address, Ipv6Prefix.of(address, length));
  }

  /** An address of a link, with the link's prefix. */
  record Interfaced(Ipv6Address address, Ipv6Prefix prefix) {}

  /** Whether there is more. */
  boolean hasMore() {
    return at < statement.arguments().size();
  }

  void finish() throws ImportException {
    if (hasMore()) {
      throw wrong("\"" + statement.arguments().get(at).text() + "\"", "the end");
    }
  }
}
