package io.mipd.http;

import com.google.common.collect.ImmutableSet;
import com.google.common.net.HostAndPort;
import com.google.common.net.InetAddresses;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Locale;

/**
 * Whether a request comes from where it may: not from another site's page. The token is not in what
 * a browser sends by itself, so this is the second line.
 */
final class Visitor {
  private static final String LOCALHOST = "localhost";

  /** Of Fetch Metadata: a page of elsewhere has made the browser ask. */
  private static final ImmutableSet<String> FOREIGN = ImmutableSet.of("cross-site", "same-site");

  private Visitor() {}

  /**
   * The server has been asked for by an address, as localhost, or by a name that it knows: any
   * other name may be another site's that has been made to lead here (DNS rebinding).
   */
  static boolean isForUs(HttpHeaders headers, ImmutableSet<String> names) {
    if (headers.getAll(HttpHeaderNames.HOST).size() != 1) {
      return false;
    }
    try {
      String host = HostAndPort.fromString(headers.get(HttpHeaderNames.HOST)).getHost();
      return InetAddresses.isInetAddress(host)
          || host.equalsIgnoreCase(LOCALHOST)
          || names.contains(host.toLowerCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** No page has made the browser ask, or one of ours has. */
  static boolean isFromHere(HttpHeaders headers) {
    String origin = headers.get(HttpHeaderNames.ORIGIN);
    String host = headers.get(HttpHeaderNames.HOST);
    return !FOREIGN.contains(headers.get("sec-fetch-site", "none"))
        && (origin == null
            // By https where something in between speaks TLS.
            || origin.equalsIgnoreCase("http://" + host)
            || origin.equalsIgnoreCase("https://" + host));
  }
}
