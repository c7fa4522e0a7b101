package io.mipd.xfrm.engine;

import java.util.Arrays;

/** Arrays that are replaced by ones with an element more or less. */
final class SmallArrays {
  private SmallArrays() {}

  static <T> T[] with(T[] array, int at, T element) {
    T[] more = Arrays.copyOf(array, array.length + 1);
    System.arraycopy(array, at, more, at + 1, array.length - at);
    more[at] = element;
    return more;
  }

  static <T> T[] without(T[] array, int at) {
    T[] fewer = Arrays.copyOf(array, array.length - 1);
    System.arraycopy(array, at + 1, fewer, at, fewer.length - at);
    return fewer;
  }
}
