package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.mipd.host.CoreDriver.Durability;
import io.mipd.mobility.HomeLinkState;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread of its own writes, in one go, whatever was put while it was busy with what came before:
 * who forwards packets never waits for a disk.
 */
final class DurableBindingStore implements BindingStore {
  private static final Logger log = LoggerFactory.getLogger(DurableBindingStore.class);

  /**
   * Sequence numbers that a mobile node reserves: it need not wait for the disk before it sends its
   * Binding Update. After a crash it goes on behind them, well within the window of its home agent
   * (RFC 6275 section 9.5.1).
   */
  private static final int AHEAD = 32;

  /** After a failure it is tried again when something is put, and at the latest then. */
  private static final long RETRY_MILLIS = 1000;

  /** How long to wait for a disk that does not answer; twice that is less than a stop may take. */
  private static final Duration PATIENCE = Duration.ofMillis(Daemon.STOP_MILLIS / 3);

  private final Path stateDirectory;
  private final Opener opener;
  private final int ahead;
  private final Duration patience;
  private final Runnable decided;
  private final Map<Ipv6Address, Entry> entries = new TreeMap<>();
  private final Map<Ipv6Address, Reservation> reservations = new HashMap<>();
  private final Thread writer = new Thread(this::write, "binding store");

  private HomeLinkState homeLink = HomeLinkState.NOTHING;

  @GuardedBy("this")
  private Batch waiting = new Batch();

  /** Registrations that the writer is writing. */
  @GuardedBy("this")
  private int writing;

  @GuardedBy("this")
  private long lastPut;

  /** It has been tried to write everything up to here. */
  @GuardedBy("this")
  private long lastDecided;

  /**
   * Everything up to here is on the disk, or what took its place is. What could not be written is
   * written again with what comes next, so that nothing before a success is missing.
   */
  @GuardedBy("this")
  private long lastDurable;

  @GuardedBy("this")
  private boolean closing;

  /** Nothing will be written any more. */
  @GuardedBy("this")
  private boolean ended;

  /** The writer's alone once that runs; null after a failure, until it could be opened again. */
  private @Nullable BindingMedium medium;

  /** Opens what is written to; at the start, and after each failure. */
  interface Opener {
    BindingMedium open() throws IOException;
  }

  /** What is to be written in one go. */
  private static final class Batch {
    final Map<Ipv6Address, Entry> entries = new LinkedHashMap<>();
    Optional<HomeLinkState> homeLink = Optional.empty();

    boolean isEmpty() {
      return entries.isEmpty() && homeLink.isEmpty();
    }

    /** Of what both have, the other's is newer. */
    void add(Batch other) {
      entries.putAll(other.entries);
      homeLink = other.homeLink.or(() -> homeLink);
    }
  }

  /** What was written of a home address that has more numbers than it needs. */
  private record Reservation(Entry entry, long number) {}

  private DurableBindingStore(
      Path stateDirectory, Opener opener, int ahead, Duration patience, Runnable decided)
      throws IOException {
    this.stateDirectory = stateDirectory;
    this.opener = opener;
    this.ahead = ahead;
    this.patience = patience;
    this.decided = decided;
    writer.setDaemon(true);
    medium = opener.open();
  }

  /**
   * A home agent's.
   *
   * @param decided called by another thread when there is news of durability
   * @throws IOException if it cannot be opened or read; the message says what to do
   */
  static BindingStore ofHomeAgent(Path stateDirectory, Runnable decided) throws IOException {
    return of(stateDirectory, () -> new BindingDatabase(stateDirectory), PATIENCE, decided);
  }

  /**
   * Moves to a home agent's store what is in the file of a daemon that was a mobile node, or kept a
   * home agent's there, too.
   *
   * @throws IOException if the file cannot be read, or the store not be written; it stays then
   */
  static void takeOver(Path stateDirectory, BindingStore store) throws IOException {
    var file = new BindingFile(stateDirectory);
    long last = 0;
    for (Entry entry : file.read().entries()) {
      if (store.entry(entry.homeAddress()).isEmpty()) {
        last = store.put(entry);
      }
    }
    store.flush();
    if (last != 0 && store.durability(last) != Durability.DURABLE) {
      throw new IOException("bindings cannot be written to " + stateDirectory + ", see the log");
    }
    file.delete();
  }

  /**
   * @param patience how long to wait for a medium that does not answer
   */
  static BindingStore of(Path stateDirectory, Opener opener, Duration patience, Runnable decided)
      throws IOException {
    var store = new DurableBindingStore(stateDirectory, opener, 0, patience, decided);
    store.begin();
    return store;
  }

  /** Of a node that has few entries; likewise. */
  static BindingStore ofMobileNode(Path stateDirectory, Runnable decided) throws IOException {
    var store =
        new DurableBindingStore(
            stateDirectory, () -> new BindingFile(stateDirectory), AHEAD, PATIENCE, decided);
    store.begin();
    return store;
  }

  private void begin() throws IOException {
    BindingMedium fresh = medium;
    if (fresh == null) {
      throw new IllegalStateException("not open");
    }
    try {
      BindingMedium.Content content = fresh.read();
      content.entries().forEach(entry -> entries.put(entry.homeAddress().value(), entry));
      homeLink = content.homeLink().orElse(homeLink);
    } catch (IOException | RuntimeException e) {
      fresh.close();
      throw e;
    }
    writer.start();
  }

