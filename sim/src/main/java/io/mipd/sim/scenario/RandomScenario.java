package io.mipd.sim.scenario;

import com.google.common.collect.ImmutableList;
import io.mipd.sim.event.Randomness;
import java.util.Locale;
import java.util.random.RandomGenerator;

/**
 * A scenario that nobody has thought of: links, nodes, movements, traffic and faults are drawn by a
 * number, which is its name and its seed. The same number gives the same text.
 */
final class RandomScenario {
  private static final ImmutableList<String> MESSAGES =
      ImmutableList.of(
          "home-test-init",
          "care-of-test-init",
          "home-test",
          "care-of-test",
          "binding-update",
          "binding-acknowledgement",
          "binding-error",
          "binding-refresh-request");

  /** Of the user's own associations: none of mobility's. */
  private static final int FIRST_SPI = 0x3001;

  private final RandomGenerator random;
  private final StringBuilder text = new StringBuilder(4096);
  private final int cells;
  private final int mobiles;
  private final int peers;
  private final int duration;

  private RandomScenario(long number) {
    random = new Randomness(number).of("scenario");
    cells = 2 + random.nextInt(3);
    mobiles = 1 + random.nextInt(3);
    peers = 1 + random.nextInt(2);
    duration = 60 + random.nextInt(random.nextInt(3) == 0 ? 360 : 120);
    line("title = \"random scenario %d\"", number);
    line("seed = %d", number);
    line("duration = %ds", duration);
    links();
    routers();
    nodes();
    boolean user = random.nextInt(3) == 0;
    if (user) {
      userIpsec(random.nextBoolean() ? "tunnel" : "transport");
    }
    movement();
    traffic();
    faults();
    line("observe { handovers = off, captures = [%s] }", names());
  }

  /**
   * Its text.
   *
   * @param number not negative
   */
  static String text(long number) {
    return new RandomScenario(number).text.toString();
  }

  private void line(String format, Object... arguments) {
    text.append(String.format(Locale.ROOT, format, arguments)).append('\n');
  }

  private boolean oneIn(int number) {
    return random.nextInt(number) == 0;
  }

  private int between(int least, int most) {
    return least + random.nextInt(most - least + 1);
  }

  private String names() {
    var names = new StringBuilder("ha");
    for (int i = 1; i <= mobiles; i++) {
      names.append(", mn").append(i);
    }
    for (int i = 1; i <= peers; i++) {
      names.append(", cn").append(i);
    }
    return names.toString();
  }

  private void links() {
    line("links {");
    line("  home { prefix = \"2001:db8:1::/64\"%s }", character(2));
    line("  wan { prefix = \"2001:db8:f0::/64\"%s }", character(60));
    line("  lan { prefix = \"2001:db8:c::/64\"%s }", character(10));
    for (int i = 1; i <= cells; i++) {
      line("  cell%d { prefix = \"2001:db8:a%d::/64\"%s }", i, i, character(5));
      line("  up%d { prefix = \"2001:db8:f%d::/64\"%s }", i, i, character(20));
    }
    line("}");
  }

  /** What a link does to what it carries. */
  private String character(int mostDelay) {
    var keys = new StringBuilder();
    keys.append(", delay = ").append(random.nextInt(mostDelay + 1)).append("ms");
    if (oneIn(4)) {
      keys.append(String.format(Locale.ROOT, ", loss = %.3f", 0.05 * random.nextDouble()));
    } else if (oneIn(6)) {
      keys.append(", bursts { to-bad = 0.01, to-good = 0.3, loss-bad = 0.8 }");
    }
    if (oneIn(4)) {
      keys.append(
          String.format(
              Locale.ROOT,
              ", reordering { probability = %.3f, extra = %dms }",
              0.2 * random.nextDouble(),
              between(1, oneIn(2) ? 50 : 4000)));
    }
    if (oneIn(6)) {
      keys.append(", rate = ").append(between(1, 100)).append("e6");
    }
    if (oneIn(8)) {
      keys.append(", mtu = ").append(between(1400, 1500));
    }
    return keys.toString();
  }

  private void routers() {
    line("routers {");
    var joined = new StringBuilder("wan, lan");
    for (int i = 1; i <= cells; i++) {
      joined.append(", up").append(i);
    }
    line("  core { links = [%s] }", joined);
    for (int i = 1; i <= cells; i++) {
      int least = between(100, 1000);
      line(
          "  ar%d { links = [cell%d, up%d], advertise { cell%d { min-interval = %dms,"
              + " max-interval = %dms } }%s }",
          i,
          i,
          i,
          i,
          least,
          least + between(200, 2000),
          oneIn(2) ? ", filter-sources = [cell" + i + "]" : "");
    }
    line("}");
    line(
        "home-agents { ha { home-link = home, links = [home, wan], address = \"2001:db8:1::1\","
            + " advertisement-interval = %dms, maximum-lifetime = %ds } }",
        between(500, 3000), between(12, 200));
  }

