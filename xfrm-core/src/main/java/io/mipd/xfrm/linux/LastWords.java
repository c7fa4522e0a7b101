package io.mipd.xfrm.linux;

import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.NetlinkMessage;
import io.mipd.xfrm.netlink.SequencePosition;
import io.mipd.xfrm.netlink.XfrmMessage;
import io.mipd.xfrm.netlink.XfrmMessageCodec;
import io.mipd.xfrm.packet.MalformedPacketException;
import java.util.HashMap;
import java.util.Map;

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

  /**
   * What is told while associations are deleted.
   *
   * @param deletions fewer than a socket's queue holds
   * @return where each of those stood that went; what was not told is missing
   */
  Map<AssociationId, SequencePosition> during(Runnable deletions) throws SystemCallException {
    Map<AssociationId, SequencePosition> last = new HashMap<>();
    socket.join(XFRMNLGRP_SA);
    try {
      deletions.run();
      // What a deletion told was queued before it was acknowledged.
      socket.hear(Integer.MAX_VALUE, message -> take(message, last));
    } finally {
      socket.leave(XFRMNLGRP_SA);
      socket.drain();
    }
    return last;
  }

  private void take(NetlinkMessage message, Map<AssociationId, SequencePosition> last)
      throws MalformedPacketException {
    if (message.type() != XfrmMessage.DELSA || message.port() != ownPort) {
      return;
    }
    var decoded = XfrmMessageCodec.decode(message);
    if (decoded.isPresent() && decoded.get() instanceof XfrmMessage.AssociationNamed deleted) {
      TransformProtocol.ofNumber(deleted.name().protocol())
          .ifPresent(
              protocol ->
                  last.put(
                      new AssociationId(
                          deleted.name().destination(), protocol, deleted.name().spi()),
                      deleted.attributes().position().orElse(SequencePosition.START)));
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}
