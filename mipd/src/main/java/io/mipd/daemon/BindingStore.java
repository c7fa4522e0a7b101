package io.mipd.daemon;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a home agent has acknowledged, and the last sequence number of each home address; a mobile
 * node's own sequence number likewise. Expiry is by the wall clock, so that it goes on while we are
 * not there.
 */
final class BindingStore {
  /**
   * @param binding empty if there is none now
   */
  record Entry(HomeAddress homeAddress, SequenceNumber sequence, Optional<StoredBinding> binding) {
    @Override
    public String toString() {
      String text = homeAddress + " " + sequence;
      return binding.isEmpty()
          ? text + " none"
          : text
              + " "
              + binding.get().careOf()
              + " "
              + binding.get().flags()
              + " "
              + binding.get().expiry().toEpochMilli();
    }
  }

  /**
   * @param expiry by the wall clock
   */
  record StoredBinding(CareOfAddress careOf, int flags, Instant expiry) {
    /** What is left of it; zero or negative if nothing is. */
    Duration left(Instant wallClock) {
      return Duration.between(wallClock, expiry);
    }
  }

  private final StateFile file;
  private final Map<Ipv6Address, Entry> entries = new TreeMap<>();

  private BindingStore(StateFile file) {
    this.file = file;
  }

  /** Reads what an earlier daemon has stored. */
  static BindingStore open(Path stateDirectory) throws IOException {
    var file = new StateFile(stateDirectory.resolve("bindings"), "mipd bindings 1");
    var store = new BindingStore(file);
    for (Entry entry : file.read(BindingStore::parse)) {
      store.entries.put(entry.homeAddress().value(), entry);
    }
    return store;
  }

  private static Entry parse(String line) {
    List<String> words = Splitter.on(' ').splitToList(line);
    if (words.size() != 3 && words.size() != 5) {
      throw new IllegalArgumentException("not a binding");
    }
    var home = new HomeAddress(Ipv6Address.parse(words.get(0)));
    var sequence = new SequenceNumber(Integer.parseInt(words.get(1)));
    if (words.size() == 3) {
      if (!words.get(2).equals("none")) {
        throw new IllegalArgumentException("not a binding");
      }
      return new Entry(home, sequence, Optional.empty());
    }
    return new Entry(
        home,
        sequence,
        Optional.of(
            new StoredBinding(
                new CareOfAddress(Ipv6Address.parse(words.get(2))),
                Integer.parseInt(words.get(3)),
                Instant.ofEpochMilli(Long.parseLong(words.get(4))))));
  }

  /** By home address. */
  ImmutableList<Entry> entries() {
    return ImmutableList.copyOf(entries.values());
  }

  Optional<Entry> entry(HomeAddress homeAddress) {
    return Optional.ofNullable(entries.get(homeAddress.value()));
  }

  /** When this returns, the entry survives a crash. */
  void put(Entry entry) throws IOException {
    if (entry.equals(entries.put(entry.homeAddress().value(), entry))) {
      return;
    }
    file.write(entries.values().stream().map(Entry::toString).toList());
  }
}
