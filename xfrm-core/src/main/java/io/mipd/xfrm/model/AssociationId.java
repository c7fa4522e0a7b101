package io.mipd.xfrm.model;

/** What identifies a security association on arrival: destination, protocol and SPI. */
public record AssociationId(Ipv6Address destination, TransformProtocol protocol, Spi spi) {
  @Override
  public String toString() {
    return "dst " + destination + " proto " + protocol.kernelName() + " spi " + spi;
  }
}
