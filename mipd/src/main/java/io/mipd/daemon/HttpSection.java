package io.mipd.daemon;

import com.google.common.collect.ImmutableSet;
import com.google.common.net.InetAddresses;
import io.mipd.http.BearerToken;
import io.mipd.http.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** The section {@code http} of a configuration: docs/http.md. */
final class HttpSection {
  static final int DEFAULT_PORT = 8480;
  private static final String DEFAULT_ADDRESS = "::1";

  private HttpSection() {}

  /**
   * @return empty if HTTP is off
   */
  static Optional<HttpServer.Settings> read(Optional<Section> given) throws ConfigurationException {
    if (given.isEmpty()) {
      return Optional.empty();
    }
    Section section = given.get();
    boolean enabled = section.flag("enabled", true);
    InetAddress address = address(section);
    int port = section.integer("port", DEFAULT_PORT, 1, 65535);
    boolean mayChange = section.flag("changes", false);
    String allowed = "a list of host names, such as [ha.example.org]";
    var names = ImmutableSet.<String>builder();
    for (String name : section.strings("names", allowed)) {
      if (!name.matches("[A-Za-z0-9._-]+")) {
        throw section.wrong("names", "not a host name: \"" + name + "\"", allowed);
      }
      names.add(name.toLowerCase(Locale.ROOT));
    }
    // Known, so that it may stay where HTTP is off for a while.
    section.has("token");
    BearerToken token = enabled ? token(section) : null;
    section.finish();
    return token == null
        ? Optional.empty()
        : Optional.of(
            new HttpServer.Settings(
                new InetSocketAddress(address, port), names.build(), token, mayChange));
  }

  private static InetAddress address(Section section) throws ConfigurationException {
    String allowed = "an IP address of this node in quotes, such as \"::1\"";
    String text = section.string("address", DEFAULT_ADDRESS, allowed);
    try {
      return InetAddresses.forString(text);
    } catch (IllegalArgumentException e) {
      throw section.wrong("address", "not an IP address: \"" + text + "\"", allowed);
    }
  }

  /** Nothing that is told repeats what is in the file. */
  private static BearerToken token(Section section) throws ConfigurationException {
    Path file = section.path("token");
    try {
      KeyFile.ownersAlone(file, "this token");
      return BearerToken.of(Files.readString(file).strip());
    } catch (IOException e) {
      throw section.wrong(
          "token",
          "cannot read " + file + ": " + e.getClass().getSimpleName(),
          "a file with a token, mode 0600; mipd token FILE makes one");
    } catch (IllegalArgumentException e) {
      throw section.wrong("token", "no token in " + file, BearerToken.FORM);
    } catch (ConfigurationException e) {
      throw section.wrong("token", "" + e.getMessage(), "mode 0600 or stricter");
    }
  }
}