  private void nodes() {
    line("mobile-nodes {");
    for (int i = 1; i <= mobiles; i++) {
      boolean ipsec = !oneIn(8);
      line(
          "  mn%d { home-agent = ha, home-address = \"2001:db8:1::1%02d\", lifetime = %ds,"
              + " route-optimization = %b, correspondent = %b, ipsec = %b, payload-ipsec = %b,"
              + " dad-transmits = %d }",
          i,
          i,
          between(12, 200),
          !oneIn(3),
          random.nextBoolean(),
          ipsec,
          ipsec && random.nextBoolean(),
          random.nextInt(3));
    }
    line("}");
    line("hosts {");
    for (int i = 1; i <= peers; i++) {
      line(
          "  cn%d { link = lan, address = \"2001:db8:c::%d\", correspondent = %b }",
          i, i, !oneIn(5));
    }
    line("}");
  }

  /** The first mobile node and the first peer protect what they say to each other. */
  private void userIpsec(String mode) {
    String mobile = "2001:db8:1::101";
    String peer = "2001:db8:c::1";
    line("user-ipsec {");
    line("  policies {");
    policy("mn1", mobile, peer, mode);
    policy("cn1", peer, mobile, mode);
    line("  }");
    line("  associations = [");
    String format = "    { src = \"%s\", dst = \"%s\", mode = %s, spi = %d, reqid = 100 }";
    line(format, mobile, peer, mode, FIRST_SPI);
    line(format, peer, mobile, mode, FIRST_SPI + 1);
    line("  ]");
    line("}");
  }

  private void policy(String node, String own, String other, String mode) {
    String ends =
        mode.equals("tunnel")
            ? String.format(Locale.ROOT, "src = \"%s\", dst = \"%s\", ", own, other)
            : "";
    line(
        "    %s { list = [ { src = \"%s\", dst = \"%s\", dir = both, priority = 100,"
            + " templates = [ { proto = esp, mode = %s, %sreqid = 100 } ] } ] }",
        node, own, other, mode, ends);
  }

  private void movement() {
    line("movement = [");
    for (int i = 1; i <= mobiles; i++) {
      double at = between(2, 6);
      while (at < duration - 3) {
        line(
            "  { node = mn%d, at = %.3fs, to = %s, attach-delay = %dms }",
            i, at, place(), oneIn(3) ? 0 : between(1, 400));
        at += pause();
      }
    }
    line("]");
  }

  private String place() {
    if (oneIn(12)) {
      return "none";
    }
    return oneIn(5) ? "home" : "cell" + between(1, cells);
  }

  /** Some have no time to register before they move on. */
  private double pause() {
    if (oneIn(6)) {
      return 0.02 + 0.5 * random.nextDouble();
    }
    return oneIn(3) ? 5 + 40 * random.nextDouble() : 1 + 5 * random.nextDouble();
  }

  private String anybody() {
    int one = random.nextInt(mobiles + peers);
    return one < mobiles ? "mn" + (one + 1) : "cn" + (one - mobiles + 1);
  }

  private void traffic() {
    line("traffic = [");
    for (int i = 1; i <= mobiles; i++) {
      String peer = "cn" + between(1, peers);
      flow("cbr", "mn" + i, peer);
      flow("cbr", peer, "mn" + i);
      if (mobiles > 1 && oneIn(2)) {
        flow("cbr", "mn" + i, "mn" + (i % mobiles + 1));
      }
      if (oneIn(3)) {
        flow("echo", "mn" + i, "cn" + between(1, peers));
      }
      if (oneIn(4)) {
        flow("request", "mn" + i, "cn" + between(1, peers));
      }
    }
    line("]");
  }

  private void flow(String kind, String from, String to) {
    line(
        "  { kind = %s, from = %s, to = %s, interval = %dms, size = %d }",
        kind, from, to, between(150, 1500), between(16, oneIn(4) ? 1200 : 200));
  }

  private void faults() {
    line("faults = [");
    int faults = random.nextInt(9);
    for (int i = 0; i < faults; i++) {
      int at = between(3, duration - 1);
      switch (random.nextInt(6)) {
        case 0 ->
            line(
                "  { kind = crash, at = %ds, node = %s, for = %dms }",
                at, oneIn(2) ? "ha" : anybody(), between(1, 20_000));
        case 1 ->
            line(
                "  { kind = partition, at = %ds, link = %s, for = %dms }",
                at,
                oneIn(3) ? "wan" : "cell" + between(1, cells),
                between(1, oneIn(3) ? 150_000 : 5_000));
        case 2 ->
            line(
                "  { kind = loss, at = %ds, from = %s, message = %s, count = %d }",
                at,
                oneIn(3) ? "ha" : anybody(),
                MESSAGES.get(random.nextInt(MESSAGES.size())),
                between(1, 6));
        case 3 ->
            line(
                "  { kind = repeat, at = %ds, from = %s, count = %d, after = %dms }",
                at, oneIn(3) ? "ha" : anybody(), between(1, 40), between(1, 2_000));
        case 4 ->
            line(
                "  { kind = repeat, at = %ds, from = mn%d, message = binding-update, count = %d,"
                    + " after = %dms }",
                at, between(1, mobiles), between(1, 10), between(1, oneIn(2) ? 300_000 : 30_000));
        default ->
            line(
                "  { kind = forgery, at = %ds, from = mn%d, count = %d }",
                at, between(1, mobiles), between(1, 5));
      }
    }
    line("]");
  }
}
