package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Twenty pings a second from the correspondent to the home address, and how many are lost. */
final class CountedPings {
  private static final String LOG = "counted";
  private static final int A_SECOND = 20;
  private static final Pattern REPLY = Pattern.compile("icmp_seq=(\\d+) ");

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

  /** Ends them while they are answered; from here on there are figures, up to the last answer. */
  void stop() throws Exception {
    int last = replies().stream().max(Integer::compare).orElse(0);
    net.until(
        "a second of them is answered",
        TestNet.LONG,
        () -> replies().stream().filter(it -> it > last).count() >= A_SECOND);
    net.sh("kill -INT " + ping.pid());
    assertThat(ping.waitFor(TestNet.LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    Set<Integer> replies = replies();
    // What was sent after the last one that was answered may still be on its way.
    sent = Collections.max(replies);
    received = replies.size();
  }

  private Set<Integer> replies() throws IOException {
    Set<Integer> replies = new TreeSet<>();
    for (Matcher reply = REPLY.matcher(net.said(LOG).substring(begin)); reply.find(); ) {
      replies.add(Integer.parseInt(reply.group(1)));
    }
    return replies;
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
