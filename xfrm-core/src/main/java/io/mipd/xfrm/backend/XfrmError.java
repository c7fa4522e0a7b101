package io.mipd.xfrm.backend;

/** Why a command failed, in terms that a caller can act on. */
public enum XfrmError {
  EXISTS,
  NOT_FOUND,
  /** The command contradicts itself or asks for what the backend does not know. */
  INVALID,
  /** Too many templates, or a table at its limit. */
  LIMIT,
  NO_MEMORY,
  NOT_PERMITTED,
  OTHER
}
