package io.mipd.xfrm.pfkey;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.AssociationLifetime;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.pfkey.PfKeyExtension.Address;
import io.mipd.xfrm.pfkey.PfKeyExtension.Lifetime;
import io.mipd.xfrm.pfkey.PfKeyExtension.Sa;
import io.mipd.xfrm.pfkey.PfKeyExtension.Sa2;
import java.time.Duration;
import java.util.Optional;

/** Security associations in PF_KEY's terms, which are fewer than the model's. */
public final class PfKeyAssociation {
  /** Packets of the greatest anti-replay window. */
  static final int MAX_WINDOW = 32;

  private static final long MAX_ALLOCATIONS = 0xffff_ffffL;

  // SADB_AALG_*, SADB_EALG_*
  private static final int SHA1_HMAC = 3;
  private static final int NO_ENCRYPTION = 0;
  private static final int NULL_ENCRYPTION = 11;
  private static final int AES_CBC = 12;

  // IPSEC_MODE_*
  private static final int TRANSPORT = 1;
  private static final int TUNNEL = 2;

  private PfKeyAssociation() {}

  /** What of an association PF_KEY cannot say, in words for people; empty if all of it. */
  public static Optional<String> inexpressible(SecurityAssociation association) {
    if (!association.selector().equals(Selector.ANY)) {
      return Optional.of("a selector");
    }
    if (association.mode() != Mode.TRANSPORT && association.mode() != Mode.TUNNEL) {
      return Optional.of("mode " + association.mode().kernelName());
    }
    if (association.encryption().isCombined()) {
      return Optional.of(association.encryption().kernelName());
    }
    if (association.integrity() != IntegrityAlgorithm.HMAC_SHA1_96) {
      // Linux truncates to 96 bits what comes by PF_KEY, against RFC 4868 section 2.6.
      return Optional.of(
          association.integrity().kernelName()
              + " with "
              + association.integrity().icvLength() * 8
              + " bits of check value");
    }
    if (association.extendedSequenceNumbers()) {
      return Optional.of("extended sequence numbers");
    }
    if (association.replayWindow() > MAX_WINDOW) {
      return Optional.of("an anti-replay window of more than " + MAX_WINDOW + " packets");
    }
    AssociationLifetime lifetime = association.lifetime();
    if (!fits(lifetime.softPackets()) || !fits(lifetime.hardPackets())) {
      return Optional.of("a limit of more than " + MAX_ALLOCATIONS + " packets");
    }
    return Optional.empty();
  }

  private static boolean fits(long packets) {
    return packets == AssociationLifetime.UNLIMITED || packets <= MAX_ALLOCATIONS;
  }

  /** Has one added that is not {@link #inexpressible}. */
  public static PfKeyMessage addition(SecurityAssociation association) {
    var extensions = ImmutableList.<PfKeyExtension>builder();
    AssociationLifetime lifetime = association.lifetime();
    boolean isEsp = association.id().protocol() == TransformProtocol.ESP;
    int encryption =
        !isEsp
            ? NO_ENCRYPTION
            : association.encryption() == EncryptionAlgorithm.NULL ? NULL_ENCRYPTION : AES_CBC;
    extensions.add(
        new Sa(
            association.id().spi(),
            association.replayWindow(),
            Sa.MATURE,
            SHA1_HMAC,
            encryption,
            0));
    extensions.add(
        limits(
            PfKeyExtension.LIFETIME_HARD,
            lifetime.hardPackets(),
            lifetime.hardBytes(),
            lifetime.hardTime()));
    extensions.add(
        limits(
            PfKeyExtension.LIFETIME_SOFT,
            lifetime.softPackets(),
            lifetime.softBytes(),
            lifetime.softTime()));
    extensions.add(address(PfKeyExtension.ADDRESS_SRC, association.source()));
    extensions.add(address(PfKeyExtension.ADDRESS_DST, association.destination()));
    extensions.add(new PfKeyExtension.Key(PfKeyExtension.KEY_AUTH, association.integrityKey()));
    if (isEsp) {
      // Demanded without encryption too, then empty.
      extensions.add(
          new PfKeyExtension.Key(PfKeyExtension.KEY_ENCRYPT, association.encryptionKey()));
    }
    extensions.add(
        new Sa2(association.mode() == Mode.TUNNEL ? TUNNEL : TRANSPORT, 0, association.reqId()));
    return PfKeyMessage.request(
        PfKeyMessage.ADD, associationType(association.id().protocol()), extensions.build());
  }

  /** Has one deleted; the source is not looked at. */
  public static PfKeyMessage deletion(AssociationId id) {
    return named(PfKeyMessage.DELETE, id);
  }

  /** Asks whether one is there; the source is not looked at. */
  public static PfKeyMessage query(AssociationId id) {
    return named(PfKeyMessage.GET, id);
  }

  private static PfKeyMessage named(int type, AssociationId id) {
    return PfKeyMessage.request(
        type,
        associationType(id.protocol()),
        ImmutableList.of(
            new Sa(id.spi(), 0, Sa.MATURE, 0, 0, 0),
            address(PfKeyExtension.ADDRESS_SRC, Ipv6Address.UNSPECIFIED),
            address(PfKeyExtension.ADDRESS_DST, id.destination())));
  }

