package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A security association as its owner configures it (RFC 4301 section 4.4.2.1); what it counts
 * while it lives belongs to the world that holds it. Immutable. Its keys never print.
 */
public final class SecurityAssociation {
  /** Packets that anti-replay windows may cover at most. */
  public static final int MAX_REPLAY_WINDOW = 4096;

  private final AssociationId id;
  private final Ipv6Address source;
  private final Mode mode;
  private final ReqId reqId;
  private final Selector selector;
  private final EncryptionAlgorithm encryption;
  private final KeyMaterial encryptionKey;
  private final IntegrityAlgorithm integrity;
  private final KeyMaterial integrityKey;
  private final int replayWindow;
  private final boolean extendedSequenceNumbers;
  private final AssociationLifetime lifetime;

  private SecurityAssociation(Builder builder) {
    id = builder.id;
    source = builder.source;
    mode = builder.mode;
    reqId = builder.reqId;
    selector = builder.selector;
    encryption = builder.encryption;
    encryptionKey = builder.encryptionKey;
    integrity = builder.integrity;
    integrityKey = builder.integrityKey;
    replayWindow = builder.replayWindow;
    extendedSequenceNumbers = builder.extendedSequenceNumbers;
    lifetime = builder.lifetime;
    checkArgument(
        id.protocol() == TransformProtocol.ESP || id.protocol() == TransformProtocol.AH,
        "an association is for ESP or AH: %s",
        id.protocol());
    checkArgument(mode == Mode.TRANSPORT || mode == Mode.TUNNEL, "transport or tunnel: %s", mode);
    checkArgument(
        encryption.acceptsKeyLength(encryptionKey.length()),
        "%s does not take a key of %s octets",
        encryption,
        encryptionKey.length());
    checkArgument(
        integrityKey.length() == integrity.keyLength(),
        "%s takes a key of %s octets, not %s",
        integrity,
        integrity.keyLength(),
        integrityKey.length());
    checkArgument(
        encryption.isCombined() == (integrity == IntegrityAlgorithm.NONE),
        "%s with %s: exactly one of them must authenticate (RFC 8221 section 4)",
        encryption,
        integrity);
    checkArgument(
        id.protocol() != TransformProtocol.AH || encryption == EncryptionAlgorithm.NULL,
        "AH does not encrypt");
    checkArgument(
        replayWindow >= 0 && replayWindow <= MAX_REPLAY_WINDOW,
        "replay window not from 0 to %s: %s",
        MAX_REPLAY_WINDOW,
        replayWindow);
    checkArgument(
        !extendedSequenceNumbers || replayWindow > 0,
        "extended sequence numbers need anti-replay (RFC 4303 section 2.2.1)");
  }

  public static Builder builder(AssociationId id, Ipv6Address source, Mode mode) {
    return new Builder(id, source, mode);
  }

  public AssociationId id() {
    return id;
  }

  /** The sender: outer source in tunnel mode, source of the flow in transport mode. */
  public Ipv6Address source() {
    return source;
  }

  public Ipv6Address destination() {
    return id.destination();
  }

  public Mode mode() {
    return mode;
  }

  public ReqId reqId() {
    return reqId;
  }

  /** What may travel in it; compared with the innermost packet on arrival. */
  public Selector selector() {
    return selector;
  }

  public EncryptionAlgorithm encryption() {
    return encryption;
  }

  public KeyMaterial encryptionKey() {
    return encryptionKey;
  }

  public IntegrityAlgorithm integrity() {
    return integrity;
  }

  public KeyMaterial integrityKey() {
    return integrityKey;
  }

  /** Packets; 0 for no anti-replay. */
  public int replayWindow() {
    return replayWindow;
  }

  public boolean extendedSequenceNumbers() {
    return extendedSequenceNumbers;
  }

  public AssociationLifetime lifetime() {
    return lifetime;
  }

