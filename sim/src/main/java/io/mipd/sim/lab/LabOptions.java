package io.mipd.sim.lab;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableSet;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * What the command line asks for.
 *
 * @param command what to do
 * @param out where results go; without it a folder under {@code lab-results}
 * @param world who transforms packets
 * @param handovers rows of the table; without it the walk home, A, B, A, home
 * @param delayMillis one way, between the core and the home agent
 * @param lossPercent of the frames between the core and the home agent, by seed
 * @param routeOptimization the mobile node and its correspondent take the direct way
 * @param ike the keys between mobile node and home agent are negotiated, by strongSwan's charon
 * @param userIpsec between the home address and the correspondent
 * @param scenario a file, or the name of a ready one, that is played in place of the scene
 * @param compare whether the simulator runs it, too, and both are compared
 * @param daemons false: the network, the traffic and the measurements only, the mobile node at home
 */
record LabOptions(
    Command command,
    Optional<Path> out,
    World world,
    OptionalInt handovers,
    int delayMillis,
    double lossPercent,
    boolean ipsec,
    boolean payloadIpsec,
    boolean routeOptimization,
    boolean ike,
    UserIpsec userIpsec,
    int interfaces,
    boolean keep,
    boolean daemons,
    Optional<String> scenario,
    boolean compare,
    OptionalLong seed) {

  /** What to do. */
  enum Command {
    RUN,
    CLEANUP,
    HELP
  }

  /** IPsec of the user's own, between the home address and the correspondent. */
  enum UserIpsec {
    NONE,
    TRANSPORT,
    TUNNEL;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Whether the correspondent has a mipd, too. */
  boolean correspondentHasDaemon() {
    return daemons && (routeOptimization || userIpsec != UserIpsec.NONE);
  }

  static final String USAGE =
      """
      usage: bin/lab [options]

      Builds a network out of network namespaces, starts a home agent and a mobile node in it, moves the mobile
      node home -> A -> B -> A -> home while ping, UDP and TCP run over its home address, and measures. Needs root.

        --out DIR                results go there (default: lab-results/TIME-PID)
        --world WORLD            who transforms packets: engine (default), this machine's kernel does the rest;
                                 kernel, all nodes in a guest (User-Mode Linux) that has Mobile IPv6;
                                 mixed-ha-kernel or mixed-mn-kernel, only that node in a guest
        --handovers N            N handovers between A and B in the table; the first registration before them and
                                 the return home after them are reported apart
        --delay MS               one way, between the core and the home agent (default 0)
        --loss PERCENT           of the frames between the core and the home agent, by seed (default 0)
        --no-ipsec               signalling and payload without protection
        --payload-ipsec on|off   payload in an ESP tunnel (default on), or in plain IPv6-in-IPv6
        --ike                    their keys are negotiated by strongSwan's charon; with --world kernel
        --ro                     mobile node and correspondent optimize their route: the correspondent runs mipd, too
        --user-ipsec MODE        ESP of the user's own between home address and correspondent: none (default),
                                 transport or tunnel; the correspondent runs mipd, too
        --interfaces 1|2         one cable that moves, or two interfaces (default 1)
        --seed N                 of losses, keys and contents (default 1)
        --scenario FILE          plays a scenario of bin/sim's, a file or the name of a ready one, with real daemons
                                 in place of the scene; with --out, --seed and --compare only
        --compare                then runs the same in the simulator (10 seeds) and compares the parts of handovers
        --keep                   leave the network and the daemons for a look; bin/lab --cleanup removes them
        --no-daemons             the network, the traffic and the measurements only, at home: checks the lab itself
        --cleanup                remove what a killed or kept lab has left
        --help                   this text

      Exit status 0: every connection lived and everything was delivered; 1: not so; 2: wrong options;
      3: the system lacks something. With --scenario 0 says: of each flow something has arrived that was sent after
      the last movement and crash that left it 5 s; each movement was acknowledged, unless a crash of the node's or its
      home agent's mipd overlaps it; each mipd stopped cleanly; the captures are complete and without fault; with
      --compare: each part of the handovers is within 10 % or 5 ms of the simulator's.""";

  private static final ImmutableSet<String> WITH_SCENARIO =
      ImmutableSet.of("--out", "--seed", "--scenario", "--compare", "--help", "-h");

  /** Of losses, keys and contents of the scene. */
  long sceneSeed() {
    return seed.orElse(1);
  }

  LabOptions {
    checkArgument(!compare || scenario.isPresent(), "--compare needs --scenario");
    checkArgument(
        delayMillis >= 0 && delayMillis <= 1000, "--delay: 0 to 1000, not %s", delayMillis);
    checkArgument(
        lossPercent >= 0 && lossPercent <= 50, "--loss: 0 to 50 percent, not %s", lossPercent);
    checkArgument(interfaces == 1 || interfaces == 2, "--interfaces: 1 or 2, not %s", interfaces);
    checkArgument(
        handovers.isEmpty() || (handovers.getAsInt() >= 1 && handovers.getAsInt() <= 1000),
        "--handovers: 1 to 1000");
    checkArgument(
        !keep || !world.isWhollyInGuest(),
        "--keep cannot be: the network of --world %s ends with its guest",
        world);
    checkArgument(
        !ike || world.isWhollyInGuest(),
        "--ike needs --world kernel: charon gives its associations to the kernel");
    checkArgument(!ike || (ipsec && daemons), "--ike: without IPsec and daemons there are no keys");
  }

  /**
   * @throws IllegalArgumentException with what is wrong, for the user
   */
  static LabOptions parse(List<String> words) {
    Command command = Command.RUN;
    Optional<Path> out = Optional.empty();
    World world = World.ENGINE;
    OptionalInt handovers = OptionalInt.empty();
    int delay = 0;
    double loss = 0;
    boolean ipsec = true;
    boolean payloadIpsec = true;
    boolean routeOptimization = false;
    boolean ike = false;
    UserIpsec userIpsec = UserIpsec.NONE;
    int interfaces = 1;
    boolean keep = false;
    boolean daemons = true;
    Optional<String> scenario = Optional.empty();
    boolean compare = false;
    OptionalLong seed = OptionalLong.empty();
    Optional<String> ofTheScene = Optional.empty();
    Iterator<String> rest = words.iterator();
    while (rest.hasNext()) {
      String option = rest.next();
      Supplier<String> value =
          () -> {
            checkArgument(rest.hasNext(), "%s needs a value", option);
            return rest.next();
          };
      switch (option) {
        case "--help", "-h" -> command = Command.HELP;
        case "--cleanup" -> command = Command.CLEANUP;
        case "--out" -> out = Optional.of(Path.of(value.get()).toAbsolutePath().normalize());
        case "--world" -> world = world(value.get());
        case "--handovers" -> handovers = OptionalInt.of((int) number(option, value.get()));
        case "--delay" -> delay = (int) number(option, value.get());
        case "--loss" -> loss = decimal(option, value.get());
        case "--no-ipsec" -> ipsec = false;
        case "--payload-ipsec" -> payloadIpsec = onOff(option, value.get());
        case "--ike" -> ike = true;
        case "--ro" -> routeOptimization = true;
        case "--user-ipsec" -> userIpsec = userIpsec(value.get());
        case "--interfaces" -> interfaces = (int) number(option, value.get());
        case "--seed" -> seed = OptionalLong.of(number(option, value.get()));
        case "--scenario" -> scenario = Optional.of(value.get());
        case "--compare" -> compare = true;
        case "--keep" -> keep = true;
        case "--no-daemons" -> daemons = false;
        default -> throw new IllegalArgumentException("unknown option " + option);
      }
      if (!WITH_SCENARIO.contains(option)) {
        ofTheScene = Optional.of(option);
      }
    }
    if (scenario.isPresent() && ofTheScene.isPresent()) {
      throw new IllegalArgumentException(
          ofTheScene.get() + " is not for --scenario: the file says all that it says");
    }
    return new LabOptions(
        command,
        out,
        world,
        handovers,
        delay,
        loss,
        ipsec,
        payloadIpsec && ipsec,
        routeOptimization,
        ike,
        userIpsec,
        interfaces,
        keep,
        daemons,
        scenario,
        compare,
        seed);
  }

  private static World world(String word) {
    return World.named(word)
        .orElseThrow(
            () ->
                new IllegalArgumentException("--world: one of " + World.words() + ", not " + word));
  }

  private static UserIpsec userIpsec(String word) {
    return Arrays.stream(UserIpsec.values())
        .filter(one -> one.toString().equals(word))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "--user-ipsec: none, transport or tunnel, not " + word));
  }

  private static long number(String option, String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(option + ": a whole number, not " + text, e);
    }
  }

  private static double decimal(String option, String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(option + ": a number, not " + text, e);
    }
  }

  private static boolean onOff(String option, String text) {
    checkArgument(text.equals("on") || text.equals("off"), "%s: on or off, not %s", option, text);
    return text.equals("on");
  }
}
