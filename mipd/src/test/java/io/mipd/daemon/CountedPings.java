package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Twenty pings a second from the correspondent to the home address, and how many are lost. */
final class CountedPings {
  private static final String LOG = "counted";
  private static final Pattern SUMMARY =
      Pattern.compile("(\\d+) packets transmitted, (\\d+) received");

  private final TestNet net;
  private final Process ping;
  private final int begin;
  private int sent;
  private int received;

  private CountedPings(TestNet net, Process ping, int begin) {
    this.net = net;
    this.ping = ping;
    this.begin = begin;
  }

  static CountedPings start(TestNet net) throws Exception {
    int begin = net.said(LOG).length();
    return new CountedPings(
        net, net.start("cn", LOG, "ping", "-n", "-i", "0.05", TestNet.HOME_ADDRESS), begin);
  }

  /** Ends them; from here on there are figures. */
  void stop() throws Exception {
    net.sh("kill -INT " + ping.pid());
    assertThat(ping.waitFor(TestNet.LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    String said = net.said(LOG).substring(begin);
    Matcher summary = SUMMARY.matcher(said);
    assertThat(summary.find()).as(said).isTrue();
    sent = Integer.parseInt(summary.group(1));
    received = Integer.parseInt(summary.group(2));
    assertThat(received).as("pings that came back").isPositive();
  }

  int sent() {
    return sent;
  }

  int lost() {
    return sent - received;
  }

  @Override
  public String toString() {
    return lost() + " of " + sent + " pings lost";
  }
}
