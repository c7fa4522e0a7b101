package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.packet.Ipv6Fields;

/**
 * A classic BPF program that says which packets a socket gets ({@code SO_ATTACH_FILTER}).
 *
 * @param instructions at least one
 */
public record SocketFilter(ImmutableList<Instruction> instructions) {
  /** Offsets from here on count from the network header, whatever the link layer is. */
  public static final int NETWORK_HEADER = -0x100000;

  // What instructions do: linux/bpf_common.h.

  /** {@code BPF_LD | BPF_B | BPF_ABS}. */
  private static final int LOAD_OCTET = 0x30;

  /** {@code BPF_LD | BPF_W | BPF_ABS}. */
  private static final int LOAD_WORD = 0x20;

  /** {@code BPF_ALU | BPF_AND | BPF_K}. */
  private static final int AND = 0x54;

  /** {@code BPF_JMP | BPF_JEQ | BPF_K}. */
  private static final int JUMP_IF_EQUAL = 0x15;

  /** {@code BPF_RET | BPF_K}: so many octets of the packet are wanted. */
  private static final int RETURN = 0x06;

  /** {@code struct sock_filter} of {@code linux/filter.h}. */
  public record Instruction(int code, int jumpTrue, int jumpFalse, int operand) {
    public Instruction {
      checkArgument(code >= 0 && code <= 0xffff, "not 16 bits: %s", code);
      checkArgument(jumpTrue >= 0 && jumpTrue <= 0xff, "not 8 bits: %s", jumpTrue);
      checkArgument(jumpFalse >= 0 && jumpFalse <= 0xff, "not 8 bits: %s", jumpFalse);
    }
  }

  public SocketFilter {
    checkArgument(
        !instructions.isEmpty() && instructions.size() <= 4096,
        "a filter has 1 to 4096 instructions, not %s",
        instructions.size());
  }

  /** IPv6 packets whose first next header is one of these. */
  public static SocketFilter nextHeaderIn(int... nextHeaders) {
    checkArgument(nextHeaders.length >= 1 && nextHeaders.length <= 200, "1 to 200 next headers");
    var program = ImmutableList.<Instruction>builder();
    // The Next Header field of the IPv6 header.
    program.add(new Instruction(LOAD_OCTET, 0, 0, NETWORK_HEADER + 6));
    for (int i = 0; i < nextHeaders.length; i++) {
      // To the last instruction.
      program.add(new Instruction(JUMP_IF_EQUAL, nextHeaders.length - i, 0, nextHeaders[i]));
    }
    // Nothing; all.
    program.add(new Instruction(RETURN, 0, 0, 0));
    program.add(new Instruction(RETURN, 0, 0, -1));
    return new SocketFilter(program.build());
  }

  /** IPv6 packets with an ICMPv6 message of this type directly behind their header. */
  public static SocketFilter icmpv6(int type) {
    return new SocketFilter(
        ImmutableList.of(
            new Instruction(LOAD_OCTET, 0, 0, NETWORK_HEADER + 6),
            new Instruction(JUMP_IF_EQUAL, 0, 3, IpProtocol.ICMPV6),
            new Instruction(LOAD_OCTET, 0, 0, NETWORK_HEADER + 40),
            new Instruction(JUMP_IF_EQUAL, 0, 1, type),
            new Instruction(RETURN, 0, 0, -1),
            new Instruction(RETURN, 0, 0, 0)));
  }

  /** IPv6 packets to multicast groups of global scope: {@code ff?e::/16}. */
  public static SocketFilter toGlobalGroups() {
    return new SocketFilter(
        ImmutableList.of(
            new Instruction(LOAD_OCTET, 0, 0, NETWORK_HEADER + Ipv6Fields.DESTINATION),
            new Instruction(JUMP_IF_EQUAL, 0, 4, 0xff),
            new Instruction(LOAD_OCTET, 0, 0, NETWORK_HEADER + Ipv6Fields.DESTINATION + 1),
            // The scope (RFC 4291 section 2.7).
            new Instruction(AND, 0, 0, 0x0f),
            new Instruction(JUMP_IF_EQUAL, 0, 1, 0x0e),
            new Instruction(RETURN, 0, 0, -1),
            new Instruction(RETURN, 0, 0, 0)));
  }

  /** IPv6 packets to multicast groups. */
  static SocketFilter toGroups() {
    return new SocketFilter(
        ImmutableList.of(
            new Instruction(LOAD_OCTET, 0, 0, NETWORK_HEADER + Ipv6Fields.DESTINATION),
            new Instruction(JUMP_IF_EQUAL, 0, 1, 0xff),
            new Instruction(RETURN, 0, 0, -1),
            new Instruction(RETURN, 0, 0, 0)));
  }

  /** Likewise, of those that come out of the devices of tunnels of IPv6 in IPv6. */
  static SocketFilter toGroupsOutOfTunnels() {
    var program = ImmutableList.<Instruction>builder();
    // The type of the device, as at SKF_AD_HATYPE.
    program.add(new Instruction(LOAD_WORD, 0, 0, -0x1000 + 28));
    program.add(new Instruction(JUMP_IF_EQUAL, 1, 0, PacketAddress.ARPHRD_TUNNEL6));
    program.add(new Instruction(RETURN, 0, 0, 0));
    program.addAll(toGroups().instructions());
    return new SocketFilter(program.build());
  }

  /** Netlink messages of which another port than this is the cause. */
  static SocketFilter netlinkNotOf(int port) {
    return new SocketFilter(
        ImmutableList.of(
            // The nlmsg_pid, in network order as the program sees it.
            new Instruction(LOAD_WORD, 0, 0, 12),
            new Instruction(JUMP_IF_EQUAL, 0, 1, Integer.reverseBytes(port)),
            new Instruction(RETURN, 0, 0, 0),
            new Instruction(RETURN, 0, 0, -1)));
  }
}
