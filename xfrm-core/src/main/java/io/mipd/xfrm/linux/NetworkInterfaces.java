package io.mipd.xfrm.linux;

import java.util.Optional;
import java.util.OptionalInt;

/** Names and numbers of the interfaces in the calling thread's network namespace. */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class NetworkInterfaces {
  private NetworkInterfaces() {}

  public static OptionalInt indexOf(String name) {
    throw new UnsupportedOperationException();
  }

  public static Optional<String> nameOf(int index) {
    throw new UnsupportedOperationException();
  }
}
