package io.mipd.xfrm.packet;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.time.Duration;

/** An option of Neighbor Discovery (RFC 4861 section 4.6, RFC 6275 sections 7.2 to 7.4). */
public sealed interface NdOption {
  int SOURCE_LINK_LAYER_ADDRESS = 1;
  int TARGET_LINK_LAYER_ADDRESS = 2;
  int PREFIX_INFORMATION = 3;
  int MTU = 5;
  int ADVERTISEMENT_INTERVAL = 7;
  int HOME_AGENT_INFORMATION = 8;

  /** Its type on the wire. */
  int type();

  /** The sender's own address (RFC 4861 section 4.6.1). */
  record SourceLinkLayerAddress(LinkLayerAddress address) implements NdOption {
    @Override
    public int type() {
      return SOURCE_LINK_LAYER_ADDRESS;
    }
  }

  /** The address of the target (RFC 4861 section 4.6.1). */
  record TargetLinkLayerAddress(LinkLayerAddress address) implements NdOption {
    @Override
    public int type() {
      return TARGET_LINK_LAYER_ADDRESS;
    }
  }

  /**
   * A prefix of the link (RFC 4861 section 4.6.2, RFC 6275 section 7.2).
   *
   * @param prefixLength in bits, 0 to 128
   * @param address the prefix; with R the router's own address
   * @param onLink L
   * @param autonomous A
   * @param routerAddress R: {@code address} is a whole address of the router's
   * @param validLifetime in seconds, 32 bits; all ones for ever
   * @param preferredLifetime likewise
   */
  record PrefixInformation(
      int prefixLength,
      Ipv6Address address,
      boolean onLink,
      boolean autonomous,
      boolean routerAddress,
      long validLifetime,
      long preferredLifetime)
      implements NdOption {
    public static final long INFINITE = 0xffff_ffffL;

    public PrefixInformation {
      checkArgument(prefixLength >= 0 && prefixLength <= 128, "no length: %s", prefixLength);
    }

    public Ipv6Prefix prefix() {
      return Ipv6Prefix.of(address, prefixLength);
    }

    @Override
    public int type() {
      return PREFIX_INFORMATION;
    }
  }

  /** The link's MTU in octets (RFC 4861 section 4.6.4). */
  record Mtu(long octets) implements NdOption {
    @Override
    public int type() {
      return MTU;
    }
  }

  /**
   * How often unsolicited advertisements come at least (RFC 6275 section 7.3).
   *
   * @param milliseconds 32 bits
   */
  record AdvertisementInterval(long milliseconds) implements NdOption {
    public Duration asDuration() {
      return Duration.ofMillis(milliseconds);
    }

    @Override
    public int type() {
      return ADVERTISEMENT_INTERVAL;
    }
  }

  /**
   * The sender as home agent (RFC 6275 section 7.4).
   *
   * @param preference signed 16 bits, higher is preferred
   * @param lifetime in seconds, 16 bits
   */
  record HomeAgentInformation(int preference, int lifetime) implements NdOption {
    @Override
    public int type() {
      return HOME_AGENT_INFORMATION;
    }
  }

  /** An option that we do not know: ignored by who receives it, kept by us. */
  record Unknown(int type, Octets data) implements NdOption {
    public Unknown {
      checkArgument((data.length() + 2) % 8 == 0, "not a multiple of 8 octets: %s", data.length());
    }
  }
}
