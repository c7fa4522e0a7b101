package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalledAssociationsTest {
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final AssociationId UP =
      new AssociationId(AGENT, TransformProtocol.ESP, new Spi(0x1001));
  private static final AssociationId HEADER =
      new AssociationId(AGENT, TransformProtocol.AH, new Spi(0xffff_fffe));
  private static final AssociationId DOWN =
      new AssociationId(HOME, TransformProtocol.ESP, new Spi(0x1002));

  @TempDir private Path folder = Path.of("");

  private JournalledAssociations open() throws IOException {
    return new JournalledAssociations(Journal.open(folder));
  }

  @Test
  void aSuccessorKnowsWhatWasToCome() throws IOException {
    JournalledAssociations associations = open();
    associations.coming(List.of(UP, HEADER));
    associations.coming(List.of(DOWN));
    JournalledAssociations next = open();
    assertThat(next.all()).containsExactlyInAnyOrder(UP, HEADER, DOWN);
    assertThat(next.contains(HEADER)).isTrue();
    assertThat(next.to(AGENT)).containsExactly(UP, HEADER);
    assertThat(next.to(HOME)).containsExactly(DOWN);
  }

  @Test
  void whatIsGoneIsNotOursAndASuccessorHearsOfItWithTheNextChange() throws IOException {
    JournalledAssociations associations = open();
    associations.coming(List.of(UP, HEADER));
    associations.gone(UP);
    assertThat(associations.contains(UP)).isFalse();
    assertThat(associations.all()).containsExactly(HEADER);
    associations.coming(List.of(DOWN));
    assertThat(open().all()).containsExactlyInAnyOrder(HEADER, DOWN);
  }
}
