package io.mipd.movein;

import com.google.common.collect.ImmutableList;
import java.util.ArrayList;
import java.util.List;

/** What the old configuration said and ours does not, and why. */
final class Warnings {
  private final List<String> all = new ArrayList<>();

  void add(Place place, String what, String why) {
    all.add(place + ": " + what + ": " + why);
  }

  void add(String text) {
    all.add(text);
  }

  ImmutableList<String> all() {
    return ImmutableList.copyOf(all);
  }
}