  /** {@code SADB_SATYPE_*}. */
  public static int associationType(TransformProtocol protocol) {
    return switch (protocol) {
      case ESP -> PfKeyMessage.ESP;
      case AH -> PfKeyMessage.AH;
      case IPCOMP -> PfKeyMessage.IPCOMP;
      default -> PfKeyMessage.UNSPECIFIED;
    };
  }

  private static Optional<TransformProtocol> protocol(int associationType) {
    return switch (associationType) {
      case PfKeyMessage.ESP -> Optional.of(TransformProtocol.ESP);
      case PfKeyMessage.AH -> Optional.of(TransformProtocol.AH);
      default -> Optional.empty();
    };
  }

  private static Lifetime limits(int type, long packets, long bytes, Duration time) {
    return new Lifetime(
        type,
        packets == AssociationLifetime.UNLIMITED ? 0 : (int) packets,
        bytes == AssociationLifetime.UNLIMITED ? 0 : bytes,
        time.toSeconds(),
        0);
  }

  private static PfKeyExtension address(int type, Ipv6Address address) {
    return new Address(type, 0, Ipv6Prefix.host(address), 0);
  }

  /** Which association a message is about; empty if it is about none of ESP or AH in IPv6. */
  public static Optional<AssociationId> idOf(PfKeyMessage message) {
    var sa = message.first(Sa.class);
    var destination = message.first(Address.class, PfKeyExtension.ADDRESS_DST);
    var protocol = protocol(message.associationType());
    // What an acquire has made has no SPI yet.
    if (sa.isEmpty() || sa.get().spi().isAny() || destination.isEmpty() || protocol.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new AssociationId(destination.get().prefix().address(), protocol.get(), sa.get().spi()));
  }

  /**
   * The association that a message tells of; empty if it tells of none, or of one that PF_KEY does
   * not tell whole: of its selector there is no more than the source, of a combined algorithm no
   * key, and of a check value not how long it is.
   */
  public static Optional<SecurityAssociation> of(PfKeyMessage message) {
    var id = idOf(message);
    var source = message.first(Address.class, PfKeyExtension.ADDRESS_SRC);
    var sa = message.first(Sa.class);
    var sa2 = message.first(Sa2.class);
    if (id.isEmpty() || source.isEmpty() || sa.isEmpty() || sa2.isEmpty()) {
      return Optional.empty();
    }
    var selector = message.first(Address.class, PfKeyExtension.ADDRESS_PROXY);
    var encryption = encryption(sa.get().encryption());
    var mode = mode(sa2.get().mode());
    if (sa.get().integrity() != SHA1_HMAC
        || encryption.isEmpty()
        || mode.isEmpty()
        // A selector of its own source is not told at all.
        || selector.isEmpty()
        || selector.get().prefix().length() != 0
        || selector.get().protocol() != Address.ANY_PROTOCOL) {
      return Optional.empty();
    }
    var hard = message.first(Lifetime.class, PfKeyExtension.LIFETIME_HARD);
    var soft = message.first(Lifetime.class, PfKeyExtension.LIFETIME_SOFT);
    try {
      return Optional.of(
          SecurityAssociation.builder(id.get(), source.get().prefix().address(), mode.get())
              .reqId(sa2.get().reqId())
              .replayWindow(sa.get().replay())
              .encryption(encryption.get(), key(message, PfKeyExtension.KEY_ENCRYPT))
              .integrity(IntegrityAlgorithm.HMAC_SHA1_96, key(message, PfKeyExtension.KEY_AUTH))
              .lifetime(
                  hard.isPresent() && soft.isPresent()
                      ? lifetime(hard.get(), soft.get())
                      : AssociationLifetime.FOREVER)
              .build());
    } catch (IllegalArgumentException e) {
      // Somebody else's, with a key or limits that the model does not take.
      return Optional.empty();
    }
  }

  private static KeyMaterial key(PfKeyMessage message, int type) {
    return message
        .first(PfKeyExtension.Key.class, type)
        .map(PfKeyExtension.Key::key)
        .orElse(KeyMaterial.EMPTY);
  }

  private static Optional<Mode> mode(int number) {
    return switch (number) {
      case TRANSPORT -> Optional.of(Mode.TRANSPORT);
      case TUNNEL -> Optional.of(Mode.TUNNEL);
      default -> Optional.empty();
    };
  }

  private static Optional<EncryptionAlgorithm> encryption(int number) {
    return switch (number) {
      case NO_ENCRYPTION, NULL_ENCRYPTION -> Optional.of(EncryptionAlgorithm.NULL);
      case AES_CBC -> Optional.of(EncryptionAlgorithm.AES_CBC);
      default -> Optional.empty();
    };
  }

  /** A soft limit behind the hard one is never reached: others may have put that. */
  private static AssociationLifetime lifetime(Lifetime hard, Lifetime soft) {
    long hardBytes = limit(hard.bytes());
    long hardPackets = limit(Integer.toUnsignedLong(hard.allocations()));
    return new AssociationLifetime(
        Math.min(hardBytes, limit(soft.bytes())),
        hardBytes,
        Math.min(hardPackets, limit(Integer.toUnsignedLong(soft.allocations()))),
        hardPackets,
        Duration.ofSeconds(soft.addTime()),
        Duration.ofSeconds(hard.addTime()));
  }

  private static long limit(long number) {
    return number == 0 ? AssociationLifetime.UNLIMITED : number;
  }
}
