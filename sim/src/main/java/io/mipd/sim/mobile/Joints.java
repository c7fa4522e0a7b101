package io.mipd.sim.mobile;

import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.transform.AntiReplay;
import io.mipd.xfrm.transform.SequenceSource;
import io.mipd.xfrm.transform.SequenceStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * Where a node's parts meet: somebody may stand between two of them, to see what one says to the
 * other. Each is asked anew whenever the node's mipd starts.
 */
public interface Joints {
  /** Nobody stands there. */
  Joints PLAIN = new Joints() {};

  /** Between a node's cores and its host. */
  default MobilityNode core(String node, MobilityNode core) {
    return core;
  }

  /** Between a node's merger and its engine. */
  default XfrmBackend backend(String node, XfrmBackend engine) {
    return engine;
  }

  /**
   * Between what the engine is told and what it has. Who changes it here does what a fault within
   * the merger would: all that merge agree with each other.
   */
  default XfrmBackend engine(String node, XfrmBackend engine) {
    return engine;
  }

  /** Between a node's engine and its sequence numbers. */
  default SequenceStore sequences(String node, SequenceStore store) {
    return store;
  }

  /** Hears what a core says to an event, before it is done. */
  interface Ear {
    /**
     * @param actions may be changed
     */
    void said(Instant now, NodeEvent event, List<NodeAction> actions);
  }

  /** A core to which somebody listens. */
  static MobilityNode hearing(MobilityNode core, Ear ear) {
    return new MobilityNode() {
      @Override
      public List<NodeAction> handle(Instant now, NodeEvent event) {
        List<NodeAction> actions = new ArrayList<>(core.handle(now, event));
        ear.said(now, event, actions);
        return actions;
      }

      @Override
      public Optional<Instant> nextDeadline() {
        return core.nextDeadline();
      }
    };
  }

  /** Sequence numbers with other windows for what arrives. */
  static SequenceStore windows(
      SequenceStore store, BiFunction<SecurityAssociation, AntiReplay, AntiReplay> windows) {
    return new SequenceStore() {
      @Override
      public SequenceSource outbound(SecurityAssociation association) {
        return store.outbound(association);
      }

      @Override
      public AntiReplay inbound(SecurityAssociation association) {
        return windows.apply(association, store.inbound(association));
      }
    };
  }
}
