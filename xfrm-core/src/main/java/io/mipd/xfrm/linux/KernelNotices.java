package io.mipd.xfrm.linux;

import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.KernelAssociation;
import io.mipd.xfrm.netlink.KernelPolicy;
import io.mipd.xfrm.netlink.KernelSelector;
import io.mipd.xfrm.netlink.NetlinkMessage;
import io.mipd.xfrm.netlink.PolicyName;
import io.mipd.xfrm.netlink.XfrmAttribute;
import io.mipd.xfrm.netlink.XfrmMessage;
import io.mipd.xfrm.netlink.XfrmMessageCodec;
import io.mipd.xfrm.packet.MalformedPacketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** What the kernel tells the groups of NETLINK_XFRM, without what we have done ourselves. */
final class KernelNotices implements AutoCloseable {
  // Bit n-1 for group n, XFRMNLGRP_*.
  private static final int GROUP_ACQUIRE = 1;
  private static final int GROUP_EXPIRE = 1 << 1;
  private static final int GROUP_SA = 1 << 2;
  private static final int GROUP_POLICY = 1 << 3;
  private static final int GROUP_REPORT = 1 << 5;
  private static final int GROUP_MIGRATE = 1 << 6;
  private static final int GROUP_MAPPING = 1 << 7;

  private static final int XFRMNLGRP_AEVENTS = 5;

  /** Datagrams taken by one call at most; what remains keeps the descriptor readable. */
  private static final int LIMIT = 512;

  /** Moves of ours whose notice has not come yet; the oldest is forgotten beyond. */
  private static final int MAX_EXPECTED = 4096;

  private record Expected(PolicyName policy, List<XfrmAttribute.Migration> migrations) {}

  private final NetlinkSocket socket;
  private final Ownership ownership;
  private final int ownPort;
  private final List<Expected> expected = new ArrayList<>();
  private boolean hearsSequences;
  private boolean policiesChanged;
  private boolean associationsChanged;
  private long overruns;

  private KernelNotices(NetlinkSocket socket, Ownership ownership, int ownPort) {
    this.socket = socket;
    this.ownership = ownership;
    this.ownPort = ownPort;
  }

  /**
   * @param ownPort of the socket by whose requests we change things
   */
  static KernelNotices open(Ownership ownership, int ownPort) throws SystemCallException {
    int groups =
        GROUP_ACQUIRE
            | GROUP_EXPIRE
            | GROUP_SA
            | GROUP_POLICY
            | GROUP_REPORT
            | GROUP_MIGRATE
            | GROUP_MAPPING;
    var socket = NetlinkSocket.forGroups(NetlinkSocket.NETLINK_XFRM, groups, "xfrm notices");
    try {
      // So that many changes of ours at once do not crowd out what others do.
      socket.ignore(ownPort);
      return new KernelNotices(socket, ownership, ownPort);
    } catch (SystemCallException e) {
      socket.close();
      throw e;
    }
  }

  /**
   * Hears of sequence numbers from now on. Not from the beginning: as soon as anybody listens, the
   * kernel tells them for every association, by default each two packets.
   */
  void hearSequences() throws SystemCallException {
    if (!hearsSequences) {
      socket.join(XFRMNLGRP_AEVENTS);
      hearsSequences = true;
    }
  }

  int fd() {
    return socket.fd();
  }

  long overruns() {
    return overruns;
  }

  /** The notice of a move does not say who asked for it, so this one is known by its content. */
  void expect(XfrmMessage.Migrate ownMove) {
    if (expected.size() == MAX_EXPECTED) {
      expected.remove(0);
    }
    expected.add(new Expected(ownMove.policy(), ownMove.attributes().migrations()));
  }

  void receive(Consumer<XfrmNotice> consumer) throws SystemCallException {
    policiesChanged = false;
    associationsChanged = false;
    boolean complete = socket.hear(LIMIT, message -> take(message, consumer));
    if (!complete) {
      overruns++;
      expected.clear();
      consumer.accept(new XfrmNotice.Resync());
      return;
    }
    if (policiesChanged) {
      consumer.accept(new XfrmNotice.PoliciesChanged());
    }
    if (associationsChanged) {
      consumer.accept(new XfrmNotice.AssociationsChanged());
    }
  }

  private void take(NetlinkMessage message, Consumer<XfrmNotice> consumer)
      throws MalformedPacketException {
    boolean own = message.port() == ownPort;
    switch (message.type()) {
      case XfrmMessage.NEWPOLICY,
          XfrmMessage.UPDPOLICY,
          XfrmMessage.DELPOLICY,
          XfrmMessage.FLUSHPOLICY ->
          policiesChanged |= !own;
      case XfrmMessage.NEWSA,
          XfrmMessage.UPDSA,
          XfrmMessage.DELSA,
          XfrmMessage.FLUSHSA,
          XfrmMessage.MAPPING ->
          associationsChanged |= !own;
      default -> {
        var decoded = XfrmMessageCodec.decode(message);
        if (decoded.isPresent()) {
          take(decoded.get(), consumer);
        }
      }
    }
  }

