package io.mipd.sim.mobile;

import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.transform.AntiReplay;
import io.mipd.xfrm.transform.MemorySequenceStore;
import io.mipd.xfrm.transform.SequenceSource;
import io.mipd.xfrm.transform.SequenceStore;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Sequence numbers of a node that outlast its crash, as those of a daemon do that keeps them on a
 * disk. An association is known by its SPI, wherever it has been moved to.
 */
final class LastingSequences implements SequenceStore {
  private final SequenceStore beginning = new MemorySequenceStore();
  private final Map<Spi, SequenceSource> sources = new LinkedHashMap<>();
  private final Map<Spi, AntiReplay> windows = new LinkedHashMap<>();

  @Override
  public SequenceSource outbound(SecurityAssociation association) {
    return sources.computeIfAbsent(association.id().spi(), spi -> beginning.outbound(association));
  }

  @Override
  public AntiReplay inbound(SecurityAssociation association) {
    return windows.computeIfAbsent(association.id().spi(), spi -> beginning.inbound(association));
  }
}
