package io.mipd.xfrm.host;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import java.util.Optional;

/** A host with policies and states, on our engine or on a kernel. */
public interface Host extends AutoCloseable {
  /**
   * What became of a packet that arrived.
   *
   * @param delivered to an application here
   * @param left forwarded; none if there is none
   */
  record Outcome(Optional<Datagram> delivered, ImmutableList<byte[]> left) {
    public boolean isRefused() {
      return delivered.isEmpty() && left.isEmpty();
    }
  }

  XfrmReply apply(XfrmCommand command);

  /** An application here sends; what leaves on the wire. */
  ImmutableList<byte[]> sends(Datagram datagram) throws Exception;

  /** A packet arrives from the wire, and something is to come of it: waits for that. */
  Outcome receives(byte[] packet) throws Exception;

  /** A packet arrives from the wire, and nothing is to come of it; does not wait long for that. */
  Outcome refuses(byte[] packet) throws Exception;

  /** Why packets were refused since the start, for people. */
  String refusals() throws Exception;

  @Override
  void close();
}
