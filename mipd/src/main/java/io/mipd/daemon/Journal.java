package io.mipd.daemon;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this daemon has put into the system and what was there before, written down before it is
 * done, so that a successor or {@code mipd cleanup} can take it back. Routes and rules are not
 * here: they carry {@link SystemChanges#PROTOCOL}.
 *
 * <p>It must survive the daemon, not the system: with that goes all that it speaks of. So nothing
 * waits for a disk here. The first line names the system's boot; one that is over has left nothing
 * to be taken back. Then a line for each change, the last of which may be cut off by an end that
 * was not ours:
 *
 * <pre>
 *   mipd system journal 2 BOOT-ID
 *   + ENTRY                            put into the system
 *   - ENTRY                            taken back
 * </pre>
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

    /**
     * A policy of ours that bears no mark by which it would be known.
     *
     * @param policy its selector and direction
     */
    record PolicyPut(int priority, String policy) implements Entry {
      @Override
      public String toString() {
        return "policy " + Integer.toUnsignedString(priority) + " " + policy;
      }
    }

    /** An association of ours that bears no mark by which it would be known. */
    record AssociationPut(AssociationId id) implements Entry {
      @Override
      public String toString() {
        return "association "
            + id.protocol().kernelName()
            + " "
            + id.spi()
            + " "
            + id.destination();
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

  private static final Logger log = LoggerFactory.getLogger(Journal.class);
  private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
  private static final String TITLE = "mipd system journal 2 ";

  /** Lines that say no more what is so, before the file is written anew. */
  private static final int MOST_STALE = 1000;

  private final Path path;
  private final String title;
  private final Set<Entry> entries = new LinkedHashSet<>();

  /** What is said to be there in the file and is not. */
  private final Set<Entry> stale = new LinkedHashSet<>();

  private int lines;

  /** A write has failed: what the file has is not known. */
  private boolean broken;

  private Journal(Path path, String title) {
    this.path = path;
    this.title = title;
  }

  /**
   * Reads what an earlier daemon has left. What is not understood is logged, put aside, and counts
   * as empty.
   */
  static Journal open(Path stateDirectory) throws IOException {
    var journal =
        new Journal(
            stateDirectory.resolve("system.journal"), TITLE + Files.readString(BOOT).strip());
    journal.read();
    return journal;
  }

  private void read() throws IOException {
    String text;
    try {
      text = Files.readString(path);
    } catch (NoSuchFileException e) {
      return;
    }
    List<String> all = Splitter.on('\n').splitToList(text.substring(0, text.lastIndexOf('\n') + 1));
    if (all.get(0).startsWith(TITLE) && !all.get(0).equals(title)) {
      log.info("{} is of an earlier boot: nothing of it is left", path);
      Files.delete(path);
      return;
    }
    try {
      if (!all.get(0).equals(title)) {
        throw new IllegalArgumentException("line 1 is not \"" + TITLE + "BOOT-ID\"");
      }
      for (int i = 1; i < all.size() - 1; i++) {
        replay(i + 1, all.get(i));
      }
      lines = all.size() - 2;
    } catch (IllegalArgumentException e) {
      StateFile.putAside(path, e.getMessage());
      entries.clear();
      return;
    }
    if (!text.endsWith("\n")) {
      rewrite();
    }
  }

  private void replay(int number, String line) {
    try {
      if (line.startsWith("+ ")) {
        entries.add(parse(line.substring(2)));
      } else if (line.startsWith("- ")) {
        entries.remove(parse(line.substring(2)));
      } else {
        throw new IllegalArgumentException("neither + nor -");
      }
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("line " + number + ": " + e.getMessage(), e);
    }
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
    if (words.get(0).equals("policy") && words.size() >= 3) {
      return new Entry.PolicyPut(
          Integer.parseUnsignedInt(words.get(1)),
          line.substring("policy ".length() + words.get(1).length() + 1));
    }
    if (words.get(0).equals("association") && words.size() == 4) {
      return new Entry.AssociationPut(
          new AssociationId(
              Ipv6Address.parse(words.get(3)),
              protocol(words.get(1)),
              Spi.ofAssociation(Long.decode(words.get(2)))));
    }
    if (line.equals("xfrm")) {
      return new Entry.XfrmUsed();
    }
    throw new IllegalArgumentException("unknown entry");
  }

  private static TransformProtocol protocol(String name) {
    return Arrays.stream(TransformProtocol.values())
        .filter(one -> one.isIpsec() && one.kernelName().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no protocol of IPsec: " + name));
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
    addAll(List.of(entry));
  }

  /** As {@link #add}, at once for all. */
  void addAll(List<Entry> more) throws IOException {
    List<Entry> fresh = more.stream().filter(entries::add).toList();
    // One that was to be taken out later is in the file all the same.
    append(fresh.stream().filter(entry -> !stale.remove(entry)).toList(), List.of());
  }

  void remove(Entry entry) throws IOException {
    removeAll(List.of(entry));
  }

  /** As {@link #remove}, at once for all. */
  void removeAll(List<Entry> some) throws IOException {
    List<Entry> gone = some.stream().filter(entries::remove).toList();
    if (!gone.isEmpty()) {
      append(List.of(), gone);
    }
  }

  /**
   * As {@link #remove}, but the file is left for the next change. Until then it says more than is
   * so, which does no harm: what is not there need not be taken back.
   */
  void removeLater(Entry entry) {
    if (entries.remove(entry)) {
      stale.add(entry);
    }
  }

  /** Does what was left for later. */
  void flush() throws IOException {
    append(List.of(), List.of());
  }

  private void append(List<Entry> more, List<Entry> gone) throws IOException {
    if (more.isEmpty() && gone.isEmpty() && stale.isEmpty() && !broken) {
      return;
    }
    boolean whole = broken;
    broken = true;
    if (entries.isEmpty()) {
      Files.deleteIfExists(path);
      stale.clear();
      lines = 0;
      broken = false;
      return;
    }
    if (whole || lines == 0 || lines > 2 * entries.size() + MOST_STALE) {
      rewrite();
      return;
    }
    var text = new StringBuilder();
    more.forEach(entry -> text.append("+ ").append(entry).append('\n'));
    gone.forEach(entry -> text.append("- ").append(entry).append('\n'));
    stale.forEach(entry -> text.append("- ").append(entry).append('\n'));
    Files.writeString(path, text, StandardOpenOption.APPEND);
    lines += more.size() + gone.size() + stale.size();
    stale.clear();
    broken = false;
  }

  private void rewrite() throws IOException {
    var text = new StringBuilder(title).append('\n');
    entries.forEach(entry -> text.append("+ ").append(entry).append('\n'));
    Path fresh = path.resolveSibling(path.getFileName() + ".new");
    Files.writeString(fresh, text);
    Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-------"));
    Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    lines = entries.size();
    stale.clear();
    broken = false;
  }
}
