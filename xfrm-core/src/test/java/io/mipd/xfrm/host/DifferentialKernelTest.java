package io.mipd.xfrm.host;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.host.HostPair.Origin;
import io.mipd.xfrm.host.Setting.Kind;
import io.mipd.xfrm.host.Setting.Layer;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.packet.Octets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Our engine and Linux are given the same random policies and states and the same packets, and must
 * agree on what is accepted, what is refused, and every octet that comes out (but for what {@link
 * Dissection} names). What Linux does otherwise is in {@link KernelLimit}, and nothing else may be.
 *
 * <p>{@code MIPD_DIFFERENTIAL_SEED} is the first seed and {@code MIPD_DIFFERENTIAL_SETTINGS} how
 * many there are: with the seed that a failure names and 1 it is done again alone.
 */
@Tag("kernel")
class DifferentialKernelTest {
  private static final long FIRST_SEED = number("MIPD_DIFFERENTIAL_SEED", 1);
  private static final int SETTINGS = (int) number("MIPD_DIFFERENTIAL_SETTINGS", 200);

  /** So many have something of everything. */
  private static final int ENOUGH = 100;

  private static final ImmutableList<Tampering> TAMPERINGS =
      ImmutableList.copyOf(Tampering.values());

  /** Of the four of RFC 6275 sections 6.5 to 6.8, which no stack answers by itself. */
  static final int FIRST_ICMPV6_TYPE = 144;

  private static final int SENT = 4;
  private static final int ARRIVING = 12;

  /** A packet that others overtake. */
  private record Held(Octets packet, Origin origin) {}

  /** Of packets that arrived or were sent, by what was done to them and what came of it. */
  private final Map<String, Integer> counts = new TreeMap<>();

  private final Map<KernelLimit, Integer> limits = new EnumMap<>(KernelLimit.class);
  private final Map<Kind, KernelHost> kernels = new EnumMap<>(Kind.class);

  private static long number(String name, long otherwise) {
    String text = System.getenv(name);
    return text == null ? otherwise : Long.parseLong(text);
  }

  @Test
  void theyAgree() throws Exception {
    List<String> disagreements = new ArrayList<>();
    try {
      for (Kind kind : Kind.values()) {
        kernels.put(kind, KernelHost.create(kind.roles()));
      }
      for (int i = 0; i < SETTINGS; i++) {
        compare(FIRST_SEED + i).ifPresent(disagreements::add);
      }
    } finally {
      kernels.values().forEach(KernelHost::close);
    }
    counts.forEach((what, count) -> System.out.println(count + " " + what));
    limits.forEach((limit, count) -> System.out.println(count + " limit of Linux: " + limit));
    assertThat(disagreements).as("of %s settings", SETTINGS).isEmpty();
    if (SETTINGS >= ENOUGH) {
      assertThat(counts)
          .containsKeys(
              "sent: accepted",
              "sent: refused",
              "sent with a mark: accepted",
              "sent with a mark: refused",
              "sent, too big: accepted",
              "VALID: accepted",
              "VALID: refused",
              "REPLAYED: refused",
              "FRAGMENTED: accepted",
              "OVERLAPPING: refused",
              "FLIPPED: refused",
              "LATE: accepted");
    }
  }

