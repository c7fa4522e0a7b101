package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Range;
import com.google.common.collect.RangeSet;
import com.google.common.collect.TreeRangeSet;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.mipd.host.CoreDriver.Durability;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
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

  private final Opener opener;
  private final int ahead;
  private final Runnable decided;
  private final Map<Ipv6Address, Entry> entries = new TreeMap<>();
  private final Map<Ipv6Address, Reservation> reservations = new HashMap<>();
  private final Thread writer = new Thread(this::write, "binding store");

  @GuardedBy("this")
  private Map<Ipv6Address, Entry> waiting = new LinkedHashMap<>();

  /** Numbers whose entries could not be written when it was tried. */
  @GuardedBy("this")
  private final RangeSet<Long> failed = TreeRangeSet.create();

  @GuardedBy("this")
  private long lastPut;

  @GuardedBy("this")
  private long lastDecided;

  @GuardedBy("this")
  private boolean closing;

  /** The writer's alone once that runs; null after a failure, until it could be opened again. */
  private @Nullable BindingMedium medium;

  private interface Opener {
    BindingMedium open() throws IOException;
  }

  /** What was written of a home address that has more numbers than it needs. */
  private record Reservation(Entry entry, long number) {}

  private DurableBindingStore(Opener opener, int ahead, Runnable decided) throws IOException {
    this.opener = opener;
    this.ahead = ahead;
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
    var store = new DurableBindingStore(() -> new BindingDatabase(stateDirectory), 0, decided);
    store.begin();
    var file = new BindingFile(stateDirectory);
    // Of a daemon that was a mobile node, or kept a home agent's bindings there, too.
    long last = 0;
    for (Entry entry : file.read()) {
      if (store.entry(entry.homeAddress()).isEmpty()) {
        last = store.put(entry);
      }
    }
    store.flush();
    if (last != 0 && store.durability(last) != Durability.DURABLE) {
      store.close();
      throw new IOException("bindings cannot be written to " + stateDirectory + ", see the log");
    }
    file.delete();
    return store;
  }

  /** Of a node that has few entries; likewise. */
  static BindingStore ofMobileNode(Path stateDirectory, Runnable decided) throws IOException {
    var store = new DurableBindingStore(() -> new BindingFile(stateDirectory), AHEAD, decided);
    store.begin();
    return store;
  }

  private void begin() throws IOException {
    BindingMedium fresh = medium;
    if (fresh == null) {
      throw new IllegalStateException("not open");
    }
    try {
      fresh.read().forEach(entry -> entries.put(entry.homeAddress().value(), entry));
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
    waiting.put(entry.homeAddress().value(), entry);
    notifyAll();
    return ++lastPut;
  }

  @Override
  public synchronized Durability durability(long number) {
    if (number > lastDecided) {
      return Durability.PENDING;
    }
    return failed.contains(number) ? Durability.FAILED : Durability.DURABLE;
  }

  @Override
  public synchronized void flush() throws IOException {
    long all = lastPut;
    while (lastDecided < all) {
      if (!writer.isAlive()) {
        throw new IOException("bindings are no longer stored");
      }
      await(RETRY_MILLIS);
    }
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
    flush();
    synchronized (this) {
      closing = true;
      notifyAll();
    }
    try {
      writer.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while bindings were written", e);
    }
  }

  // The writer's thread.

  private void write() {
    try {
      boolean retry = false;
      while (true) {
        Map<Ipv6Address, Entry> batch;
        long last;
        synchronized (this) {
          if (retry) {
            await(RETRY_MILLIS);
          }
          while (waiting.isEmpty() && !closing) {
            await(0);
          }
          if (closing) {
            return;
          }
          batch = waiting;
          waiting = new LinkedHashMap<>();
          last = lastPut;
        }
        retry = !isWritten(batch);
        synchronized (this) {
          if (retry && lastDecided < last) {
            failed.add(Range.openClosed(lastDecided, last));
          }
          if (retry) {
            // What was put in the meantime is newer.
            batch.putAll(waiting);
            waiting = batch;
          }
          lastDecided = last;
          notifyAll();
        }
        decided.run();
      }
    } catch (IOException e) {
      log.error("bindings are no longer stored: {}", e.getMessage());
    } finally {
      if (medium != null) {
        medium.close();
      }
    }
  }

  private boolean isWritten(Map<Ipv6Address, Entry> batch) {
    try {
      if (medium == null) {
        medium = opener.open();
      }
      medium.write(batch.values());
      return true;
    } catch (IOException | RuntimeException | LinkageError e) {
      log.error("{} registrations not acknowledged: {}", batch.size(), e.getMessage());
      // After a failed write the medium takes none until it is opened anew.
      if (medium != null) {
        medium.close();
        medium = null;
      }
      return false;
    }
  }
}
