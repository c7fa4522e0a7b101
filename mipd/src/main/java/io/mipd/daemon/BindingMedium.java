package io.mipd.daemon;

import io.mipd.daemon.BindingStore.Entry;
import io.mipd.mobility.HomeLinkState;
import java.io.IOException;
import java.util.Collection;
import java.util.Optional;

/** What bindings are written to. One thread at a time. */
interface BindingMedium extends AutoCloseable {
  /**
   * What is read or written in one go.
   *
   * @param homeLink by the wall clock; empty where there is none, or nothing new of it
   */
  record Content(Collection<Entry> entries, Optional<HomeLinkState> homeLink) {}

  /** What an earlier daemon has written. */
  Content read() throws IOException;

  /**
   * Each entry takes the place of what is there of its home address. When this returns, all survive
   * power loss.
   */
  void write(Content content) throws IOException;

  @Override
  void close();
}
