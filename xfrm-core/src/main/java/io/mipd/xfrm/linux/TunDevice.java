package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.transform.PacketBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A TUN device: what the kernel routes into it is read here, what is written here arrives in the
 * kernel from it. Each packet carries a virtio header, so checksums may be left to be completed and
 * TCP crosses in super-packets; {@link PacketBuffer} says so. The device is gone when it is closed.
 */
public final class TunDevice implements AutoCloseable {
  private static final int O_RDWR = 2;
  private static final int O_NONBLOCK = 0x800;
  private static final int O_CLOEXEC = 0x80000;

  // linux/if_tun.h
  private static final long TUNSETIFF = 0x4004_54caL;
  private static final long TUNSETOFFLOAD = 0x4004_54d0L;
  private static final int IFF_TUN = 0x0001;
  private static final int IFF_NO_PI = 0x1000;
  private static final int IFF_VNET_HDR = 0x4000;
  private static final int OFFLOAD_CHECKSUM = 0x01;
  private static final int OFFLOAD_TSO4 = 0x02;
  private static final int OFFLOAD_TSO6 = 0x04;
  private static final int OFFLOAD_TSO_ECN = 0x08;
  private static final int OFFLOAD_USO4 = 0x20;
  private static final int OFFLOAD_USO6 = 0x40;

  private static final int NAME_SIZE = 16;
  private static final int IFREQ_SIZE = 40;
  private static final int BUFFER = VirtioHeader.LENGTH + PacketBuffer.MAX_PACKET;

  /** Packets of other protocols passed over in one read, so that a flood of them cannot hold it. */
  private static final int PASS_OVER = 64;

  private final FileDescriptor descriptor;
  private final String name;
  private final int interfaceIndex;
  private final NativeMemory readMemory = new NativeMemory(BUFFER);
  private final NativeMemory writeMemory = new NativeMemory(BUFFER);
  private long refused;

  private TunDevice(FileDescriptor descriptor, String name, int interfaceIndex) {
    this.descriptor = descriptor;
    this.name = name;
    this.interfaceIndex = interfaceIndex;
  }

  /**
   * Makes a device; it is down and has no address.
   *
   * @param name at most 15 octets; {@code mipd%d} lets the kernel choose the number
   * @param superPackets whether the kernel may hand over packets of up to 64 KiB that are still to
   *     be cut into segments ({@link PacketBuffer#segmentation})
   */
  public static TunDevice open(String name, boolean superPackets) throws SystemCallException {
    checkArgument(
        name.getBytes(StandardCharsets.UTF_8).length < NAME_SIZE, "name too long: %s", name);
    int fd =
        Native.check(
            Native.C.open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "open", "/dev/net/tun");
    var descriptor = new FileDescriptor(fd, name);
    try {
      var request = new NativeMemory(IFREQ_SIZE).putString(0, name);
      request.buffer().putShort(NAME_SIZE, (short) (IFF_TUN | IFF_NO_PI | IFF_VNET_HDR));
      Native.check(Native.C.ioctl(fd, TUNSETIFF, request.address()), "ioctl TUNSETIFF", name);
      setOffload(fd, name, superPackets);
      String given = request.getString(0, NAME_SIZE);
      int index = Native.C.if_nametoindex(given);
      if (index == 0) {
        throw Native.failure("if_nametoindex", given);
      }
      return new TunDevice(descriptor, given, index);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  /** As {@link #open(String, boolean)}, with super-packets. */
  public static TunDevice open(String name) throws SystemCallException {
    return open(name, true);
  }

  private static void setOffload(int fd, String name, boolean superPackets)
      throws SystemCallException {
    int tcp = OFFLOAD_TSO4 | OFFLOAD_TSO6 | OFFLOAD_TSO_ECN;
    int udp = OFFLOAD_USO4 | OFFLOAD_USO6;
    // Kernels before 6.2 know no UDP super-packets and refuse the whole request.
    int wanted = superPackets ? OFFLOAD_CHECKSUM | tcp | udp : OFFLOAD_CHECKSUM;
    if (Native.C.ioctl(fd, TUNSETOFFLOAD, wanted) == 0) {
      return;
    }
    Native.check(Native.C.ioctl(fd, TUNSETOFFLOAD, wanted & ~udp), "ioctl TUNSETOFFLOAD", name);
  }

  public String name() {
    return name;
  }

  public int interfaceIndex() {
    return interfaceIndex;
  }

  /** For {@link Poller#add}. */
  public int fd() {
    return descriptor.number();
  }

  /**
   * Takes the next packet, if there is one; never waits. What is not IPv6 is passed over.
   *
   * @param into cleared and filled
   * @return whether there was one
   */
  public boolean read(PacketBuffer into) throws SystemCallException {
    for (int i = 0; i < PASS_OVER; i++) {
      int length = (int) Native.C.read(descriptor.number(), readMemory.address(), BUFFER);
      if (length < 0) {
        if (Errno.isTransient(Native.errno())) {
          return false;
        }
        throw Native.failure("read", name);
      }
      int packet = length - VirtioHeader.LENGTH;
      var memory = readMemory.buffer();
      if (packet <= 0 || (memory.get(VirtioHeader.LENGTH) & 0xf0) != 0x60) {
        continue;
      }
      into.clear();
      memory.get(VirtioHeader.LENGTH, into.array(), into.start(), packet);
      into.setBounds(into.start(), into.start() + packet);
      into.setInterfaceIndex(interfaceIndex);
      VirtioHeader.read(memory, 0, 0, into);
      return true;
    }
    return false;
  }

  /**
   * Hands a packet to the kernel; never waits.
   *
   * @return false if the kernel has refused it (device down, no memory, malformed); it is counted
   */
  public boolean write(PacketBuffer from) throws SystemCallException {
    int length = from.length();
    if (length > PacketBuffer.MAX_PACKET) {
      refused++;
      return false;
    }
    VirtioHeader.write(writeMemory.buffer(), 0, from);
    writeMemory.buffer().put(VirtioHeader.LENGTH, from.array(), from.start(), length);
    long written =
        Native.C.write(
            descriptor.number(), writeMemory.address(), VirtioHeader.LENGTH + (long) length);
    if (written >= 0) {
      return true;
    }
    int errno = Native.errno();
    refused++;
    // EIO: the device is down. EINVAL: the packet or its virtio header makes no sense.
    if (Errno.isTransient(errno) || errno == Errno.EIO || errno == Errno.EINVAL) {
      return false;
    }
    throw Native.failure("write", name, errno);
  }

  /** Packets that the kernel refused. */
  public long refused() {
    return refused;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
