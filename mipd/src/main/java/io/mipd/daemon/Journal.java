package io.mipd.daemon;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What this daemon has put into the system and what was there before, written down before it is
 * done, so that a successor or {@code mipd cleanup} can take it back. Routes and rules are not
 * here: they carry {@link SystemChanges#PROTOCOL}.
 */
final class Journal {
  /** One thing to be taken back. */
  sealed interface Entry {
    /**
     * @param before the value to restore
     */
    record SysctlChanged(String key, String before) implements Entry {
      @Override
      public String toString() {
        return "sysctl " + key + " " + before;
      }
    }

    record AddressAdded(String interfaceName, Ipv6Address address, int prefixLength)
        implements Entry {
      @Override
      public String toString() {
        return "address " + interfaceName + " " + address + " " + prefixLength;
      }
    }

    record ProxyAdded(String interfaceName, Ipv6Address address) implements Entry {
      @Override
      public String toString() {
        return "proxy " + interfaceName + " " + address;
      }
    }

    record DeviceAdded(String name) implements Entry {
      @Override
      public String toString() {
        return "device " + name;
      }
    }

    /**
     * Somebody else's policy has another priority for the time being.
     *
     * @param policy its selector and direction
     */
    record PrioritySteppedBack(long original, long now, String policy) implements Entry {
      @Override
      public String toString() {
        return "priority " + original + " " + now + " " + policy;
      }
    }

    /** The kernel has policies and states of ours. */
    record XfrmUsed() implements Entry {
      @Override
      public String toString() {
        return "xfrm";
      }
    }
  }

  private final StateFile file;
  private final Set<Entry> entries;

  /** The file has entries that are no more. */
  private boolean stale;

  private Journal(StateFile file, Set<Entry> entries) {
    this.file = file;
    this.entries = entries;
  }

  static Journal open(Path stateDirectory) throws IOException {
    var file = new StateFile(stateDirectory.resolve("system.journal"), "mipd system journal 1");
    return new Journal(file, new LinkedHashSet<>(file.read(Journal::parse)));
  }

  private static Entry parse(String line) {
    List<String> words = Splitter.on(' ').limit(4).splitToList(line);
    if (words.get(0).equals("sysctl") && words.size() >= 3) {
      // A value may have blanks inside.
      return new Entry.SysctlChanged(
          words.get(1), line.substring("sysctl ".length() + words.get(1).length() + 1));
    }
    if (words.get(0).equals("address") && words.size() == 4) {
      return new Entry.AddressAdded(
          words.get(1), Ipv6Address.parse(words.get(2)), Integer.parseInt(words.get(3)));
    }
    if (words.get(0).equals("proxy") && words.size() == 3) {
      return new Entry.ProxyAdded(words.get(1), Ipv6Address.parse(words.get(2)));
    }
    if (words.get(0).equals("device") && words.size() == 2) {
      return new Entry.DeviceAdded(words.get(1));
    }
    if (words.get(0).equals("priority") && words.size() == 4) {
      return new Entry.PrioritySteppedBack(
          Long.parseLong(words.get(1)), Long.parseLong(words.get(2)), words.get(3));
    }
    if (line.equals("xfrm")) {
      return new Entry.XfrmUsed();
    }
    throw new IllegalArgumentException("unknown entry");
  }

  /** Oldest first. */
  ImmutableList<Entry> entries() {
    return ImmutableList.copyOf(entries);
  }

  /** The value that a parameter had before this daemon or its dead predecessor changed it. */
  Optional<String> before(String sysctl) {
    for (Entry entry : entries) {
      if (entry instanceof Entry.SysctlChanged changed && changed.key().equals(sysctl)) {
        return Optional.of(changed.before());
      }
    }
    return Optional.empty();
  }

  /** When this returns, the entry survives a crash, so what it speaks of may be done. */
  void add(Entry entry) throws IOException {
    if (entries.add(entry)) {
      write();
    }
  }

  /** As {@link #add}, at once for all. */
  void addAll(List<Entry> more) throws IOException {
    if (entries.addAll(more)) {
      write();
    }
  }

  void remove(Entry entry) throws IOException {
    if (entries.remove(entry)) {
      write();
    }
  }

  /**
   * As {@link #remove}, but the file is left for the next change. Until then it says more than is
   * so, which does no harm: what is not there need not be taken back.
   */
  void removeLater(Entry entry) {
    stale |= entries.remove(entry);
  }

  /** Does what was left for later. */
  void flush() throws IOException {
    if (stale) {
      write();
    }
  }

  private void write() throws IOException {
    stale = false;
    if (entries.isEmpty()) {
      file.delete();
    } else {
      file.write(entries.stream().map(Entry::toString).toList());
    }
  }
}
