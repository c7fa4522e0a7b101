package io.mipd.mobility.cn;

import com.google.common.collect.HashMultiset;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.Multiset;
import io.mipd.mobility.binding.CorrespondentBinding;
import io.mipd.mobility.binding.DeadlineQueue;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The Binding Caches of all our addresses (RFC 6275 section 9.1), with what must be remembered of
 * bindings that are no more (sections 5.2.8 and 9.5.3).
 *
 * <p>Room for a home address is made by time alone. A newcomer never drives another's binding out,
 * nor the memory of one, which would let its old Binding Updates be replayed; at the limit it is
 * refused, and talks through its home agent meanwhile. What cannot be authenticated never comes
 * here. Whoever owns a prefix can pass return routability for each of its addresses: so there is a
 * limit for home addresses of one 64-bit prefix too, and a flood of valid updates leaves room for
 * everybody else.
 */
final class BindingCache {
  private final CorrespondentSettings settings;
  private final Map<Owner, CacheEntry> entries = new LinkedHashMap<>();
  private final Multiset<Long> homePrefixes = HashMultiset.create();

  /** Those with a binding, not only the memory of one. */
  private final Set<Owner> bound = new HashSet<>();

  private final DeadlineQueue<Owner> deadlines = new DeadlineQueue<>();

  /** At most one entry for a home address at each address of ours. */
  record Owner(Ipv6Address local, HomeAddress home) {}

  BindingCache(CorrespondentSettings settings) {
    this.settings = settings;
  }

  Optional<CacheEntry> find(Owner owner) {
    return Optional.ofNullable(entries.get(owner));
  }

  Optional<CorrespondentBinding> binding(Owner owner) {
    return find(owner).flatMap(CacheEntry::binding);
  }

  ImmutableList<CacheEntry> entries() {
    return ImmutableList.copyOf(entries.values());
  }

  int bindingCount() {
    return bound.size();
  }

  boolean hasRoomFor(HomeAddress home) {
    return entries.size() < settings.maximumBindings()
        && homePrefixes.count(home.value().high()) < settings.maximumBindingsOfPrefix();
  }

  /** Takes what an event has made of an entry, new or known, or drops it when it has served. */
  void settle(Instant now, CacheEntry entry) {
    Owner owner = entry.owner();
    if (entry.binding().isPresent()) {
      bound.add(owner);
    } else {
      bound.remove(owner);
    }
    if (entry.hasServed(now)) {
      deadlines.remove(owner);
      if (entries.remove(owner) != null) {
        homePrefixes.remove(owner.home().value().high());
      }
      return;
    }
    deadlines.put(owner, entry.nextDeadline());
    if (entries.put(owner, entry) == null) {
      homePrefixes.add(owner.home().value().high());
    }
  }

  /** An entry that something is to be done with by now; to be settled afterwards. */
  Optional<CacheEntry> takeDue(Instant now) {
    return deadlines.poll(now).flatMap(this::find);
  }

  Optional<Instant> nextDeadline() {
    return deadlines.next();
  }
}
