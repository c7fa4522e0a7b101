package io.mipd.xfrm.netlink;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mark;
import java.util.Optional;
import java.util.OptionalInt;

/** The attributes of a message, in its order, those unknown among them. */
public record XfrmAttributes(ImmutableList<XfrmAttribute> list) {
  public static final XfrmAttributes NONE = new XfrmAttributes(ImmutableList.of());

  public static XfrmAttributes of(XfrmAttribute... attributes) {
    return new XfrmAttributes(ImmutableList.copyOf(attributes));
  }

  /** The first attribute of this kind. */
  public <T extends XfrmAttribute> Optional<T> find(Class<T> kind) {
    for (XfrmAttribute attribute : list) {
      if (kind.isInstance(attribute)) {
        return Optional.of(kind.cast(attribute));
      }
    }
    return Optional.empty();
  }

  private <T extends XfrmAttribute> Optional<T> find(Class<T> kind, int type) {
    for (XfrmAttribute attribute : list) {
      if (attribute.type() == type && kind.isInstance(attribute)) {
        return Optional.of(kind.cast(attribute));
      }
    }
    return Optional.empty();
  }

  /** The attribute of one number that has this {@code XFRMA_*}. */
  public OptionalInt number(int type) {
    var number = find(XfrmAttribute.NumberValue.class, type);
    return number.isPresent() ? OptionalInt.of(number.get().value()) : OptionalInt.empty();
  }

  public Optional<Ipv6Address> address(int type) {
    return find(XfrmAttribute.Address.class, type).map(XfrmAttribute.Address::address);
  }

  public Optional<XfrmAttribute.Algorithm> algorithm(int type) {
    return find(XfrmAttribute.Algorithm.class, type);
  }

  /** {@link Mark#ANY} if there is none. */
  public Mark mark() {
    return find(XfrmAttribute.MarkValue.class).map(XfrmAttribute.MarkValue::mark).orElse(Mark.ANY);
  }

  /** 0 if there is none. */
  public int interfaceId() {
    return number(XfrmAttribute.IF_ID).orElse(0);
  }

  /** The main database if it is not said. */
  public int policyType() {
    return find(XfrmAttribute.PolicyType.class)
        .map(XfrmAttribute.PolicyType::value)
        .orElse(XfrmAttribute.PolicyType.MAIN);
  }

  /** Index 0 innermost. */
  public ImmutableList<KernelTemplate> templates() {
    return find(XfrmAttribute.Templates.class)
        .map(XfrmAttribute.Templates::templates)
        .orElse(ImmutableList.of());
  }

  /** Where the sequence numbers stand, if an attribute says it. */
  public Optional<SequencePosition> position() {
    var extended = find(XfrmAttribute.ExtendedReplay.class);
    if (extended.isPresent()) {
      return Optional.of(
          new SequencePosition(
              Math.max(extended.get().outbound(), 0), Math.max(extended.get().inbound(), 0)));
    }
    return find(XfrmAttribute.Replay.class)
        .map(
            small ->
                new SequencePosition(
                    Integer.toUnsignedLong(small.outbound()),
                    Integer.toUnsignedLong(small.inbound())));
  }

  /** Of all attributes: a request has them in one, a notice each in its own. */
  public ImmutableList<XfrmAttribute.Migration> migrations() {
    var migrations = ImmutableList.<XfrmAttribute.Migration>builder();
    for (XfrmAttribute attribute : list) {
      if (attribute instanceof XfrmAttribute.Migrations some) {
        migrations.addAll(some.migrations());
      }
    }
    return migrations.build();
  }
}
