package io.mipd.sim.mobile;

import io.mipd.mobility.MobilityNode;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.transform.SequenceStore;

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

  /** Between a node's engine and its sequence numbers. */
  default SequenceStore sequences(String node, SequenceStore store) {
    return store;
  }
}
