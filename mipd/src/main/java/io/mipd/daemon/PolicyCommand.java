package io.mipd.daemon;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.control.ControlClient;
import io.mipd.control.ControlException;
import io.mipd.control.ControlRequest;
import io.mipd.control.Json;
import io.mipd.host.PolicyInputs;
import io.mipd.merger.explain.Difference;
import io.mipd.merger.explain.DifferenceDocument;
import io.mipd.merger.explain.DifferenceText;
import io.mipd.merger.explain.Explainer;
import io.mipd.merger.explain.Explanation;
import io.mipd.merger.explain.ExplanationDocument;
import io.mipd.merger.explain.ExplanationText;
import io.mipd.merger.explain.Packet;
import io.mipd.merger.rule.Merged;
import io.mipd.merger.rule.StandingMerge;
import io.mipd.merger.source.PolicyWords;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.WishOwner;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code mipd policy}: why a packet fares as it does, what is doubtful, what a change changes. */
@Command(
    name = "policy",
    mixinStandardHelpOptions = true,
    description = {
      "Your IPsec policies and mobility's, composed: what becomes of a packet, what is doubtful,"
          + " what a change would change.",
      "With --config FILE offline, without it of the running daemon."
    },
    subcommands = {
      PolicyCommand.Explain.class,
      PolicyCommand.Check.class,
      PolicyCommand.Diff.class
    })