  public Builder toBuilder() {
    return new Builder(id, source, mode)
        .reqId(reqId)
        .selector(selector)
        .encryption(encryption, encryptionKey)
        .integrity(integrity, integrityKey)
        .replayWindow(replayWindow)
        .extendedSequenceNumbers(extendedSequenceNumbers)
        .lifetime(lifetime);
  }

  /** The same association in another mode. */
  public SecurityAssociation inMode(Mode newMode) {
    return new Builder(id, source, newMode)
        .reqId(reqId)
        .selector(selector)
        .encryption(encryption, encryptionKey)
        .integrity(integrity, integrityKey)
        .replayWindow(replayWindow)
        .extendedSequenceNumbers(extendedSequenceNumbers)
        .lifetime(lifetime)
        .build();
  }

  /** The same association between other end points, as after XFRM_MSG_MIGRATE. */
  public SecurityAssociation movedTo(Ipv6Address newSource, Ipv6Address newDestination) {
    var builder = toBuilder();
    builder.id = new AssociationId(newDestination, id.protocol(), id.spi());
    builder.source = newSource;
    return builder.build();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof SecurityAssociation that
        && id.equals(that.id)
        && source.equals(that.source)
        && mode == that.mode
        && reqId.equals(that.reqId)
        && selector.equals(that.selector)
        && encryption == that.encryption
        && encryptionKey.equals(that.encryptionKey)
        && integrity == that.integrity
        && integrityKey.equals(that.integrityKey)
        && replayWindow == that.replayWindow
        && extendedSequenceNumbers == that.extendedSequenceNumbers
        && lifetime.equals(that.lifetime);
  }

  @Override
  public int hashCode() {
    return Objects.hash(id, source, mode, reqId);
  }

  @Override
  public String toString() {
    return "src "
        + source
        + " "
        + id
        + " reqid "
        + reqId
        + " mode "
        + mode.kernelName()
        + " enc "
        + encryption.kernelName()
        + (integrity == IntegrityAlgorithm.NONE ? "" : " auth " + integrity.kernelName())
        + " replay-window "
        + replayWindow
        + (extendedSequenceNumbers ? " flag esn" : "");
  }

  /** Collects the parts; {@link #build} checks that they go together. */
  public static final class Builder {
    private AssociationId id;
    private Ipv6Address source;
    private final Mode mode;
    private ReqId reqId = ReqId.ANY;
    private Selector selector = Selector.ANY;
    private EncryptionAlgorithm encryption = EncryptionAlgorithm.NULL;
    private KeyMaterial encryptionKey = KeyMaterial.EMPTY;
    private IntegrityAlgorithm integrity = IntegrityAlgorithm.NONE;
    private KeyMaterial integrityKey = KeyMaterial.EMPTY;
    private int replayWindow;
    private boolean extendedSequenceNumbers;
    private AssociationLifetime lifetime = AssociationLifetime.FOREVER;

    private Builder(AssociationId id, Ipv6Address source, Mode mode) {
      this.id = id;
      this.source = source;
      this.mode = mode;
    }

    public Builder reqId(ReqId value) {
      reqId = value;
      return this;
    }

    public Builder selector(Selector value) {
      selector = value;
      return this;
    }

    public Builder encryption(EncryptionAlgorithm algorithm, KeyMaterial key) {
      encryption = algorithm;
      encryptionKey = key;
      return this;
    }

    public Builder integrity(IntegrityAlgorithm algorithm, KeyMaterial key) {
      integrity = algorithm;
      integrityKey = key;
      return this;
    }

    public Builder replayWindow(int packets) {
      replayWindow = packets;
      return this;
    }

    public Builder extendedSequenceNumbers(boolean value) {
      extendedSequenceNumbers = value;
      return this;
    }

    public Builder lifetime(AssociationLifetime value) {
      lifetime = value;
      return this;
    }

    /**
     * @throws IllegalArgumentException if the parts do not go together
     */
    public SecurityAssociation build() {
      return new SecurityAssociation(this);
    }
  }
}
