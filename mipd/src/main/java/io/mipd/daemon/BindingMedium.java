package io.mipd.daemon;

import io.mipd.daemon.BindingStore.Entry;
import java.io.IOException;
import java.util.Collection;

/** What bindings are written to. One thread at a time. */
interface BindingMedium extends AutoCloseable {
  /** What an earlier daemon has written. */
  Collection<Entry> read() throws IOException;

  /**
   * Each takes the place of what is there of its home address. When this returns, all survive power
   * loss.
   */
  void write(Collection<Entry> entries) throws IOException;

  @Override
  void close();
}
