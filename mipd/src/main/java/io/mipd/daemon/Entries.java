package io.mipd.daemon;

import com.google.common.base.Suppliers;
import com.google.common.collect.ImmutableMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What is written in a file, by the full path of its key. There may be very many, and nobody asks
 * for them before a configuration is read again: so they are put together then. Equal if they say
 * the same.
 */
final class Entries {
  private final Supplier<ImmutableMap<String, String>> all;

  /**
   * @param all is asked once
   */
  Entries(Supplier<ImmutableMap<String, String>> all) {
    this.all = Suppliers.memoize(all::get);
  }

  ImmutableMap<String, String> all() {
    return all.get();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other == this || (other instanceof Entries it && it.all().equals(all()));
  }

  @Override
  public int hashCode() {
    return all().hashCode();
  }

  @Override
  public String toString() {
    return all().toString();
  }
}
