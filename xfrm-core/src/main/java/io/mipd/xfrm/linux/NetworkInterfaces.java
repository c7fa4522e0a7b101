package io.mipd.xfrm.linux;

import java.util.Optional;
import java.util.OptionalInt;

/** Names and numbers of the interfaces in the calling thread's network namespace. */
public final class NetworkInterfaces {
  private static final int NAME_SIZE = 16;

  private NetworkInterfaces() {}

  public static OptionalInt indexOf(String name) {
    int index = Native.C.if_nametoindex(name);
    return index == 0 ? OptionalInt.empty() : OptionalInt.of(index);
  }

  public static Optional<String> nameOf(int index) {
    var name = new NativeMemory(NAME_SIZE);
    if (Native.C.if_indextoname(index, name.address()) == 0) {
      return Optional.empty();
    }
    return Optional.of(name.getString(0, NAME_SIZE));
  }
}