  @Override
  public ImmutableList<Entry> entries() {
    return ImmutableList.copyOf(entries.values());
  }

  @Override
  public Optional<Entry> entry(HomeAddress homeAddress) {
    return Optional.ofNullable(entries.get(homeAddress.value()));
  }

  @Override
  public long put(Entry entry) {
    Ipv6Address home = entry.homeAddress().value();
    entries.put(home, entry);
    if (ahead == 0) {
      return enqueue(entry);
    }
    Reservation reservation = reservations.get(home);
    if (reservation == null
        || !covers(reservation.entry, entry)
        || durability(reservation.number) == Durability.FAILED) {
      var more = new SequenceNumber((entry.sequence().value() + ahead) & 0xffff);
      var reserved = new Entry(entry.homeAddress(), more, entry.binding());
      reservation = new Reservation(reserved, enqueue(reserved));
      reservations.put(home, reservation);
    }
    return reservation.number;
  }

  private boolean covers(Entry reserved, Entry entry) {
    int left = (reserved.sequence().value() - entry.sequence().value()) & 0xffff;
    return left <= ahead && reserved.binding().equals(entry.binding());
  }

  private synchronized long enqueue(Entry entry) {
    waiting.entries.put(entry.homeAddress().value(), entry);
    notifyAll();
    return ++lastPut;
  }

  @Override
  public HomeLinkState homeLink() {
    return homeLink;
  }

  @Override
  public void put(HomeLinkState state) {
    homeLink = state;
    synchronized (this) {
      waiting.homeLink = Optional.of(state);
      lastPut++;
      notifyAll();
    }
  }

  @Override
  public synchronized Durability durability(long number) {
    if (number <= lastDurable) {
      return Durability.DURABLE;
    }
    return number <= lastDecided || ended ? Durability.FAILED : Durability.PENDING;
  }

  @Override
  public synchronized boolean isBroken() {
    return ended && !closing;
  }

  @Override
  public synchronized void flush() throws IOException {
    long all = lastPut;
    long end = System.nanoTime() + patience.toNanos();
    while (lastDecided < all) {
      if (ended) {
        throw new IOException("bindings are no longer stored in " + stateDirectory);
      }
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        throw stuck();
      }
      await(left);
    }
  }

  private synchronized IOException stuck() {
    return new IOException(
        "the disk of "
            + stateDirectory
            + " has not answered for "
            + patience.toMillis()
            + " ms: "
            + (waiting.entries.size() + writing)
            + " registrations are not stored, and were not acknowledged");
  }

  /**
   * Who waits for something asks in a loop; a retry may as well be early.
   *
   * @param millis 0 for as long as it takes
   */
  @SuppressWarnings("WaitNotInLoop")
  @GuardedBy("this")
  private void await(long millis) throws IOException {
    try {
      wait(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while bindings were written", e);
    }
  }

  @Override
  public void close() throws IOException {
    synchronized (this) {
      closing = true;
      notifyAll();
    }
    try {
      writer.join(patience.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while bindings were written", e);
    }
    if (writer.isAlive()) {
      throw stuck();
    }
  }

  // The writer's thread.

  private void write() {
    try {
      boolean retry = false;
      while (true) {
        Batch batch;
        long last;
        synchronized (this) {
          if (retry && !closing) {
            await(RETRY_MILLIS);
          }
          while (waiting.isEmpty() && !closing) {
            await(0);
          }
          // Once more after a failure would be too long a stop.
          if (closing && (retry || waiting.isEmpty())) {
            return;
          }
          batch = waiting;
          waiting = new Batch();
          writing = batch.entries.size();
          last = lastPut;
        }
        retry = !isWritten(batch);
        synchronized (this) {
          if (retry) {
            // What was put in the meantime is newer.
            batch.add(waiting);
            waiting = batch;
          } else {
            lastDurable = last;
          }
          lastDecided = last;
          writing = 0;
          notifyAll();
        }
        decided.run();
      }
    } catch (IOException | RuntimeException | Error e) {
      log.error("bindings are no longer stored", e);
    } finally {
      synchronized (this) {
        ended = true;
        notifyAll();
      }
      if (medium != null) {
        medium.close();
      }
    }
    if (isBroken()) {
      decided.run();
    }
  }

  private boolean isWritten(Batch batch) {
    try {
      if (medium == null) {
        medium = opener.open();
      }
      medium.write(new BindingMedium.Content(batch.entries.values(), batch.homeLink));
      return true;
    } catch (IOException | RuntimeException | Error e) {
      // An Error as well, such as want of memory: who waits would wait for ever.
      log.error("{} not stored: {}", words(batch), e.toString());
      // After a failed write the medium takes none until it is opened anew.
      if (medium != null) {
        medium.close();
        medium = null;
      }
      return false;
    }
  }

  private static String words(Batch batch) {
    return batch.entries.isEmpty()
        ? "what was heard of the home link is"
        : batch.entries.size() + " registrations are not acknowledged, for they are";
  }
}
