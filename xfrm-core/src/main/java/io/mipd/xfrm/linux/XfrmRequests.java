package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.netlink.KernelAssociation;
import io.mipd.xfrm.netlink.KernelPolicy;
import io.mipd.xfrm.netlink.NetlinkMessage;
import io.mipd.xfrm.netlink.XfrmAttributes;
import io.mipd.xfrm.netlink.XfrmMessage;
import io.mipd.xfrm.netlink.XfrmMessageCodec;
import io.mipd.xfrm.packet.MalformedPacketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Requests of NETLINK_XFRM and their answers. */
final class XfrmRequests {
  private static final int NLM_F_REPLACE = 0x100;

  private XfrmRequests() {}

  static NetlinkSocket.Request request(String name, XfrmMessage message, Object object) {
    return new NetlinkSocket.Request(
        name, message.type(), 0, object, out -> XfrmMessageCodec.encode(message, out));
  }

  /** A request that takes the place of what is there. */
  static NetlinkSocket.Request replacement(String name, XfrmMessage message, Object object) {
    return new NetlinkSocket.Request(
        name, message.type(), NLM_F_REPLACE, object, out -> XfrmMessageCodec.encode(message, out));
  }

  static void send(NetlinkSocket socket, NetlinkSocket.Request request) throws SystemCallException {
    socket.request(
        request.name(), request.type(), request.flags(), request.object(), request.body());
  }

  static XfrmError error(SystemCallException failure) {
    return switch (failure.errno()) {
      case "EEXIST" -> XfrmError.EXISTS;
      case "ENOENT", "ESRCH", "ENODATA" -> XfrmError.NOT_FOUND;
      case "EINVAL",
          "ERANGE",
          "EPROTONOSUPPORT",
          "EOPNOTSUPP",
          "EAFNOSUPPORT",
          "ENOSYS",
          "ENOPROTOOPT" ->
          XfrmError.INVALID;
      case "ENOMEM", "ENOBUFS" -> XfrmError.NO_MEMORY;
      case "EPERM", "EACCES" -> XfrmError.NOT_PERMITTED;
      default -> XfrmError.OTHER;
    };
  }

  static ImmutableList<KernelPolicy> policies(NetlinkSocket socket) throws SystemCallException {
    return ImmutableList.copyOf(
        socket.<KernelPolicy>list(
            "XFRM_MSG_GETPOLICY",
            XfrmMessage.GETPOLICY,
            out -> XfrmMessageCodec.encode(new XfrmMessage.ListPolicies(), out),
            XfrmRequests::addPolicy));
  }

  static ImmutableList<KernelAssociation> associations(NetlinkSocket socket, XfrmAttributes filters)
      throws SystemCallException {
    return ImmutableList.copyOf(
        socket.<KernelAssociation>list(
            "XFRM_MSG_GETSA",
            XfrmMessage.GETSA,
            out -> XfrmMessageCodec.encode(new XfrmMessage.ListAssociations(filters), out),
            XfrmRequests::addAssociation));
  }

  /** Empty if there is none. */
  static Optional<KernelPolicy> policy(
      NetlinkSocket socket, XfrmMessage.PolicyNamed named, Object object)
      throws SystemCallException {
    List<KernelPolicy> found = new ArrayList<>();
    query(socket, "XFRM_MSG_GETPOLICY", named, object, message -> addPolicy(message, found));
    return found.stream().findFirst();
  }

  /** Empty if there is none. */
  static Optional<KernelAssociation> association(
      NetlinkSocket socket, XfrmMessage.AssociationNamed named, Object object)
      throws SystemCallException {
    List<KernelAssociation> found = new ArrayList<>();
    query(socket, "XFRM_MSG_GETSA", named, object, message -> addAssociation(message, found));
    return found.stream().findFirst();
  }

  private static void query(
      NetlinkSocket socket,
      String name,
      XfrmMessage named,
      Object object,
      NetlinkSocket.Decoder decoder)
      throws SystemCallException {
    try {
      socket.query(
          name, named.type(), 0, object, out -> XfrmMessageCodec.encode(named, out), decoder);
    } catch (NetlinkException e) {
      if (error(e) != XfrmError.NOT_FOUND) {
        throw e;
      }
    }
  }

  private static void addPolicy(NetlinkMessage message, List<KernelPolicy> policies)
      throws MalformedPacketException {
    var decoded = XfrmMessageCodec.decode(message);
    if (decoded.isPresent() && decoded.get() instanceof XfrmMessage.PolicyMessage policy) {
      policies.add(new KernelPolicy(policy.info(), policy.attributes()));
    }
  }

  private static void addAssociation(NetlinkMessage message, List<KernelAssociation> associations)
      throws MalformedPacketException {
    var decoded = XfrmMessageCodec.decode(message);
    if (decoded.isPresent() && decoded.get() instanceof XfrmMessage.AssociationMessage state) {
      associations.add(new KernelAssociation(state.info(), state.attributes()));
    }
  }
}
