package io.mipd.merger.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * Numbers places so that the order of the numbers is the order of the places, and leaves room, so
 * that one that comes between others seldom changes theirs. Where room has run out, the smallest
 * surrounding range that is sparse enough is spread evenly; what this costs for each one that comes
 * grows with the logarithm of how many there are.
 *
 * <p>In the way of P. Dietz and D. Sleator, "Two Algorithms for Maintaining Order in a List"
 * (1987), as M. Bender and others simplified it (2002).
 */
final class Priorities {
  /** At least so much from one to the next, where there is room. */
  private static final int STEP = 16;

  /**
   * Of the room before the next, what those that come take: they seldom come alone, and the next is
   * mostly to come behind.
   */
  private static final int SHARE = 1024;

  /**
   * Which part of a range that is spread is kept for what comes next where one has come. The others
   * are the denser for it by less than a doubled range is to be less dense.
   */
  private static final int ROOMY = 8;

  /** How much less dense each doubling of a range has to be. */
  private static final double THINNING = 1.3;

  private final TreeMap<Place, Integer> numbers = new TreeMap<>();
  private final TreeMap<Integer, Place> places = new TreeMap<>();

  /** No number is greater. */
  private int limit = Integer.MAX_VALUE;

  /** Hears of each change of a place's number. */
  interface Listener {
    void numbered(Place place, int number);
  }

  /** How many places have one. */
  int size() {
    return numbers.size();
  }

  /** The first number from one to another, both included, of a place that is none of some. */
  OptionalInt firstBeside(Set<Place> some, int first, int last) {
    // Not as a stream, which would count them all.
    for (Map.Entry<Integer, Place> one : places.subMap(first, true, last, true).entrySet()) {
      if (!some.contains(one.getValue())) {
        return OptionalInt.of(one.getKey());
      }
    }
    return OptionalInt.empty();
  }

  void remove(Place place) {
    Integer number = numbers.remove(place);
    if (number != null) {
      places.remove(number);
    }
  }

  /** Gives a place back the number that it has had. */
  void restore(Place place, int number) {
    remove(place);
    Place other = places.put(number, place);
    if (other != null && !other.equals(place)) {
      numbers.remove(other, number);
    }
    numbers.put(place, number);
  }

  /**
   * @param newPlaces in order, none of which has a number
   * @throws IllegalStateException if there is no room for all of them
   */
  void add(List<Place> newPlaces, Listener listener) {
    for (int first = 0; first < newPlaces.size(); ) {
      Map.Entry<Place, Integer> below = numbers.lowerEntry(newPlaces.get(first));
      Map.Entry<Place, Integer> above = numbers.higherEntry(newPlaces.get(first));
      int last = first + 1;
      while (last < newPlaces.size()
          && (above == null || newPlaces.get(last).compareTo(above.getKey()) < 0)) {
        last++;
      }
      int floor = below == null ? 0 : below.getValue();
      long ceiling = above == null ? limit + 1L : above.getValue();
      List<Place> run = newPlaces.subList(first, last);
      long gap = (ceiling - floor) / (run.size() + 1);
      if (gap > 0) {
        int step = (int) Math.min(gap, Math.max(STEP, gap / SHARE));
        for (int i = 0; i < run.size(); i++) {
          number(run.get(i), floor + (i + 1) * step, listener);
        }
      } else {
        run.forEach(place -> squeeze(place, listener));
      }
      first = last;
    }
  }

  private void number(Place place, int number, Listener listener) {
    numbers.put(place, number);
    places.put(number, place);
    listener.numbered(place, number);
  }

  /** Finds room for one around those that it comes between. */
  private void squeeze(Place place, Listener listener) {
    Map.Entry<Place, Integer> below = numbers.lowerEntry(place);
    int near = below == null ? 0 : below.getValue();
    double most = 1;
    for (int bits = 1; bits < Integer.SIZE; bits++) {
      most *= 2 / THINNING;
      long size = 1L << bits;
      int from = (int) Math.max(1, near & -size);
      int to = (int) Math.min(limit, (near & -size) + size - 1);
      if (to < from) {
        continue;
      }
      NavigableMap<Integer, Place> range = places.subMap(from, true, to, true);
      boolean whole = from == 1 && to == limit;
      boolean fits = range.size() <= to - from;
      if (fits && (whole || range.size() + 1 <= most)) {
        var some = new ArrayList<>(range.values());
        some.add(place);
        some.sort(null);
        // Where one has come, more are to come.
        spread(some, place, from, to, listener);
        return;
      }
    }
    throw noRoom(limit);
  }

  /** Evenly, in their order, but for the room behind one of them. */
  private void spread(List<Place> some, Place roomy, int from, int to, Listener listener) {
    some.forEach(this::remove);
    int spare = (to - from + 1 - some.size()) / ROOMY;
    long room = to - from + 1L - spare;
    for (int i = 0; i < some.size(); i++) {
      Place place = some.get(i);
      int shift = place.compareTo(roomy) > 0 ? spare : 0;
      number(place, (int) (from + room * i / some.size()) + shift, listener);
    }
  }

  /**
   * From now on no number is greater than that; those that are come down.
   *
   * @throws IllegalStateException if there is no room for them; nothing has changed
   */
  void setLimit(int newLimit, Listener listener) {
    if (numbers.size() > newLimit) {
      throw noRoom(newLimit);
    }
    limit = newLimit;
    if (places.isEmpty() || places.lastKey() <= limit) {
      return;
    }
    var all = new ArrayList<>(numbers.keySet());
    // With room in front and behind, if there is any.
    int quarter = limit / 4;
    if (all.size() < quarter) {
      spread(all, all.get(all.size() - 1), quarter, limit - quarter, listener);
    } else {
      spread(all, all.get(all.size() - 1), 1, limit, listener);
    }
  }

  private static IllegalStateException noRoom(int limit) {
    return new IllegalStateException(
        "no room for another policy in front of those that others have installed: the first has"
            + " priority "
            + (limit + 1L));
  }
}
