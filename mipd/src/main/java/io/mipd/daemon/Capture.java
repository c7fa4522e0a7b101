package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.TransformProtocol;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

// Section Header Block, an Interface Description Block for each place, then for each packet an
// Enhanced Packet Block:
//
//  +---------------+---------------+---------------+---------------+
//  |                        Block Type = 6                         |
//  +---------------------------------------------------------------+
//  |                      Block Total Length                       |
//  +---------------------------------------------------------------+
//  |           Interface ID, Timestamp (high), Timestamp (low),    |
//  |           Captured Packet Length, Original Packet Length      |
//  +---------------------------------------------------------------+
//  |               Packet, padded to 32 bits; Options              |
//  +---------------------------------------------------------------+
//  |                      Block Total Length                       |
//  +---------------------------------------------------------------+
//
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.txt section 4; big endian.
/**
 * A capture in the making: pcapng with what the world works on, and beside it a folder of
 * Wireshark's with the keys, by which it is decrypted. Another thread writes; what it does not keep
 * up with is left out and counted.
 */
final class Capture implements PacketTap, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Capture.class);

  /** Octets that wait to be written. */
  private static final int WAITING = 16 << 20;

  /** Octets of a file; nothing is added to one that is longer. */
  static final long LONGEST = 1L << 30;

  private static final int SECTION_HEADER = 0x0a0d0d0a;
  private static final int BYTE_ORDER = 0x1a2b3c4d;
  private static final int INTERFACE_DESCRIPTION = 1;
  private static final int ENHANCED_PACKET = 6;

  /** Octets of an option's code and length, of a block's type and lengths. */
  private static final int OPTION = 4;

  private static final int BLOCK = 12;

  /** LINKTYPE_IPV6: packets without a link-layer header. */
  private static final int LINK_TYPE = 229;

  private static final int OPTION_NAME = 2;
  private static final int OPTION_RESOLUTION = 9;
  private static final int OPTION_FLAGS = 2;
  private static final int INBOUND = 1;
  private static final int OUTBOUND = 2;
  private static final long NANOS = 1_000_000_000L;

  private static final String KEYS = "esp_sa";
  private static final String PREFERENCES = "preferences";

  private static final Set<PosixFilePermission> OWNER =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> OWNERS_FOLDER =
      PosixFilePermissions.fromString("rwx------");

  private static final ImmutableMap<EncryptionAlgorithm, String> ENCRYPTION =
      ImmutableMap.of(
          EncryptionAlgorithm.NULL, "NULL",
          EncryptionAlgorithm.AES_CBC, "AES-CBC [RFC3602]",
          EncryptionAlgorithm.AES_GCM_16, "AES-GCM with 16 octet ICV [RFC4106]");
  private static final ImmutableMap<IntegrityAlgorithm, String> INTEGRITY =
      ImmutableMap.of(
          IntegrityAlgorithm.NONE, "NULL",
          IntegrityAlgorithm.HMAC_SHA1_96, "HMAC-SHA-1-96 [RFC2404]",
          IntegrityAlgorithm.HMAC_SHA2_256_128, "HMAC-SHA-256-128 [RFC4868]");

  private final Path file;
  private final Path profile;
  private final Supplier<Instant> clock;
  private final BlockingQueue<Block> waiting = new LinkedBlockingQueue<>();

  /** Numbers of the interfaces that have been described, by name. In the thread of the tap. */
  private final Map<String, Integer> interfaces = new HashMap<>();

  private final AtomicLong octetsWaiting = new AtomicLong();
  private final AtomicLong written = new AtomicLong();
  private final AtomicLong dropped = new AtomicLong();
  private final Thread writer;
  private volatile boolean ending;
  private volatile boolean failed;

  /** What is written in one go. */
  private static final class Block {
    final boolean isPacket;
    final byte[] octets;

    Block(boolean isPacket, byte[] octets) {
      this.isPacket = isPacket;
      this.octets = octets;
    }
  }

  private Capture(Path file, Path profile, Supplier<Instant> clock, OutputStream out) {
    this.file = file;
    this.profile = profile;
    this.clock = clock;
    writer = new Thread(() -> write(out), "capture");
    writer.setDaemon(true);
  }

  /**
   * Begins a file, and a folder of that name with {@code .wireshark} behind it.
   *
   * @param associations whose keys go into the folder
   * @throws IOException if one of them is there already, or cannot be made
   */
  static Capture begin(
      Path file, ImmutableList<SecurityAssociation> associations, Supplier<Instant> clock)
      throws IOException {
    Path profile = file.resolveSibling(file.getFileName() + ".wireshark");
    OutputStream out = create(file);
    try {
      folder(profile, associations);
      out.write(header());
    } catch (IOException e) {
      out.close();
      Files.deleteIfExists(file);
      throw e;
    }
    var capture = new Capture(file, profile, clock, out);
    capture.writer.start();
    return capture;
  }

  private static FileAttribute<?> mode(Set<PosixFilePermission> permissions) {
    return PosixFilePermissions.asFileAttribute(permissions);
  }

  private static OutputStream create(Path file) throws IOException {
    try {
      return new BufferedOutputStream(
          Channels.newOutputStream(
              Files.newByteChannel(
                  file,
                  ImmutableSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                  mode(OWNER))),
          1 << 16);
    } catch (FileAlreadyExistsException e) {
      throw new IOException(file + " is there already and stays as it is", e);
    }
  }

  /** With keys in it: whole, or not at all. */
  private static void folder(Path profile, ImmutableList<SecurityAssociation> associations)
      throws IOException {
    try {
      Files.createDirectory(profile, mode(OWNERS_FOLDER));
    } catch (FileAlreadyExistsException e) {
      throw new IOException(profile + " is there already and stays as it is", e);
    }
    try {
      profile(profile, associations);
    } catch (IOException e) {
      remove(profile);
      throw e;
    }
  }

  private static void remove(Path profile) throws IOException {
    for (String name : ImmutableList.of(KEYS, PREFERENCES)) {
      Files.deleteIfExists(profile.resolve(name));
    }
    Files.deleteIfExists(profile);
  }

  /** By SPI alone: in a signalling packet the addresses on the wire are not the association's. */
  private static void profile(Path folder, ImmutableList<SecurityAssociation> associations)
      throws IOException {
    var lines = new StringBuilder();
    for (SecurityAssociation one : associations) {
      if (one.id().protocol() == TransformProtocol.ESP) {
        lines.append(
            "\"IPv6\",\"*\",\"*\",\""
                + one.id().spi()
                + "\",\""
                + ENCRYPTION.get(one.encryption())
                + "\",\""
                + hexadecimal(one.encryptionKey().reveal())
                + "\",\""
                + INTEGRITY.get(one.integrity())
                + "\",\""
                + hexadecimal(one.integrityKey().reveal())
                + "\"\n");
      }
    }
    text(folder.resolve(KEYS), lines.toString());
    text(
        folder.resolve(PREFERENCES),
        "esp.enable_encryption_decode: TRUE\nesp.enable_authentication_check: TRUE\n");
  }

  private static String hexadecimal(byte[] octets) {
    return octets.length == 0 ? "" : "0x" + HexFormat.of().formatHex(octets);
  }

  private static void text(Path file, String text) throws IOException {
    try (OutputStream out = create(file)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static byte[] header() {
    int length = BLOCK + 16;
    return ByteBuffer.allocate(length)
        .putInt(SECTION_HEADER)
        .putInt(length)
        .putInt(BYTE_ORDER)
        .putShort((short) 1)
        .putShort((short) 0)
        .putLong(-1)
        .putInt(length)
        .array();
  }

  private static byte[] description(String where) {
    byte[] name = where.getBytes(StandardCharsets.UTF_8);
    int length = BLOCK + 8 + OPTION + padded(name.length) + OPTION + 4 + OPTION;
    var block = ByteBuffer.allocate(length);
    block.putInt(INTERFACE_DESCRIPTION).putInt(length);
    block.putShort((short) LINK_TYPE).putShort((short) 0).putInt(0);
    block.putShort((short) OPTION_NAME).putShort((short) name.length).put(name);
    block.position(block.position() + padded(name.length) - name.length);
    // Nanoseconds.
    block.putShort((short) OPTION_RESOLUTION).putShort((short) 1).put((byte) 9);
    block.position(block.position() + 3);
    block.putInt(0).putInt(length);
    return block.array();
  }

  private static int padded(int length) {
    return length + 3 & ~3;
  }

  @Override
  public void lost(long packets) {
    dropped.addAndGet(packets);
  }

  @Override
  public void packet(String where, boolean inbound, ByteBuffer packet) {
    int captured = packet.remaining();
    int length = BLOCK + 20 + padded(captured) + OPTION + 4 + OPTION;
    if (ending && !failed) {
      // It has been told to stop already.
      return;
    }
    if (ending || octetsWaiting.get() + length > WAITING) {
      dropped.incrementAndGet();
      return;
    }
    int place = interfaces.computeIfAbsent(where, this::describe);
    Instant now = clock.get();
    long nanos = now.getEpochSecond() * NANOS + now.getNano();
    var block = ByteBuffer.allocate(length);
    block.putInt(ENHANCED_PACKET).putInt(length);
    block.putInt(place).putInt((int) (nanos >>> 32)).putInt((int) nanos);
    block.putInt(captured).putInt(captured).put(packet.duplicate());
    block.position(block.position() + padded(captured) - captured);
    block.putShort((short) OPTION_FLAGS).putShort((short) 4);
    block.putInt(inbound ? INBOUND : OUTBOUND).putInt(0).putInt(length);
    add(new Block(/* isPacket= */ true, block.array()));
  }

  private int describe(String where) {
    add(new Block(/* isPacket= */ false, description(where)));
    return interfaces.size();
  }

  private void add(Block block) {
    octetsWaiting.addAndGet(block.octets.length);
    waiting.add(block);
  }

  private void write(OutputStream out) {
    long octets = 0;
    try (out) {
      while (!ending || !waiting.isEmpty()) {
        Block block = waiting.poll(100, TimeUnit.MILLISECONDS);
        if (block == null) {
          out.flush();
          continue;
        }
        int length = block.octets.length;
        octetsWaiting.addAndGet(-length);
        if (octets + length > LONGEST && block.isPacket) {
          dropped.incrementAndGet();
        } else {
          out.write(block.octets);
          octets += length;
          written.addAndGet(block.isPacket ? 1 : 0);
        }
      }
    } catch (IOException e) {
      ending = true;
      failed = true;
      dropped.addAndGet(1 + waiting.size());
      waiting.clear();
      log.error("capture {} has ended: {}", file, e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  Path file() {
    return file;
  }

  /** The folder with keys. */
  Path profile() {
    return profile;
  }

  /** Packets in the file. */
  long written() {
    return written.get();
  }

  /** Packets that are not: too many at once, or the file is {@link #LONGEST}. */
  long dropped() {
    return dropped.get();
  }

  /** What waits is written. */
  @Override
  public void close() {
    ending = true;
    try {
      writer.join(TimeUnit.SECONDS.toMillis(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** It has not begun for who wanted it, and nothing of it stays: no keys, no file. */
  void discard() {
    close();
    try {
      remove(profile);
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.error("capture {} has not begun, and not all of it is removed: {}", file, e.toString());
    }
  }

  /**
   * At most one at a time. Files are made and ended by who asks for it, which is never the event
   * loop; only {@link #connect} is the loop's.
   */
  static final class Switch implements AutoCloseable {
    private final World world;
    private final ImmutableList<SecurityAssociation> associations;
    private final Supplier<Instant> clock;
    private Optional<Capture> running = Optional.empty();

    Switch(World world, ImmutableList<SecurityAssociation> associations, Supplier<Instant> clock) {
      this.world = world;
      this.associations = associations;
      this.clock = clock;
    }

    /**
     * Makes the files; they stay empty until {@link #connect}.
     *
     * @return empty if one is running
     */
    synchronized Optional<Capture> begin(Path file) throws IOException {
      // One that could not write any more has ended by itself.
      if (running.filter(it -> !it.failed).isPresent()) {
        return Optional.empty();
      }
      running = Optional.of(Capture.begin(file, associations, clock));
      return running;
    }

    synchronized Optional<Capture> running() {
      return running;
    }

    /** There is none from now on; the one that was running is to be disconnected, and closed. */
    synchronized Optional<Capture> end() {
      Optional<Capture> ended = running;
      running = Optional.empty();
      return ended;
    }

    /**
     * Likewise, unless another one is running.
     *
     * @return whether it was that one
     */
    synchronized boolean end(Capture capture) {
      boolean was = running.equals(Optional.of(capture));
      if (was) {
        running = Optional.empty();
      }
      return was;
    }

    /**
     * In the event loop: the world's packets go to the one that is running, if there is one.
     *
     * @throws IOException if they are not to be had
     */
    void connect() throws IOException {
      world.tap(running().map(it -> (PacketTap) it));
    }

    /** In the event loop, or when it has ended. */
    @Override
    public void close() throws IOException {
      Optional<Capture> ended = end();
      connect();
      ended.ifPresent(Capture::close);
    }
  }
}
