package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.transform.PacketBuffer;

/**
 * Sends finished IPv6 packets, header included, through one interface. The kernel finds the next
 * hop by the destination in the header and resolves it; it changes nothing, does not fragment, and
 * leaves the packet out of its own IPsec policies where it has any.
 */
public final class RawSender implements AutoCloseable {
  /** Packets sent by one system call at most. */
  public static final int BATCH = 64;

  private static final int ARENA = 256 << 10;
  private static final int QUEUE = 4 << 20;
  private static final int IPV6_HEADER = 40;
  private static final int DESTINATION = 24;

  private static final int SOCK_RAW = 3;
  private static final int IPPROTO_RAW = 255;
  private static final int SOL_SOCKET = 1;
  private static final int SO_BINDTODEVICE = 25;
  private static final int SO_MARK = 36;
  private static final int IPPROTO_IPV6 = 41;
  private static final int IPV6_XFRM_POLICY = 35;
  private static final int IPV6_HDRINCL = 36;

  private final FileDescriptor descriptor;
  private final String interfaceName;
  private final int interfaceIndex;
  private final MessageBatch batch = new MessageBatch(BATCH, ARENA, InternetAddress.LENGTH, 0);
  private int count;
  private int used;
  private long sent;
  private long refused;
  private long tooBig;
  private int lastErrno;

  private RawSender(FileDescriptor descriptor, String interfaceName, int interfaceIndex) {
    this.descriptor = descriptor;
    this.interfaceName = interfaceName;
    this.interfaceIndex = interfaceIndex;
  }

  /**
   * @param interfaceName the interface that packets leave by
   * @param mark their firewall mark ({@code SO_MARK}), 0 for none
   */
  public static RawSender open(String interfaceName, int mark) throws SystemCallException {
    int index = Native.C.if_nametoindex(interfaceName);
    if (index == 0) {
      throw Native.failure("if_nametoindex", interfaceName);
    }
    return open(interfaceName, index, mark);
  }

  /**
   * @param index of the interface, 0 to leave it to the routing tables
   */
  private static RawSender open(String interfaceName, int index, int mark)
      throws SystemCallException {
    var descriptor =
        FileDescriptor.socket(InternetAddress.AF_INET6, SOCK_RAW, IPPROTO_RAW, interfaceName);
    try {
      descriptor.setOption(IPPROTO_IPV6, IPV6_HDRINCL, 1);
      if (index != 0) {
        var name = new NativeMemory(16).putString(0, interfaceName);
        descriptor.setOption(SOL_SOCKET, SO_BINDTODEVICE, name);
      }
      if (mark != 0) {
        descriptor.setOption(SOL_SOCKET, SO_MARK, mark);
      }
      descriptor.setQueues(QUEUE);
      exemptFromPolicies(descriptor);
      return new RawSender(descriptor, interfaceName, index);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  /**
   * Gives the socket an outbound policy of its own that allows everything in clear; it comes before
   * the kernel's policy database. A kernel without XFRM refuses the option and needs none.
   */
  private static void exemptFromPolicies(FileDescriptor descriptor) throws SystemCallException {
    // struct xfrm_userpolicy_info: a selector of 56 octets (its family at 40), limits at 56 (all
    // bits for none), lifetimes at 88, the direction at 160 (1 is out), the action at 161 (0 is
    // allow).
    var policy = new NativeMemory(168);
    policy.buffer().putShort(40, (short) InternetAddress.AF_INET6);
    for (int limit = 56; limit < 88; limit += 8) {
      policy.buffer().putLong(limit, -1);
    }
    policy.buffer().put(160, (byte) 1);
    try {
      descriptor.setOption(IPPROTO_IPV6, IPV6_XFRM_POLICY, policy);
    } catch (SystemCallException e) {
      if (!e.is("ENOPROTOOPT") && !e.is("EOPNOTSUPP")) {
        throw e;
      }
    }
  }

  /**
   * A sender whose packets leave by the interface that the routing tables name for their
   * destination: for a router, whose own address says nothing of the way out.
   *
   * @param mark their firewall mark ({@code SO_MARK}), 0 for none
   */
  public static RawSender anyInterface(int mark) throws SystemCallException {
    return open("", 0, mark);
  }

  public String interfaceName() {
    return interfaceName;
  }

  /**
   * Copies a packet into the batch, and sends the batch first if it is full. Checksums must be
   * complete.
   */
  public void add(PacketBuffer packet) throws SystemCallException {
    int length = packet.length();
    checkArgument(length >= IPV6_HEADER, "shorter than an IPv6 header: %s", length);
    if (count == BATCH || used + length > ARENA) {
      flush();
    }
    batch.octets().buffer().put(used, packet.array(), packet.start(), length);
    batch.place(count, used, length);
    InternetAddress.write(
        batch.names().buffer(),
        count * InternetAddress.LENGTH,
        packet.array(),
        packet.start() + DESTINATION,
        interfaceIndex);
    used += length + 7 & ~7;
    count++;
  }

  /**
   * Sends the batch; never waits. A packet that the kernel refuses is counted, and the others go
   * on.
   *
   * @return how many were sent
   */
  public int flush() throws SystemCallException {
    int total = count;
    int first = 0;
    int accepted = 0;
    count = 0;
    used = 0;
    while (first < total) {
      int result = batch.send(descriptor.number(), first, total - first);
      if (result > 0) {
        first += result;
        accepted += result;
      } else {
        refuse(-result);
        first++;
      }
    }
    sent += accepted;
    return accepted;
  }

  private void refuse(int errno) {
    refused++;
    lastErrno = errno;
    if (errno == Errno.EMSGSIZE) {
      tooBig++;
    }
  }

  /** Packets the kernel took. */
  public long sent() {
    return sent;
  }

  /** Packets the kernel refused, {@link #tooBig} ones included. */
  public long refused() {
    return refused;
  }

  /** Packets refused for being larger than the interface's MTU ({@code EMSGSIZE}). */
  public long tooBig() {
    return tooBig;
  }

  /** The symbolic name of the last refusal's error, or empty. */
  public String lastError() {
    return lastErrno == 0 ? "" : Errno.name(lastErrno);
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