  /** How they disagree, with what is needed to see it again. */
  private Optional<String> compare(long seed) throws Exception {
    var random = new Random(seed);
    Setting setting = Setting.draw(random);
    KernelHost kernel = requireNonNull(kernels.get(setting.kind()));
    kernel.reset();
    var engine = new EngineHost(setting.kind().roles());
    engine.sendErrorsFrom(setting.kind().link());
    var remote = new EngineHost(setting.kind().remoteRoles());
    for (XfrmCommand command : setting.commands()) {
      done(kernel, command);
      done(engine, command);
    }
    setting.remoteCommands().forEach(command -> done(remote, command));
    var pair = new HostPair(setting, engine, kernel);
    for (int i = 0; i < SENT; i++) {
      Datagram datagram = datagram(setting, random);
      // What is forwarded has arrived, and nobody marks it.
      boolean marked = datagram.isUdp() && !setting.kind().forwards() && random.nextInt(3) == 0;
      int mark = marked ? Setting.PACKET_MARKS.get(random.nextInt(Setting.PACKET_MARKS.size())) : 0;
      boolean accepted = pair.leaving(datagram, mark);
      count(pair.isTooBig() ? "sent, too big" : marked ? "sent with a mark" : "sent", accepted);
      if (pair.difference().isPresent()) {
        return told(seed, setting, pair, "sent " + datagram + " mark " + mark);
      }
      if (pair.isTooBig()) {
        // Each piece has taken a sequence number of Linux's associations.
        break;
      }
    }
    List<Held> late = new ArrayList<>();
    for (int i = 0; i < ARRIVING; i++) {
      Tampering tampering = TAMPERINGS.get(random.nextInt(TAMPERINGS.size()));
      Policy everything = setting.everything(layers(setting, random));
      done(remote, new XfrmCommand.UpdatePolicy(everything));
      var origin = new Origin(answer(setting, random), everything.bundle());
      for (byte[] sent : remote.sends(origin.datagram())) {
        if (random.nextInt(6) == 0) {
          late.add(new Held(Octets.of(sent), origin));
          continue;
        }
        for (byte[] packet : tampering.of(sent, random)) {
          if (pair.isTheStacks(packet)) {
            counts.merge("in clear: not the engine's", 1, Integer::sum);
            continue;
          }
          count(tampering.toString(), pair.arriving(packet, origin));
          if (pair.difference().isPresent()) {
            return told(seed, setting, pair, tampering + " " + HexFormat.of().formatHex(packet));
          }
        }
      }
    }
    for (Held held : late) {
      byte[] packet = held.packet().toArray();
      if (pair.isTheStacks(packet)) {
        continue;
      }
      count("LATE", pair.arrivingLate(packet, held.origin()));
      if (pair.difference().isPresent()) {
        return told(seed, setting, pair, "LATE " + held.packet());
      }
    }
    return Optional.empty();
  }

  private static void done(Host host, XfrmCommand command) {
    assertThat(host.apply(command)).as("%s", command).isEqualTo(XfrmReply.DONE);
  }

  private void count(String what, boolean accepted) {
    counts.merge(what + (accepted ? ": accepted" : ": refused"), 1, Integer::sum);
  }

  private Optional<String> told(long seed, Setting setting, HostPair pair, String packet)
      throws Exception {
    Optional<KernelLimit> limit = KernelLimit.of(setting, pair);
    if (limit.isPresent()) {
      limits.merge(limit.get(), 1, Integer::sum);
      return Optional.empty();
    }
    return Optional.of(
        "MIPD_DIFFERENTIAL_SEED=" + seed + ": " + packet + "\n" + pair + "\n" + setting + "\n");
  }

  /** All layers mostly; else fewer, or in another order. */
  private static ImmutableList<Layer> layers(Setting setting, Random random) {
    List<Layer> layers = new ArrayList<>(setting.layers());
    if (random.nextInt(5) == 0) {
      Collections.shuffle(layers, random);
      if (random.nextBoolean()) {
        layers.remove(0);
      }
      var chosen = ImmutableList.copyOf(layers);
      var bundle = setting.everything(chosen).bundle();
      return bundle.hasAhTunnelUnderOption() ? setting.layers() : chosen;
    }
    return setting.layers();
  }

  private static Datagram datagram(Setting setting, Random random) {
    // What a home agent forwards to others is no business of the engine's.
    boolean elsewhere = random.nextInt(8) == 0 && !setting.kind().forwards();
    return datagram(setting.kind().here(), elsewhere ? Setting.X : setting.kind().there(), random);
  }

  private static Datagram answer(Setting setting, Random random) {
    Ipv6Address source = random.nextInt(12) == 0 ? Setting.X : setting.kind().there();
    return datagram(source, setting.kind().here(), random);
  }

  private static Datagram datagram(Ipv6Address source, Ipv6Address destination, Random random) {
    return switch (random.nextInt(7)) {
      case 0 -> Datagram.mobility(source, destination, 1 + random.nextInt(6));
      case 1 ->
          Datagram.icmpv6(
              source, destination, FIRST_ICMPV6_TYPE + random.nextInt(4), random.nextInt(2));
      case 2 -> Datagram.keyExchange(source, destination, text(random));
      default ->
          Datagram.udp(source, Datagram.OWN_PORT + random.nextInt(3), destination, text(random));
    };
  }

  /** Some are close to what fits into a link, with what is put around them or without. */
  private static String text(Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> "x".repeat(random.nextInt(1000));
      case 1 -> "x".repeat(1200 + random.nextInt(250));
      default -> "x".repeat(random.nextInt(60));
    };
  }
}
