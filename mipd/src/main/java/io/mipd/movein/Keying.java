package io.mipd.movein;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Spi;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/** Finds the associations of the scripts, or makes new keys where there are none. */
final class Keying {
  /** The two ways, and our name for them. */
  record Pair(Spi toHomeAgent, Spi toMobileNode, int reqId) {}

  /**
   * @param encryption in our configuration's words, as {@code integrity}
   */
  record Keyed(String encryption, String integrity, Map<Use, Pair> pairs, KeyText text) {}

  private final Path file;
  private final Warnings warnings;
  private final Random random;
  private final ImmutableList<ScriptedAssociation> associations;
  private final boolean scripted;
  private final Set<ScriptedAssociation> used = new LinkedHashSet<>();

  /**
   * @param file the configuration
   * @param random for new keys
   * @param scripted whether there are scripts, so that nothing is made up
   */
  Keying(
      Path file,
      Warnings warnings,
      Random random,
      ImmutableList<ScriptedAssociation> associations,
      boolean scripted) {
    this.file = file;
    this.warnings = warnings;
    this.random = random;
    this.associations = associations;
    this.scripted = scripted;
  }

  Keyed of(Ipv6Address home, Optional<Ipv6Address> agent, Map<Use, IpsecRules.Rule> rules)
      throws ImportException {
    return scripted ? scripted(home, agent, rules) : fresh(home, rules);
  }

  private Keyed fresh(Ipv6Address home, Map<Use, IpsecRules.Rule> rules) {
    var text = new KeyText("Keys of " + home + " and its home agent: the same at both.");
    Map<Use, Pair> pairs = new LinkedHashMap<>();
    rules.forEach(
        (use, rule) -> {
          pairs.put(use, new Pair(use.spi(true), use.spi(false), reqId(rule, use.spi(true))));
          text.addNew(use.spi(true), random, 16, 32);
          text.addNew(use.spi(false), random, 16, 32);
        });
    warnings.add(
        file
            + ": no script of associations: new keys for "
            + home
            + "; copy the file to the other end, which needs the same keys and SPIs");
    return new Keyed("aes-cbc", "hmac-sha2-256-128", pairs, text);
  }

  private Keyed scripted(
      Ipv6Address home, Optional<Ipv6Address> agent, Map<Use, IpsecRules.Rule> rules)
      throws ImportException {
    var text = new KeyText("Keys of " + home + " and its home agent: the same at both.");
    Map<Use, Pair> pairs = new LinkedHashMap<>();
    Optional<ScriptedAssociation> model = Optional.empty();
    for (Map.Entry<Use, IpsecRules.Rule> entry : rules.entrySet()) {
      Use use = entry.getKey();
      IpsecRules.Rule rule = entry.getValue();
      ScriptedAssociation there = find(use, rule, rule.toHomeAgent(), home, agent, true);
      ScriptedAssociation back = find(use, rule, rule.toMobileNode(), home, agent, false);
      for (ScriptedAssociation one : ImmutableList.of(there, back)) {
        if (model.isPresent()
            && (model.get().encryption() != one.encryption()
                || model.get().integrity() != one.integrity())) {
          throw new ImportException(
              one.place(),
              "other algorithms than those of " + model.get().place() + "; allowed: the same");
        }
        model = Optional.of(one);
        used.add(one);
        text.add(one.spi(), one.encryptionKey(), one.integrityKey());
      }
      pairs.put(use, new Pair(there.spi(), back.spi(), reqId(rule, there.spi())));
    }
    ScriptedAssociation one = model.orElseThrow();
    return new Keyed(
        one.encryption() == EncryptionAlgorithm.NULL ? "null" : "aes-cbc",
        one.integrity() == IntegrityAlgorithm.HMAC_SHA1_96 ? "hmac-sha1-96" : "hmac-sha2-256-128",
        pairs,
        text);
  }

  private int reqId(IpsecRules.Rule rule, Spi spi) {
    if (rule.toHomeAgent() != rule.toMobileNode()) {
      warnings.add(
          rule.place(),
          "request ids " + rule.toHomeAgent() + " and " + rule.toMobileNode(),
          "mipd has one for both ways, the first; it means nothing to the other end");
    }
    return rule.toHomeAgent() > 0 ? rule.toHomeAgent() : spi.value() & 0x7fff_ffff;
  }

  private ScriptedAssociation find(
      Use use,
      IpsecRules.Rule rule,
      int reqId,
      Ipv6Address home,
      Optional<Ipv6Address> agent,
      boolean toHomeAgent)
      throws ImportException {
    var found = new ArrayList<ScriptedAssociation>();
    for (ScriptedAssociation one : associations) {
      Ipv6Address mobile = toHomeAgent ? one.source() : one.destination();
      Ipv6Address other = toHomeAgent ? one.destination() : one.source();
      if (mobile.equals(home)
          && (agent.isEmpty() || other.equals(agent.get()))
          && one.tunnel() == use.isTunnel()
          && (reqId == 0 || one.reqId() == reqId)
          && (reqId != 0 || use.takes(one.upper()))) {
        found.add(one);
      }
    }
    String what =
        "IPsecPolicy for "
            + use.key()
            + ": the association "
            + (toHomeAgent ? "from " : "to ")
            + home
            + (use.isTunnel() ? " in tunnel mode" : " in transport mode")
            + (reqId == 0 ? "" : " with request id " + reqId);
    if (found.isEmpty()) {
      throw new ImportException(rule.place(), what + " is in none of the scripts");
    }
    if (found.size() > 1) {
      throw new ImportException(
          rule.place(),
          what
              + " may be that of "
              + found.get(0).place()
              + " or of "
              + found.get(1).place()
              + ": give them request ids, here and there");
    }
    return found.get(0);
  }

  void warnOfUnused() {
    for (ScriptedAssociation one : associations) {
      if (!used.contains(one)) {
        warnings.add(
            one.place(), "SPI " + one.spi(), "unused: no IPsecPolicy of this node asks for it");
      }
    }
  }
}
