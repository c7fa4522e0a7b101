package io.mipd.daemon;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.base.Splitter;
import io.mipd.daemon.BindingStore.Entry;
import io.mipd.daemon.BindingStore.StoredBinding;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A small text file: for a mobile node, which has one entry and should start fast. */
final class BindingFile implements BindingMedium {
  private final StateFile file;
  private final Map<Ipv6Address, Entry> entries = new TreeMap<>();

  BindingFile(Path stateDirectory) throws IOException {
    file = new StateFile(stateDirectory.resolve("bindings"), "mipd bindings 1");
    for (Entry entry : file.read(BindingFile::parse)) {
      entries.put(entry.homeAddress().value(), entry);
    }
  }

  @Override
  public Content read() {
    return new Content(entries.values(), Optional.empty());
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

  private static String line(Entry entry) {
    String text = entry.homeAddress() + " " + entry.sequence();
    return entry
        .binding()
        .map(it -> text + " " + it.careOf() + " " + it.flags() + " " + it.expiry().toEpochMilli())
        .orElse(text + " none");
  }

  @Override
  public void write(Content changed) throws IOException {
    checkArgument(changed.homeLink().isEmpty(), "a mobile node keeps nothing of a home link");
    changed.entries().forEach(entry -> entries.put(entry.homeAddress().value(), entry));
    file.write(entries.values().stream().map(BindingFile::line).toList());
  }

  /** After this an earlier daemon has written nothing. */
  void delete() throws IOException {
    file.delete();
  }

  @Override
  public void close() {
    // Open only while it is read or written.
  }
}
