package io.mipd.mobility;

import static io.mipd.mobility.Exchange.ETH0;
import static io.mipd.mobility.Exchange.ETH1;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.Exchange.Link;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.Side.MobilityMessageOnTheWire;
import java.time.Duration;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;

/** What may happen at random to a mobile node and its messages; each says in words what it was. */
final class RandomSteps {
  private final Random random;
  private final Exchange exchange;
  private final Map<Integer, Link> plugged = new HashMap<>();

  RandomSteps(Random random, Exchange exchange) {
    this.random = random;
    this.exchange = exchange;
  }

  Random random() {
    return random;
  }

  /**
   * Something about links, routers and addresses.
   *
   * @param dice 0 to 35
   */
  String onTheLinks(int dice) {
    if (dice < 12) {
      int index = random.nextBoolean() ? ETH0 : ETH1;
      Link link = link();
      exchange.plug(index, link);
      plugged.put(index, link);
      return "cable of " + index + " to " + link;
    } else if (dice < 24) {
      return heardOnce(AddressState.OPTIMISTIC);
    } else if (dice < 30) {
      return heardOnce(AddressState.USABLE);
    } else if (dice < 32) {
      return heardOnce(AddressState.DUPLICATE);
    } else if (plugged.isEmpty()) {
      return "nothing";
    }
    int index = plugged.keySet().iterator().next();
    plugged.remove(index);
    exchange.unplug(index);
    return "cable out of " + index;
  }

  private Link link() {
    return ImmutableList.of(Link.A, Link.B, Link.HOME_LINK).get(random.nextInt(3));
  }

  private String heardOnce(AddressState state) {
    if (plugged.isEmpty()) {
      return "nothing";
    }
    int index = ImmutableList.copyOf(plugged.keySet()).get(random.nextInt(plugged.size()));
    exchange.advertise(index);
    exchange.address(index, state);
    return "router and address on " + index + ": " + state;
  }

  /** One of those that wait arrives, or is lost, or comes twice, or before the others. */
  String passOn(Deque<MobilityMessageOnTheWire> queue, Consumer<MobilityMessageOnTheWire> arrives) {
    if (queue.isEmpty()) {
      return "nothing";
    }
    int fate = random.nextInt(10);
    MobilityMessageOnTheWire wire = fate < 8 ? queue.removeFirst() : queue.removeLast();
    if (fate == 0) {
      return "lost " + wire;
    }
    arrives.accept(wire);
    if (fate == 1) {
      arrives.accept(wire);
    }
    return "delivered " + wire;
  }

  String timePasses() {
    Duration time = Duration.ofMillis(random.nextInt(random.nextInt(10) == 0 ? 200_000 : 2_500));
    exchange.passes(time);
    return time + " pass";
  }

  /** Whatever is under way is lost; from now on there is one link, and nothing is lost on it. */
  Link comesToRest() {
    exchange.toAgent.clear();
    exchange.toPeer.clear();
    exchange.toMobile.clear();
    for (int index : ImmutableList.copyOf(plugged.keySet())) {
      exchange.unplug(index);
    }
    Link last = link();
    exchange.movesTo(ETH0, last);
    exchange.address(ETH0, AddressState.USABLE);
    return last;
  }
}
