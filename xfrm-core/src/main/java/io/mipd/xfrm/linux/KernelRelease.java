package io.mipd.xfrm.linux;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which Linux it is, by its first two numbers. */
record KernelRelease(int major, int minor) {
  private static final Pattern NUMBERS = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})");

  static KernelRelease running() {
    return of(String.valueOf(System.getProperty("os.version")));
  }

  /** As {@code uname -r} says it; what is no such text is taken for the oldest. */
  static KernelRelease of(String text) {
    Matcher numbers = NUMBERS.matcher(text);
    return numbers.lookingAt()
        ? new KernelRelease(Integer.parseInt(numbers.group(1)), Integer.parseInt(numbers.group(2)))
        : new KernelRelease(0, 0);
  }

  /** Before 6.7 they are read from the octets of the extension header. */
  boolean seesPortsBehindOptions() {
    return major > 6 || (major == 6 && minor >= 7);
  }
}
