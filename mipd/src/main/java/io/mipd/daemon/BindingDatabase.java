package io.mipd.daemon;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.mipd.daemon.BindingStore.Entry;
import io.mipd.daemon.BindingStore.StoredBinding;
import io.mipd.mobility.HomeLinkState;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.NativeLibraryLoader;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * RocksDB: for a home agent, which may have a hundred thousand entries. The key is the home
 * address; the value:
 *
 * <pre>
 *   format (8) = 1 | sequence number (16) [ | flags (16) | expiry, milliseconds since the epoch (64) | care-of address (128) ]
 * </pre>
 *
 * <p>What was heard of the home link has a key of its own, {@code home-link}, and a value of {@link
 * HomeLinkCodec}'s.
 */
final class BindingDatabase implements BindingMedium {
  private static final Logger log = LoggerFactory.getLogger(BindingDatabase.class);
  private static final byte FORMAT = 1;
  private static final byte[] HOME_LINK = "home-link".getBytes(US_ASCII);
  private static final int SHORT_VALUE = 3;
  private static final int LONG_VALUE = SHORT_VALUE + 2 + 8 + Ipv6Address.LENGTH;

  private final Path folder;
  private final Options options;
  private final WriteOptions durably;
  private final RocksDB database;

  /**
   * @throws IOException if it cannot be opened; the message says what to do
   */
  BindingDatabase(Path stateDirectory) throws IOException {
    folder = stateDirectory.resolve("home-bindings");
    Files.createDirectories(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    loadLibrary(stateDirectory);
    options =
        new Options()
            .setCreateIfMissing(true)
            .optimizeForSmallDb()
            .setKeepLogFileNum(2)
            .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
            // The last write may be incomplete after power loss and was not acknowledged. Damage
            // before that is: to go on without what follows it would forget what was promised.
            .setWalRecoveryMode(WALRecoveryMode.TolerateCorruptedTailRecords);
    durably = new WriteOptions().setSync(true);
    boolean opened = false;
    try {
      database = RocksDB.open(options, folder.toString());
      opened = true;
    } catch (RocksDBException e) {
      throw failure("cannot be opened", e);
    } finally {
      if (!opened) {
        durably.close();
        options.close();
      }
    }
  }

  private IOException failure(String what, Exception e) {
    return new IOException(
        folder
            + " "
            + what
            + ": "
            + e.getMessage()
            + "; move it away to begin without the bindings of mobile nodes, which then register"
            + " anew",
        e);
  }

  @Override
  public Content read() throws IOException {
    List<Entry> entries = new ArrayList<>();
    Optional<HomeLinkState> homeLink = Optional.empty();
    try (RocksIterator all = database.newIterator()) {
      for (all.seekToFirst(); all.isValid(); all.next()) {
        byte[] key = all.key();
        if (Arrays.equals(key, HOME_LINK)) {
          homeLink = Optional.of(homeLink(all.value()));
        } else {
          entries.add(entry(key, all.value()));
        }
      }
      all.status();
      return new Content(entries, homeLink);
    } catch (RocksDBException | IOException e) {
      throw failure("cannot be read", e);
    }
  }

  /** The other routers tell all of it again, so that nothing is worth not starting for it. */
  private HomeLinkState homeLink(byte[] value) {
    try {
      return HomeLinkCodec.decode(value);
    } catch (IOException e) {
      log.warn(
          "{}: what was heard of the home link cannot be read, and is heard anew: {}",
          folder,
          e.toString());
      return HomeLinkState.NOTHING;
    }
  }

  @Override
  public void write(Content content) throws IOException {
    try (var batch = new WriteBatch()) {
      for (Entry entry : content.entries()) {
        batch.put(entry.homeAddress().value().toOctets(), value(entry));
      }
      if (content.homeLink().isPresent()) {
        batch.put(HOME_LINK, HomeLinkCodec.encode(content.homeLink().get()));
      }
      database.write(durably, batch);
    } catch (RocksDBException e) {
      throw new IOException(folder + " cannot be written: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    database.close();
    durably.close();
    options.close();
  }

  /** Unpacks it where nobody else can have put it. */
  private static void loadLibrary(Path stateDirectory) throws IOException {
    Path unpacked = stateDirectory.resolve("native");
    try {
      Files.createDirectories(unpacked);
      NativeLibraryLoader.getInstance().loadLibrary(unpacked.toString());
      RocksDB.loadLibrary();
    } catch (UnsatisfiedLinkError e) {
      throw new IOException(
          "RocksDB's native library cannot be loaded from "
              + unpacked
              + ": "
              + e.getMessage()
              + "; the file system must allow execution there (mount option exec)",
          e);
    }
  }

  private static byte[] value(Entry entry) {
    ByteBuffer value = ByteBuffer.allocate(entry.binding().isPresent() ? LONG_VALUE : SHORT_VALUE);
    value.put(FORMAT).putShort((short) entry.sequence().value());
    if (entry.binding().isPresent()) {
      StoredBinding binding = entry.binding().get();
      value.putShort((short) binding.flags()).putLong(binding.expiry().toEpochMilli());
      value.put(binding.careOf().value().toOctets());
    }
    return value.array();
  }

  private static Entry entry(byte[] key, byte[] content) throws IOException {
    if (key.length != Ipv6Address.LENGTH
        || (content.length != SHORT_VALUE && content.length != LONG_VALUE)
        || content[0] != FORMAT) {
      throw new IOException(
          "an entry of "
              + key.length
              + " and "
              + content.length
              + " octets is not as this mipd writes them: a newer one may have, go back to that to"
              + " keep the bindings");
    }
    ByteBuffer value = ByteBuffer.wrap(content, 1, content.length - 1);
    var home = new HomeAddress(Ipv6Address.read(key, 0));
    var sequence = new SequenceNumber(value.getShort() & 0xffff);
    if (!value.hasRemaining()) {
      return new Entry(home, sequence, Optional.empty());
    }
    int flags = value.getShort() & 0xffff;
    Instant expiry = Instant.ofEpochMilli(value.getLong());
    var careOf = new CareOfAddress(Ipv6Address.read(content, value.position()));
    return new Entry(home, sequence, Optional.of(new StoredBinding(careOf, flags, expiry)));
  }
}
