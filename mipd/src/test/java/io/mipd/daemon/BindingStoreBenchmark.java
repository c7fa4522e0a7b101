package io.mipd.daemon;

import io.mipd.host.CoreDriver.Durability;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * Durable registrations per second, by the home agent's store and by bare RocksDB, in turns; and
 * how long the store takes to open. For {@code bench/bindings.sh}.
 */
public final class BindingStoreBenchmark {
  private static final long HOMES = 0x2001_0db8_0001_0000L;
  private static final long CARE_OF = 0x2001_0db8_000a_0000L;
  private static final int VALUE = 29;
  private static final long ROUND_NANOS = 3_000_000_000L;

  private BindingStoreBenchmark() {}

  /**
   * @param arguments a folder on the disk that is meant, how many bindings there are, how many are
   *     renewed at once, and rounds
   */
  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[0]));
    int bindings = Integer.parseInt(arguments[1]);
    int batch = Integer.parseInt(arguments[2]);
    int rounds = Integer.parseInt(arguments[3]);
    Path ours = Files.createDirectories(folder.resolve("store"));
    var news = new Semaphore(0);
    var own = new double[rounds];
    var bare = new double[rounds];
    try (var store = DurableBindingStore.ofHomeAgent(ours, news::release);
        var options = new Options().setCreateIfMissing(true).optimizeForSmallDb();
        var database = RocksDB.open(options, folder.resolve("bare").toString())) {
      for (int i = 0; i < bindings; i++) {
        store.put(entry(i, 0));
      }
      store.flush();
      // The first round warms up and is not counted.
      for (int round = -1; round < rounds; round++) {
        double one = registrations(store, news, bindings, batch);
        double other = bare(database, bindings, batch);
        if (round >= 0) {
          own[round] = one;
          bare[round] = other;
        }
      }
    }
    var opened = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      long begun = System.nanoTime();
      try (var store = DurableBindingStore.ofHomeAgent(ours, () -> {})) {
        opened[round] = (System.nanoTime() - begun) / 1e6;
        if (store.entries().size() != bindings) {
          throw new IllegalStateException(store.entries().size() + " bindings");
        }
      }
    }
    System.out.printf(
        Locale.ROOT,
        "| %,d | %d | %,.0f | %,.0f | %.2f | %.0f |%n",
        bindings,
        batch,
        median(own),
        median(bare),
        median(own) / median(bare),
        median(opened));
  }

  private static BindingStore.Entry entry(int number, int sequence) {
    return new BindingStore.Entry(
        new HomeAddress(new Ipv6Address(HOMES, number)),
        new SequenceNumber(sequence),
        Optional.of(
            new BindingStore.StoredBinding(
                new CareOfAddress(new Ipv6Address(CARE_OF, number)), 0xc000, Instant.now())));
  }

  /** So many are put, and when they are durable the next. */
  private static double registrations(BindingStore store, Semaphore news, int bindings, int batch)
      throws InterruptedException, IOException {
    long begun = System.nanoTime();
    long end = begun + ROUND_NANOS;
    int done = 0;
    while (System.nanoTime() < end) {
      long number = 0;
      for (int i = 0; i < batch; i++, done++) {
        number = store.put(entry(done % bindings, done & 0xffff));
      }
      while (store.durability(number) == Durability.PENDING) {
        news.acquire();
      }
      if (store.durability(number) == Durability.FAILED) {
        throw new IOException("not written");
      }
    }
    return done / ((System.nanoTime() - begun) / 1e9);
  }

  private static double bare(RocksDB database, int bindings, int batch) throws RocksDBException {
    long begun = System.nanoTime();
    long end = begun + ROUND_NANOS;
    int done = 0;
    try (var durably = new WriteOptions().setSync(true)) {
      while (System.nanoTime() < end) {
        try (var writes = new WriteBatch()) {
          for (int i = 0; i < batch; i++, done++) {
            writes.put(new Ipv6Address(HOMES, done % bindings).toOctets(), new byte[VALUE]);
          }
          database.write(durably, writes);
        }
      }
    }
    return done / ((System.nanoTime() - begun) / 1e9);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