final class PolicyCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    throw wrong(spec, "which one? explain, check or diff");
  }

  /** Status 2, with the command's usage. */
  private static ParameterException wrong(@Nullable CommandSpec spec, String message) {
    if (spec == null) {
      throw new IllegalStateException(message);
    }
    return new ParameterException(spec.commandLine(), message);
  }

  /** Of which node, and where it is. */
  static final class Node {
    @Option(
        names = "--config",
        paramLabel = "FILE",
        description = "Offline: a configuration, as of a daemon that has just begun")
    private @Nullable Path config;

    @Option(
        names = "--socket",
        paramLabel = "PATH",
        description = "The running daemon's control socket; default: /run/mipd/control.sock")
    private @Nullable Path socket;

    @Option(
        names = "--at",
        paramLabel = "PLACE",
        description = {
          "With --config of a mobile node: where it is: home (default) or its care-of address"
        })
    private @Nullable String at;

    @Option(
        names = "--binding",
        paramLabel = "HOA=COA",
        description =
            "With --config of a home agent: a home address bound to a care-of address;"
                + " may be repeated")
    private List<String> bindings = new ArrayList<>();

    @Option(
        names = "--route",
        paramLabel = "[LOCAL,]PEER[=COA]",
        description =
            "With --config: the route to this peer is optimized: a mobile node that is away is"
                + " bound there. With =COA the peer is mobile itself, and bound here to that"
                + " care-of address. LOCAL is the address of this node, needed if it has several;"
                + " may be repeated")
    private List<String> routes = new ArrayList<>();

    @Option(names = "--json", description = "JSON in place of text")
    private boolean json;

    PolicyState state(@Nullable CommandSpec spec)
        throws ConfigurationException, IOException, ControlException {
      if (config == null) {
        if (at != null || !bindings.isEmpty() || !routes.isEmpty()) {
          throw wrong(spec, "--at, --binding and --route go with --config; a running daemon knows");
        }
        return running();
      }
      if (socket != null) {
        throw wrong(spec, "--config is offline, --socket asks a running daemon: give one");
      }
      DaemonConfiguration configuration = DaemonConfiguration.read(config);
      PolicyState state = ConfiguredState.of(configuration);
      boolean mobile = state.homes().stream().anyMatch(PolicyState.Home::mobileNode);
      if (at != null && !mobile) {
        throw wrong(spec, "--at is for mobile nodes; a home agent has --binding HOA=COA");
      }
      if (!bindings.isEmpty() && mobile) {
        throw wrong(spec, "--binding is for home agents; a mobile node has --at PLACE");
      }
      if (at != null) {
        state = moved(state, at, spec);
      }
      for (String binding : bindings) {
        state = moved(state, binding, spec);
      }
      for (String route : routes) {
        state = routed(state, configuration, route, spec);
      }
      return state;
    }

    private static PolicyState routed(
        PolicyState state,
        DaemonConfiguration configuration,
        String route,
        @Nullable CommandSpec spec) {
      try {
        return AssumedRoute.parse(route).in(state, configuration);
      } catch (IllegalArgumentException e) {
        throw wrong(spec, "--route " + route + ": " + e.getMessage());
      }
    }

    private PolicyState running() throws IOException, ControlException {
      Path path = socket == null ? DaemonConfiguration.DEFAULT_CONTROL_SOCKET : socket;
      try {
        return PolicyStateDocument.read(
            ControlClient.ask(path, ControlRequest.of(PolicyStateDocument.REQUEST)));
      } catch (IOException e) {
        throw new IOException(e.getMessage() + "; --config FILE works offline", e);
      }
    }

    /**
     * @param where {@code home}, a care-of address, or either behind {@code HOA=}
     */
    static PolicyState moved(PolicyState state, String where, @Nullable CommandSpec spec) {
      List<String> parts = Splitter.on('=').splitToList(where);
      Ipv6Address home;
      if (parts.size() == 2) {
        home = address(parts.get(0), spec);
      } else if (state.homes().size() == 1) {
        home = state.homes().get(0).address();
      } else {
        throw wrong(spec, "of which home address? HOA=COA");
      }
      if (state.homes().stream().noneMatch(one -> one.address().equals(home))) {
        throw wrong(
            spec,
            home
                + " is not a home address here; there are "
                + state.homes().stream().map(PolicyState.Home::address).toList());
      }
      String place = parts.get(parts.size() - 1);
      return state.moved(home, place.equals("home") ? home : address(place, spec));
    }

    private static Ipv6Address address(String text, @Nullable CommandSpec spec) {
      try {
        return Ipv6Address.parse(text);
      } catch (IllegalArgumentException e) {
        throw wrong(spec, e.getMessage() + "; allowed: home, or an address");
      }
    }

    void print(@Nullable CommandSpec spec, String text, Map<String, Object> document) {
      if (spec != null) {
        Main.print(spec, json ? Json.render(document) + "\n" : text);
      }
    }
  }

  /** What becomes of a packet. */
  @Command(
      name = "explain",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "What becomes of a packet: the policy that decides, the rules that made it, each header on"
            + " the wire from the outside in, overhead and MTU, and findings that concern it.",
        "",
        "A packet is told in the words of ip xfrm, as its two ends see it:",
        "  src ADDRESS dst ADDRESS [proto NAME|NUMBER] [sport N] [dport N] [type N] [code N]",
        "  [mark N] [if_id N]",
        "type is that of ipv6-icmp (icmpv6) or mobility-header (mh). If only one port is given the"
            + " other is 49152; without ports only policies for any port apply.",
        ""
      },
      footer = {
        "",
        "Examples:",
        "  mipd policy explain --config mobile-node.conf --care-of 2001:db8:a::10 \\",
        "      --out src 2001:db8:1::100 dst 2001:db8:c::2 proto tcp dport 443",
        "  mipd policy explain --in src 2001:db8:1::1 dst 2001:db8:1::100 proto mh type 6",
        "  mipd policy explain --pcap mipd0.pcap --packet 7",
        "Exit status: 0 explained, 1 failure, 2 bad configuration or options."
      })
  static final class Explain implements Callable<Integer> {
    /** What a packet gets for a port that is not told: the first of the dynamic ones (RFC 6335). */
    private static final int DYNAMIC_PORT = 49152;

    @Spec private @Nullable CommandSpec spec;
    @ArgGroup private Way way = new Way();

    @Parameters(
        arity = "0..*",
        paramLabel = "WORD",
        description = "The packet: src ADDRESS dst ADDRESS ...")
    private List<String> words = new ArrayList<>();

    @Option(
        names = "--length",
        paramLabel = "OCTETS",
        description =
            "Of the packet, its IPv6 header included; default: as much as the path" + " carries")
    private @Nullable Integer length;

    @Option(
        names = "--path-mtu",
        paramLabel = "OCTETS",
        description = "What the path carries of the outermost packet; default: 1500")
    private int pathMtu = Explainer.DEFAULT_PATH_MTU;

    @Option(
        names = "--pcap",
        paramLabel = "FILE",
        description =
            "Packets of a capture (pcap or pcapng) in place of words, best of the device"
                + " that has the home address: mipd0")
    private @Nullable Path pcap;

    @Option(
        names = "--packet",
        paramLabel = "N",
        description = "Of --pcap: its number, from 1, as Wireshark counts; default: all of IPv6")
    private @Nullable Integer number;

    @Option(
        names = "--care-of",
        paramLabel = "ADDRESS",
        description =
            "With --config of a mobile node: it is away with this care-of address; the"
                + " same as --at ADDRESS")
    private @Nullable String careOf;

    @Mixin private Node node = new Node();

    /** Which policies see the packet. */
    static final class Way {
      @Option(names = "--out", description = "It leaves this node")
      private boolean out;

      @Option(names = "--in", description = "It has come for this node")
      private boolean in;

      @Option(
          names = "--fwd",
          description =
              "It has come and is to be passed on; without --out, --in and --fwd the"
                  + " addresses decide")
      private boolean fwd;

      Optional<Direction> direction() {
        return out
            ? Optional.of(Direction.OUT)
            : in ? Optional.of(Direction.IN) : fwd ? Optional.of(Direction.FWD) : Optional.empty();
      }
    }

    @Override
    public Integer call() throws Exception {
      if (words.isEmpty() == (pcap == null)) {
        throw wrong(spec, "a packet is needed: src ADDRESS dst ADDRESS ..., or --pcap FILE");
      }
      PolicyState state = away(node, careOf, spec);
      if (pcap == null) {
        Explanation one = explain(state, state.inputs().merge(), flow(), length);
        node.print(spec, ExplanationText.of(one), ExplanationDocument.of(one));
      } else {
        captured(state, pcap);
      }
      return Main.STOPPED;
    }

    private void captured(PolicyState state, Path file) throws IOException {
      Merged merged = state.inputs().merge();
      var text = new StringBuilder();
      List<Object> documents = new ArrayList<>();
      for (CaptureFile.Captured packet : CaptureFile.read(file)) {
        if (number != null && number != packet.number()) {
          continue;
        }
        Explanation one = explain(state, merged, packet.flow(), packet.length());
        text.append(text.length() == 0 ? "" : "\n");
        text.append("number    ").append(packet.number()).append('\n');
        text.append(ExplanationText.of(one));
        Map<String, Object> document = ExplanationDocument.of(one);
        document.put("number", packet.number());
        documents.add(document);
      }
      if (documents.isEmpty()) {
        throw new IOException(
            file + ": no IPv6 packet" + (number == null ? "" : " is number " + number));
      }
      node.print(spec, text.toString(), Map.of("packets", documents));
    }

    private Explanation explain(
        PolicyState state, Merged merged, Flow flow, @Nullable Integer octets) {
      Direction direction = way.direction().orElseGet(() -> state.directionOf(flow));
      try {
        var packet =
            new Packet(
                direction, flow, octets == null ? OptionalInt.empty() : OptionalInt.of(octets));
        return Explainer.explain(packet, merged, state.knowledge(), pathMtu);
      } catch (IllegalArgumentException e) {
        throw wrong(spec, "" + e.getMessage());
      }
    }

    private Flow flow() {
      Flow flow;
      try {
        flow = PolicyWords.parseFlow(words);
      } catch (IllegalArgumentException e) {
        throw wrong(spec, "" + e.getMessage());
      }
      boolean one = (flow.sourcePort() == Flow.NO_PORT) != (flow.destinationPort() == Flow.NO_PORT);
      if (!IpProtocol.hasPorts(flow.protocol()) || !one) {
        return flow;
      }
      return new Flow(
          flow.source(),
          flow.destination(),
          flow.protocol(),
          flow.sourcePort() == Flow.NO_PORT ? DYNAMIC_PORT : flow.sourcePort(),
          flow.destinationPort() == Flow.NO_PORT ? DYNAMIC_PORT : flow.destinationPort(),
          flow.mark(),
          flow.interfaceId());
    }
  }

  private static PolicyState away(Node node, @Nullable String careOf, @Nullable CommandSpec spec)
      throws ConfigurationException, IOException, ControlException {
    if (careOf != null) {
      if (node.at != null && !node.at.equals("away")) {
        throw wrong(spec, "--at " + node.at + " and --care-of " + careOf + ": give one");
      }
      node.at = careOf;
    } else if (node.at != null && node.at.equals("away")) {
      throw wrong(spec, "away with which care-of address? --care-of ADDRESS");
    }
    return node.state(spec);
  }

  /** What is doubtful. */
  @Command(
      name = "check",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "Tells what is doubtful about the policies as they go together, each with a packet that"
            + " meets it; and in the engine world, policies that want an association which is"
            + " nowhere."
      },
      footer = {
        "",
        "Exit status: 0 nothing is doubtful, 1 something needs attention, 2 bad configuration or"
            + " options."
      })
  static final class Check implements Callable<Integer> {
    static final int NEEDS_ATTENTION = 1;

    @Spec private @Nullable CommandSpec spec;

    @Option(
        names = "--care-of",
        paramLabel = "ADDRESS",
        description =
            "With --config of a mobile node: it is away with this care-of address; the"
                + " same as --at ADDRESS")
    private @Nullable String careOf;

    @Mixin private Node node = new Node();

    @Override
    public Integer call() throws Exception {
      PolicyCheck check = PolicyCheck.of(away(node, careOf, spec));
      node.print(spec, check.text(), check.document());
      return check.needsAttention() ? NEEDS_ATTENTION : Main.STOPPED;
    }
  }

  /** What a change would change. */
  @Command(
      name = "diff",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "Tells what a change would change, before it does: policies added, removed and changed, in"
            + " which order, and findings that appear or disappear. Changes nothing.",
        "",
        "A POLICY is told in the words of ip xfrm policy, for instance 'src 2001:db8:1::100 dst"
            + " 2001:db8:c::/64 dir out priority 10 tmpl proto esp reqid 7 mode transport'.",
        ""
      },
      footer = {
        "",
        "Examples:",
        "  mipd policy diff --care-of 2001:db8:b::10",
        "  mipd policy diff --config mipd.conf --at 2001:db8:a::10 --with new.conf",
        "Exit status: 0 told, 1 failure, 2 bad configuration or options."
      })
  static final class Diff implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Option(
        names = "--with",
        paramLabel = "FILE",
        description = "Another configuration in place of the present one")
    private @Nullable Path with;

    @Option(
        names = "--care-of",
        paramLabel = "[HOA=]COA",
        description =
            "A handover to this care-of address, or to home; on a home agent of several"
                + " mobile nodes HOA=COA")
    private @Nullable String careOf;

    @Option(
        names = "--add",
        paramLabel = "POLICY",
        description =
            "A user's policy more, or in place of one with this selector and direction;"
                + " may be repeated")
    private List<String> added = new ArrayList<>();

    @Option(
        names = "--remove",
        paramLabel = "POLICY",
        description = "The user's policy with this selector and direction goes; may be repeated")
    private List<String> removed = new ArrayList<>();

    @Mixin private Node node = new Node();

    @Override
    public Integer call() throws Exception {
      if (with == null && careOf == null && added.isEmpty() && removed.isEmpty()) {
        throw wrong(spec, "which change? --with, --care-of, --add or --remove");
      }
      PolicyState now = node.state(spec);
      PolicyState then = now;
      if (with != null) {
        then = configured(now, DaemonConfiguration.read(with));
      }
      for (String one : removed) {
        then = without(then, policy(one).id());
      }
      for (String one : added) {
        then = with(then, policy(one));
      }
      if (careOf != null) {
        then = Node.moved(then, careOf, spec);
      }
      StandingMerge<WishOwner> merge = now.inputs().standing();
      Merged before = merge.merged();
      then.inputs().follow(merge, now.inputs());
      Difference difference = Difference.between(before, merge.merged());
      node.print(spec, DifferenceText.of(difference), DifferenceDocument.of(difference));
      return Main.STOPPED;
    }

    private Policy policy(String words) {
      try {
        return PolicyWords.parse(words);
      } catch (IllegalArgumentException e) {
        throw wrong(spec, "\"" + words + "\": " + e.getMessage());
      }
    }

    private PolicyState without(PolicyState state, Policy.Id id) {
      PolicyInputs left = state.inputs().without(id);
      if (left.equals(state.inputs())) {
        throw wrong(spec, "there is no policy of the user's with " + id);
      }
      return state.with(left);
    }

    private static PolicyState with(PolicyState state, Policy policy) {
      PolicyInputs left = state.inputs().without(policy.id());
      return state.with(
          left.withUser(ImmutableList.<Policy>builder().addAll(left.user()).add(policy).build()));
    }

    /**
     * The state with another configuration: what is bound stays bound, and who wishes for the same
     * as before goes on doing so.
     */
    private static PolicyState configured(PolicyState now, DaemonConfiguration other) {
      PolicyState then = ConfiguredState.of(other);
      for (PolicyState.Home home : now.homes()) {
        if (home.careOf().isPresent()
            && then.homes().stream().anyMatch(one -> one.address().equals(home.address()))) {
          then = then.moved(home.address(), home.careOf().get());
        }
      }
      then = then.withRoutesOf(now, peer -> Cores.optimizes(other, peer));
      Map<WishOwner, MobilityWish> wishes = new LinkedHashMap<>(then.inputs().wishes());
      for (PolicyState.Home home : then.homes()) {
        MobilityWish same = now.inputs().wishes().get(WishOwner.of(home.address()));
        if (same != null && now.homes().contains(home)) {
          wishes.put(WishOwner.of(home.address()), same);
        }
      }
      // What others have installed is in no configuration.
      PolicyInputs inputs = then.inputs().withWishes(ImmutableMap.copyOf(wishes));
      return then.with(
          new PolicyInputs(
              inputs.user(), now.inputs().others(), inputs.wishes(), now.inputs().limits()));
    }
  }
}
