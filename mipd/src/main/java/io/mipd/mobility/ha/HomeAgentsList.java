package io.mipd.mobility.ha;

import com.google.common.collect.Comparators;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.HomeLinkState;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** The Home Agents List of the home link, ourselves included (RFC 6275 sections 10.1, 10.5.1). */
final class HomeAgentsList {
  /** What fits behind the IPv6 header and the reply's own 8 octets into the minimum IPv6 MTU. */
  static final int MAX_ADDRESSES = (1280 - 40 - 8) / Ipv6Address.LENGTH;

  /** Routers that are remembered; who sends advertisements may invent any number of them. */
  static final int MAX_AGENTS = 256;

  static final int MAX_ADDRESSES_OF_AGENT = 16;

  /** Seconds: 16 bits (RFC 4861 section 4.2, RFC 6275 section 7.4). */
  private static final int LONGEST_LIFETIME = 0xffff;

  private final Ipv6Address own;
  private final int ownPreference;

  /** By link-local address. */
  private final Map<Ipv6Address, Entry> others = new LinkedHashMap<>();

  private static final class Entry {
    int preference;
    Instant expiry = Instant.EPOCH;

    /** Until when the prefix is valid that each belongs to. */
    final Map<Ipv6Address, Instant> addresses = new LinkedHashMap<>();
  }

  private record Listed(int preference, ImmutableList<Ipv6Address> addresses) {}

  /**
   * @param ownPreference as we advertise it
   */
  HomeAgentsList(Ipv6Address own, int ownPreference) {
    this.own = own;
    this.ownPreference = ownPreference;
  }

  /**
   * An advertisement that is valid (RFC 4861 section 6.1.2), of another router on the link.
   *
   * @return whether something but times has changed
   */
  boolean heard(Instant now, Ipv6Address router, RouterAdvertisement advertisement) {
    Optional<NdOption.HomeAgentInformation> information =
        advertisement.option(NdOption.HomeAgentInformation.class);
    int lifetime =
        information
            .map(NdOption.HomeAgentInformation::lifetime)
            .orElse(advertisement.routerLifetime());
    forgetOld(now);
    if (!advertisement.homeAgent() || lifetime == 0) {
      return others.remove(router) != null;
    }
    boolean changed = !others.containsKey(router);
    if (changed && others.size() >= MAX_AGENTS) {
      return false;
    }
    Entry entry = others.computeIfAbsent(router, it -> new Entry());
    int preference = information.map(NdOption.HomeAgentInformation::preference).orElse(0);
    changed |= entry.preference != preference;
    entry.preference = preference;
    entry.expiry = now.plusSeconds(lifetime);
    for (NdOption option : advertisement.options()) {
      if (option instanceof PrefixInformation prefix && prefix.routerAddress()) {
        changed |= learn(now, entry, prefix);
      }
    }
    return changed;
  }

  private boolean learn(Instant now, Entry entry, PrefixInformation prefix) {
    if (prefix.validLifetime() == 0) {
      return entry.addresses.remove(prefix.address()) != null;
    } else if (prefix.address().isGlobalUnicast()
        && !prefix.address().equals(own)
        && (entry.addresses.size() < MAX_ADDRESSES_OF_AGENT
            || entry.addresses.containsKey(prefix.address()))) {
      Instant end = AdvertisedPrefix.end(now, prefix.validLifetime());
      return entry.addresses.put(prefix.address(), end) == null;
    }
    return false;
  }

  /**
   * What an earlier daemon has heard; what has ended since is forgotten with the first question.
   * Nobody is listed for longer than one advertisement can say, were it heard now: the clock may
   * have been set back meanwhile.
   */
  void restore(Instant now, ImmutableList<HomeLinkState.Agent> heard) {
    Instant latest = now.plusSeconds(LONGEST_LIFETIME);
    for (HomeLinkState.Agent one : heard) {
      Entry entry = new Entry();
      entry.preference = one.preference();
      entry.expiry = Comparators.min(one.expiry(), latest);
      one.addresses()
          .forEach((address, end) -> entry.addresses.put(address, Comparators.min(end, latest)));
      entry.addresses.remove(own);
      others.put(one.router(), entry);
    }
  }

  /** What has been heard and has not ended. */
  ImmutableList<HomeLinkState.Agent> heard(Instant now) {
    forgetOld(now);
    var all = ImmutableList.<HomeLinkState.Agent>builder();
    others.forEach(
        (router, entry) ->
            all.add(
                new HomeLinkState.Agent(
                    router, entry.preference, entry.expiry, ImmutableMap.copyOf(entry.addresses))));
    return all.build();
  }

  private void forgetOld(Instant now) {
    others.values().removeIf(entry -> !now.isBefore(entry.expiry));
    others.values().forEach(entry -> entry.addresses.values().removeIf(end -> !now.isBefore(end)));
  }

  /**
   * What a reply lists: the most preferred first, at random among equals, no more than fits (RFC
   * 6275 section 10.5.1).
   */
  ImmutableList<Ipv6Address> addresses(Instant now, RandomGenerator random) {
    forgetOld(now);
    List<Listed> all = new ArrayList<>();
    all.add(new Listed(ownPreference, ImmutableList.of(own)));
    for (Entry entry : others.values()) {
      List<Ipv6Address> addresses = new ArrayList<>(entry.addresses.keySet());
      shuffle(addresses, random);
      all.add(new Listed(entry.preference, ImmutableList.copyOf(addresses)));
    }
    shuffle(all, random);
    all.sort(Comparator.comparingInt(Listed::preference).reversed());
    return all.stream()
        .flatMap(listed -> listed.addresses().stream())
        .distinct()
        .limit(MAX_ADDRESSES)
        .collect(ImmutableList.toImmutableList());
  }

  private static <T> void shuffle(List<T> list, RandomGenerator random) {
    for (int i = list.size() - 1; i > 0; i--) {
      Collections.swap(list, i, random.nextInt(i + 1));
    }
  }

  /** The others on the link, by address, with their preference; for the status. */
  ImmutableList<Map.Entry<Ipv6Address, Integer>> others(Instant now) {
    forgetOld(now);
    return others.values().stream()
        .flatMap(
            entry -> entry.addresses.keySet().stream().map(it -> Map.entry(it, entry.preference)))
        .collect(ImmutableList.toImmutableList());
  }
}
