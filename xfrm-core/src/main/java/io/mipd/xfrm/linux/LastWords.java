package io.mipd.xfrm.linux;

import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.netlink.NetlinkMessage;
import io.mipd.xfrm.netlink.SequencePosition;
import io.mipd.xfrm.netlink.XfrmMessage;
import io.mipd.xfrm.netlink.XfrmMessageCodec;
import io.mipd.xfrm.packet.MalformedPacketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where the numbers of an association stood at its end. Only the notice of its deletion says that
 * without a gap: it is made when no packet can take another number any more.
 */
final class LastWords implements AutoCloseable {
  private static final int XFRMNLGRP_SA = 3;

  private final NetlinkSocket socket;
  private final int ownPort;

  private LastWords(NetlinkSocket socket, int ownPort) {
    this.socket = socket;
    this.ownPort = ownPort;
  }

  /**
   * @param ownPort of the socket by whose requests associations are deleted
   */
  static LastWords open(int ownPort) throws SystemCallException {
    return new LastWords(
        NetlinkSocket.forGroups(NetlinkSocket.NETLINK_XFRM, 0, "xfrm deletions"), ownPort);
  }

  /** Deletes an association. */
  interface Deletion {
    void run() throws SystemCallException;
  }

  /**
   * @return empty if there was none
   */
  Optional<SequencePosition> of(AssociationId id, Deletion deletion) throws SystemCallException {
    List<SequencePosition> last = new ArrayList<>();
    socket.join(XFRMNLGRP_SA);
    try {
      deletion.run();
      // What the deletion told was queued before it was acknowledged.
      socket.hear(Integer.MAX_VALUE, message -> take(message, id, last));
    } catch (NetlinkException e) {
      if (e.is("ESRCH")) {
        return Optional.empty();
      }
      throw e;
    } finally {
      socket.leave(XFRMNLGRP_SA);
      socket.drain();
    }
    if (last.isEmpty()) {
      throw new SystemCallException(
          "XFRM_MSG_DELSA", id.toString(), "ENOBUFS", "its last sequence numbers were not told");
    }
    return Optional.of(last.get(0));
  }

  private void take(NetlinkMessage message, AssociationId id, List<SequencePosition> last)
      throws MalformedPacketException {
    if (message.type() != XfrmMessage.DELSA || message.port() != ownPort) {
      return;
    }
    var decoded = XfrmMessageCodec.decode(message);
    if (decoded.isPresent()
        && decoded.get() instanceof XfrmMessage.AssociationNamed deleted
        && deleted.name().destination().equals(id.destination())
        && deleted.name().spi().equals(id.spi())
        && deleted.name().protocol() == id.protocol().number()) {
      last.add(deleted.attributes().position().orElse(SequencePosition.START));
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}
