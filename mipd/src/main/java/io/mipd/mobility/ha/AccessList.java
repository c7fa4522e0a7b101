package io.mipd.mobility.ha;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.Optional;

/**
 * From where mobile nodes may register: the first rule whose prefix has the care-of address
 * decides, and where none does it may.
 */
public record AccessList(ImmutableList<Rule> rules) {
  public static final AccessList EVERYWHERE = new AccessList(ImmutableList.of());

  /** One prefix of care-of addresses. */
  public record Rule(Ipv6Prefix prefix, boolean allow) {
    @Override
    public String toString() {
      return (allow ? "allow " : "deny ") + prefix;
    }
  }

  /** The rule that keeps a care-of address out; empty if none does. */
  public Optional<Rule> refuses(CareOfAddress careOf) {
    return rules.stream()
        .filter(rule -> rule.prefix().contains(careOf.value()))
        .findFirst()
        .filter(rule -> !rule.allow());
  }
}
