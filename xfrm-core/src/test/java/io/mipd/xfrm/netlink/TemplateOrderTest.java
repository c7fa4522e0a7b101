package io.mipd.xfrm.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import org.junit.jupiter.api.Test;

/** What is measured of these lists is in AhOrderKernelTest. */
class TemplateOrderTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address OTHER_HOME = Ipv6Address.parse("2001:db8:c::2");
  private static final Template AH = Template.transport(TransformProtocol.AH, new ReqId(1));
  private static final Template ESP = Template.transport(TransformProtocol.ESP, new ReqId(1));
  private static final Template HAO = Template.homeAddressOption(HOME, OTHER_HOME);
  private static final Template RH2 = Template.routingHeader(CARE_OF, HOME);
  private static final Template ANY_RH2 =
      Template.routingHeader(Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED);
  private static final Template AH_TUNNEL =
      Template.tunnel(TransformProtocol.AH, HOME, OTHER_HOME, new ReqId(1));
  private static final Template ESP_TUNNEL =
      Template.tunnel(TransformProtocol.ESP, CARE_OF, AGENT, new ReqId(2));

  private static Bundle work(Template... templates) {
    return TemplateOrder.ofWork(TemplateOrder.ofHeaders(Bundle.of(templates)), Direction.OUT);
  }

  @Test
  void mobilitysHeadersComeBeforeTheAhThatCoversThem() {
    assertThat(work(AH, HAO)).isEqualTo(Bundle.of(HAO, AH));
    assertThat(work(HAO, AH)).isEqualTo(Bundle.of(HAO, AH));
    assertThat(work(AH, RH2, HAO)).isEqualTo(Bundle.of(HAO, RH2, AH));
    assertThat(work(ESP, AH, HAO)).isEqualTo(Bundle.of(ESP, HAO, AH));
  }

  @Test
  void eachIpv6HeaderIsAMatterOfItsOwn() {
    assertThat(work(AH, HAO, ESP_TUNNEL)).isEqualTo(Bundle.of(HAO, AH, ESP_TUNNEL));
    assertThat(work(AH, ESP_TUNNEL, HAO)).isEqualTo(Bundle.of(AH, ESP_TUNNEL, HAO));
    assertThat(work(AH, ESP_TUNNEL, AH, RH2)).isEqualTo(Bundle.of(AH, ESP_TUNNEL, RH2, AH));
  }

  @Test
  void espCoversNoHeader() {
    assertThat(work(ESP, HAO)).isEqualTo(Bundle.of(ESP, HAO));
  }

  @Test
  void aListIsReadInTheOrderOfHeaders() {
    assertThat(TemplateOrder.read(Bundle.of(ESP, HAO, RH2, AH), Direction.OUT))
        .isEqualTo(Bundle.of(ESP, AH, HAO, RH2));
    assertThat(TemplateOrder.read(Bundle.of(HAO, ESP), Direction.OUT))
        .as("as the user wrote it")
        .isEqualTo(Bundle.of(HAO, ESP));
    assertThat(TemplateOrder.read(Bundle.of(HAO, AH), Direction.IN))
        .as("what arrives is compared in the order of headers")
        .isEqualTo(Bundle.of(HAO, AH));
  }

  @Test
  void aRoutingHeaderFromAMobilePeerIsKnownByItselfOnly() {
    var in =
        Policy.allow(Selector.between(HOME, OTHER_HOME), Direction.IN, 1, Bundle.of(AH, RH2, HAO));
    assertThat(KernelPolicy.asInstalled(in).bundle()).isEqualTo(Bundle.of(AH, HAO, ANY_RH2));
    var alone =
        Policy.allow(Selector.between(HOME, OTHER_HOME), Direction.IN, 1, Bundle.of(AH, RH2));
    assertThat(KernelPolicy.asInstalled(alone)).isEqualTo(alone);
  }

  @Test
  void anAhTunnelCannotBearAnOption() {
    assertThat(KernelPolicy.isInexpressible(Bundle.of(AH_TUNNEL, HAO), Direction.OUT)).isTrue();
    assertThat(KernelPolicy.isInexpressible(Bundle.of(AH_TUNNEL, ESP, RH2), Direction.OUT))
        .isTrue();
    assertThat(KernelPolicy.isInexpressible(Bundle.of(AH_TUNNEL, HAO), Direction.IN)).isFalse();
    assertThat(KernelPolicy.isInexpressible(Bundle.of(AH_TUNNEL, ESP_TUNNEL, HAO), Direction.OUT))
        .isFalse();
    assertThat(KernelPolicy.isInexpressible(Bundle.of(AH, HAO, AH_TUNNEL), Direction.OUT))
        .isFalse();
  }
}
