package io.mipd.xfrm.backend;

/** What became of a command. */
public sealed interface XfrmReply {
  XfrmReply DONE = new Done();

  record Done() implements XfrmReply {}

  /**
   * @param text what the backend said, for people
   */
  record Failed(XfrmError error, String text) implements XfrmReply {}
}