  private void take(XfrmMessage message, Consumer<XfrmNotice> consumer) {
    if (message instanceof XfrmMessage.Acquire acquire) {
      acquire(acquire).ifPresent(consumer);
    } else if (message instanceof XfrmMessage.Expire expire) {
      take(expire, consumer);
    } else if (message instanceof XfrmMessage.PolicyExpire expire) {
      policiesChanged |= expire.hard();
    } else if (message instanceof XfrmMessage.AsyncEvent event) {
      sequencesMoved(event).ifPresent(consumer);
    } else if (message instanceof XfrmMessage.Report report) {
      report(report).ifPresent(consumer);
    } else if (message instanceof XfrmMessage.Migrate migrate) {
      boolean own =
          expected.remove(new Expected(migrate.policy(), migrate.attributes().migrations()));
      policiesChanged |= !own;
      associationsChanged |= !own;
    }
  }

  /** Of ours only: what others' policies lack is their key manager's concern. */
  private Optional<XfrmNotice> acquire(XfrmMessage.Acquire acquire) {
    var policy = new KernelPolicy(acquire.policy(), acquire.attributes());
    if (!ownership.isOurs(policy)) {
      return Optional.empty();
    }
    return policy
        .policy(ownership.mark())
        .flatMap(
            known ->
                asked(acquire, known.bundle().templates())
                    .map(
                        template ->
                            new XfrmNotice.Acquire(
                                flow(acquire.selector()), known.id(), template)));
  }

  /** The kernel names the template by addresses and protocol: a tunnel's own, else the flow's. */
  private static Optional<Template> asked(XfrmMessage.Acquire acquire, List<Template> templates) {
    var candidates =
        templates.stream()
            .filter(template -> template.protocol().number() == acquire.protocol())
            .toList();
    return candidates.stream()
        .filter(
            template ->
                template.isTunnel()
                    && template.source().equals(acquire.source())
                    && template.destination().equals(acquire.destination()))
        .findFirst()
        .or(() -> candidates.stream().filter(template -> !template.isTunnel()).findFirst())
        .or(() -> candidates.stream().findFirst());
  }

  private static Flow flow(KernelSelector selector) {
    int protocol = selector.protocol();
    boolean ports =
        IpProtocol.hasPorts(protocol)
            || protocol == IpProtocol.MOBILITY
            || protocol == IpProtocol.ICMPV6;
    return Flow.withPorts(
        selector.source(),
        selector.destination(),
        protocol,
        ports && selector.sourcePortMask() != 0 ? selector.sourcePort() : Flow.NO_PORT,
        ports && selector.destinationPortMask() != 0 ? selector.destinationPort() : Flow.NO_PORT);
  }

  private void take(XfrmMessage.Expire expire, Consumer<XfrmNotice> consumer) {
    var state = new KernelAssociation(expire.info(), expire.attributes());
    if (state.id().isEmpty()) {
      return; // An acquire that nobody has answered.
    }
    if (ownership.isOurs(state)) {
      consumer.accept(new XfrmNotice.Expire(state.id().get(), expire.hard()));
    } else {
      associationsChanged |= expire.hard();
    }
  }

  private Optional<XfrmNotice> sequencesMoved(XfrmMessage.AsyncEvent event) {
    var protocol = TransformProtocol.ofNumber(event.name().protocol());
    var position = event.attributes().position();
    if (protocol.isEmpty() || position.isEmpty()) {
      return Optional.empty();
    }
    var id = new AssociationId(event.name().destination(), protocol.get(), event.name().spi());
    return ownership.isOurs(id, event.attributes().mark())
        ? Optional.of(
            new XfrmNotice.SequencesMoved(id, position.get().outbound(), position.get().inbound()))
        : Optional.empty();
  }

  private static Optional<XfrmNotice> report(XfrmMessage.Report report) {
    var careOf = report.attributes().address(XfrmAttribute.COADDR);
    var protocol =
        TransformProtocol.ofNumber(report.protocol())
            .filter(TransformProtocol::isRouteOptimization);
    return careOf.isEmpty() || protocol.isEmpty()
        ? Optional.empty()
        : Optional.of(new XfrmNotice.Report(protocol.get(), flow(report.selector()), careOf.get()));
  }

  @Override
  public void close() {
    socket.close();
  }
}
