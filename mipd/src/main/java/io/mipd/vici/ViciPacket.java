package io.mipd.vici;

/** What client and daemon send each other. */
public sealed interface ViciPacket {
  /** A client asks. */
  record CommandRequest(String command, ViciMessage message) implements ViciPacket {}

  /** The answer; requests of a connection are answered in their order. */
  record CommandResponse(ViciMessage message) implements ViciPacket {}

  /** The daemon does not know the command. */
  record CommandUnknown() implements ViciPacket {}

  /** A client wants to be told of these events. */
  record EventRegister(String event) implements ViciPacket {}

  /** It no longer wants to. */
  record EventUnregister(String event) implements ViciPacket {}

  /** One of the two is done. */
  record EventConfirm() implements ViciPacket {}

  /** The daemon does not know the event. */
  record EventUnknown() implements ViciPacket {}

  /** It has happened. */
  record Event(String event, ViciMessage message) implements ViciPacket {}
}
