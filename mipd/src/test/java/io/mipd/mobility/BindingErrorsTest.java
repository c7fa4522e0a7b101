package io.mipd.mobility;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.mobility.wire.MobilityMessage.BindingError;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class BindingErrorsTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::66");
  private static final Ipv6Address HERE = Ipv6Address.parse("2001:db8:1::1");

  private final BindingErrors errors = new BindingErrors();
  private Instant now = Instant.EPOCH;

  private boolean answers(Ipv6Address careOf) {
    return errors
        .answer(now, new NodeEvent.HomeAddressOptionRefused(HOME, careOf, HERE))
        .isPresent();
  }

  /** RFC 6275 section 9.3.3: to the source on the wire, with the address of the option. */
  @Test
  void tellsTheSenderWhichHomeAddressIsUnknown() {
    var action = errors.answer(now, new NodeEvent.HomeAddressOptionRefused(HOME, CARE_OF, HERE));
    assertThat(action)
        .hasValueSatisfying(
            it -> {
              var send = (NodeAction.SendMessage) it;
              assertThat(send.source()).isEqualTo(HERE);
              assertThat(send.destination()).isEqualTo(CARE_OF);
              assertThat(send.message())
                  .isInstanceOfSatisfying(
                      BindingError.class,
                      error -> {
                        assertThat(error.status()).isEqualTo(BindingError.UNKNOWN_BINDING);
                        assertThat(error.homeAddress()).isEqualTo(HOME);
                      });
            });
  }

  @Test
  void nobodyIsToldWhoIsNoUnicastAddress() {
    assertThat(answers(Ipv6Address.ALL_NODES)).isFalse();
    assertThat(answers(Ipv6Address.UNSPECIFIED)).isFalse();
  }

  @Test
  void hasALimit() {
    for (int i = 0; i < ProtocolConstants.MAX_UPDATE_RATE; i++) {
      assertThat(answers(CARE_OF)).isTrue();
    }
    assertThat(answers(CARE_OF)).isFalse();
    now = now.plusSeconds(1);
    assertThat(answers(CARE_OF)).isTrue();
  }
}
