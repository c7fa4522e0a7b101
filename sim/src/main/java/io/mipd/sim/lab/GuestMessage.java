package io.mipd.sim.lab;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * What the lab and the agent in a guest say to each other, over the guest's terminal.
 *
 * <pre>
 *   program (32) | kind (8) | length (32) | content
 * </pre>
 *
 * @param program a number that the lab gives each program it starts
 */
record GuestMessage(int program, Kind kind, String content) {
  /** Octets before the content. */
  static final int HEADER = 9;

  private static final int LONGEST = 1 << 20;

  /** What it is about. */
  enum Kind {
    /** The agent serves. */
    READY('r'),
    /** Asked: nothing. Answered: nanoseconds since the epoch. */
    CLOCK('c'),
    /** The words of a command, a zero between any two. */
    START('s'),
    INPUT('i'),
    END_OF_INPUT('e'),
    /** End it politely. */
    TERMINATE('t'),
    KILL('k'),
    OUTPUT('1'),
    ERROR('2'),
    /** Its exit status; its last message. */
    EXITED('x'),
    /** The first octets of a message that is too long for one piece. */
    PART('p'),
    /** The agent has read a message of so many octets, header and all. */
    TAKEN('+');

    private final int letter;

    Kind(int letter) {
      this.letter = letter;
    }

    private static Optional<Kind> of(int letter) {
      return Arrays.stream(values()).filter(kind -> kind.letter == letter).findFirst();
    }
  }

  /** Octets are kept as characters 0 to 255: a record has no array. */
  static GuestMessage ofOctets(int program, Kind kind, byte[] octets, int length) {
    return new GuestMessage(
        program, kind, new String(octets, 0, length, StandardCharsets.ISO_8859_1));
  }

  byte[] octets() {
    return content.getBytes(StandardCharsets.ISO_8859_1);
  }

  static GuestMessage read(DataInputStream in) throws IOException {
    int program = in.readInt();
    int letter = in.readUnsignedByte();
    int length = in.readInt();
    Optional<Kind> kind = Kind.of(letter);
    if (kind.isEmpty() || length < 0 || length > LONGEST) {
      throw new IOException("not a message: " + program + " " + letter + " " + length);
    }
    byte[] octets = in.readNBytes(length);
    if (octets.length < length) {
      throw new EOFException();
    }
    return ofOctets(program, kind.get(), octets, length);
  }

  void write(DataOutputStream out) throws IOException {
    byte[] octets = octets();
    out.writeInt(program);
    out.writeByte(kind.letter);
    out.writeInt(octets.length);
    out.write(octets);
    out.flush();
  }
}
