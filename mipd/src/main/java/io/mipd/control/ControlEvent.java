package io.mipd.control;

import com.google.common.collect.ImmutableMap;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Something that has happened, for whoever watches.
 *
 * @param number from 1, without gaps
 * @param at by the daemon's clock
 * @param words for people
 * @param facts for programs; values as {@link Json} takes them
 */
public record ControlEvent(
    long number, Instant at, Kind kind, String words, ImmutableMap<String, Object> facts) {

  /** What it is about. */
  public enum Kind {
    /** A home registration or a binding has come, moved or gone. */
    REGISTRATION,
    /** The care-of address has changed while a binding was there. */
    HANDOVER,
    /** Packets of a peer go directly, or do so no more. */
    ROUTE,
    /** A link has come up or gone down. */
    LINK,
    /** Something about how policies go together. */
    FINDING,
    /** Home agents were found, or one will not do. */
    HOME_AGENT,
    /** The operator has asked for something. */
    CONTROL,
    /** A Mobility Header message has come or gone; in a log of their own. */
    MESSAGE,
    /** Anything else that people want to know of. */
    NOTE;

    /** As the protocol spells it. */
    public String word() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** For JSON. */
  public Map<String, Object> document() {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("number", number);
    document.put("time", at.toString());
    document.put("kind", kind.word());
    document.put("words", words);
    document.put("facts", facts);
    return document;
  }
}
