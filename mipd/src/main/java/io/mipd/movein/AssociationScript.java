package io.mipd.movein;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Spi;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads the associations that a shell script adds by {@code ip xfrm state add} (ip-xfrm(8)); a line
 * may go on after a backslash. Other commands are skipped, with a warning unless they delete or
 * flush. No message repeats a key.
 */
final class AssociationScript {
  private static final ImmutableMap<String, EncryptionAlgorithm> ENCRYPTIONS =
      ImmutableMap.of(
          "cbc(aes)", EncryptionAlgorithm.AES_CBC,
          "aes", EncryptionAlgorithm.AES_CBC,
          "ecb(cipher_null)", EncryptionAlgorithm.NULL,
          "cipher_null", EncryptionAlgorithm.NULL);
  private static final ImmutableMap<String, IntegrityAlgorithm> INTEGRITIES =
      ImmutableMap.of(
          "hmac(sha1)", IntegrityAlgorithm.HMAC_SHA1_96,
          "sha1", IntegrityAlgorithm.HMAC_SHA1_96,
          "hmac(sha256)", IntegrityAlgorithm.HMAC_SHA2_256_128,
          "sha256", IntegrityAlgorithm.HMAC_SHA2_256_128);

  /** Parameters of ip-xfrm(8) that say nothing of keys, and how many words follow each. */
  private static final ImmutableMap<String, Integer> NO_EQUIVALENT =
      ImmutableMap.<String, Integer>builder()
          .put("replay-seq-hi", 1)
          .put("replay-oseq-hi", 1)
          .put("mark", 1)
          .put("mask", 1)
          .put("output-mark", 1)
          .put("if_id", 1)
          .put("tfcpad", 1)
          .put("extra-flag", 1)
          .put("limit", 2)
          .put("coa", 1)
          .put("ctx", 1)
          .buildOrThrow();

  /** No word of a shell: between two commands of a line. */
  private static final String END = ";";

  private final Place place;
  private final ImmutableList<String> words;
  private final Warnings warnings;
  private int at;
  private String lastName = "add";

  private Optional<Ipv6Address> source = Optional.empty();
  private Optional<Ipv6Address> destination = Optional.empty();
  private Optional<Spi> spi = Optional.empty();
  private int reqId;
  private boolean tunnel;
  private boolean encrypts;
  private String upper = "";
  private EncryptionAlgorithm encryption = EncryptionAlgorithm.NULL;
  private KeyMaterial encryptionKey = KeyMaterial.EMPTY;
  private Optional<IntegrityAlgorithm> integrity = Optional.empty();
  private KeyMaterial integrityKey = KeyMaterial.EMPTY;

  private AssociationScript(Place place, ImmutableList<String> words, Warnings warnings) {
    this.place = place;
    this.words = words;
    this.warnings = warnings;
  }

  static ImmutableList<ScriptedAssociation> read(Path file, Warnings warnings)
      throws ImportException {
    var associations = ImmutableList.<ScriptedAssociation>builder();
    var words = new ArrayList<String>();
    int number = 0;
    int first = 1;
    for (String line : Splitter.on('\n').split(Mip6dReader.read(file))) {
      number++;
      if (words.isEmpty()) {
        first = number;
      }
      boolean goesOn = line.stripTrailing().endsWith("\\");
      words.addAll(words(goesOn ? line.substring(0, line.lastIndexOf('\\')) : line));
      if (!goesOn) {
        add(new Place(file, first), words, warnings, associations);
        words.clear();
      }
    }
    add(new Place(file, first), words, warnings, associations);
    return associations.build();
  }

  private static void add(
      Place place,
      List<String> line,
      Warnings warnings,
      ImmutableList.Builder<ScriptedAssociation> associations)
      throws ImportException {
    int from = 0;
    for (int i = 0; i <= line.size(); i++) {
      if (i == line.size() || line.get(i).equals(END)) {
        addOne(place, line.subList(from, i), warnings, associations);
        from = i + 1;
      }
    }
  }

  private static void addOne(
      Place place,
      List<String> words,
      Warnings warnings,
      ImmutableList.Builder<ScriptedAssociation> associations)
      throws ImportException {
    int command = command(words);
    if (command < 0) {
      if (words.contains("xfrm") && words.contains("policy") && words.contains("add")) {
        warnings.add(
            place, "ip xfrm policy", "skipped; mobility's policies are made from mip6d.conf");
      } else if (words.contains("add") && words.contains("esp")) {
        throw new ImportException(
            place, "this is for setkey(8); allowed: lines of `ip xfrm state add ...`");
      }
      return;
    }
    var line =
        new AssociationScript(
            place, ImmutableList.copyOf(words.subList(command, words.size())), warnings);
    associations.add(line.association());
  }

  /** Where the parameters of {@code ip xfrm state add} begin; -1 if this is something else. */
  private static int command(List<String> words) {
    int xfrm = words.indexOf("xfrm");
    return xfrm > 0
            && words.size() > xfrm + 2
            && words.get(xfrm + 1).equals("state")
            && words.get(xfrm + 2).equals("add")
        ? xfrm + 3
        : -1;
  }

  /**
   * Words of a shell's line: quotes of both kinds hold one together, {@code #} begins a comment.
   */
  private static ImmutableList<String> words(String line) {
    var words = ImmutableList.<String>builder();
    var word = new StringBuilder();
    boolean inWord = false;
    char quote = 0;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else {
          word.append(c);
        }
      } else if (c == '"' || c == '\'') {
        quote = c;
        inWord = true;
      } else if (c == '#' && !inWord) {
        break;
      } else if (Character.isWhitespace(c) || c == ';') {
        if (inWord) {
          words.add(word.toString());
        }
        if (c == ';') {
          words.add(END);
        }
        word.setLength(0);
        inWord = false;
      } else {
        word.append(c == '\\' && i + 1 < line.length() ? line.charAt(++i) : c);
        inWord = true;
      }
    }
    if (inWord) {
      words.add(word.toString());
    }
    return words.build();
  }

  private ScriptedAssociation association() throws ImportException {
    while (at < words.size()) {
      String name = next("");
      parameter(name);
      lastName = name;
    }
    if (source.isEmpty() || destination.isEmpty() || spi.isEmpty()) {
      throw new ImportException(place, "src, dst and spi belong to each association");
    }
    if (integrity.isEmpty()) {
      throw new ImportException(
          place, "no auth; allowed: hmac(sha1) or hmac(sha256), since mipd keys both");
    }
    if (!encrypts) {
      throw new ImportException(
          place, "no enc; allowed: cbc(aes) with its key, ecb(cipher_null) ''");
    }
    if (!encryption.acceptsKeyLength(encryptionKey.length())) {
      throw new ImportException(
          place,
          "enc: a key of "
              + encryptionKey.length()
              + " octets; allowed: "
              + (encryption == EncryptionAlgorithm.NULL ? "'' (none)" : "16, 24 or 32 octets"));
    }
    if (integrityKey.length() != integrity.get().keyLength()) {
      throw new ImportException(
          place,
          "auth: a key of "
              + integrityKey.length()
              + " octets; allowed: "
              + integrity.get().keyLength()
              + " octets");
    }
    return new ScriptedAssociation(
        place,
        source.get(),
        destination.get(),
        spi.get(),
        reqId,
        tunnel,
        upper,
        encryption,
        encryptionKey,
        integrity.get(),
        integrityKey);
  }

  private void parameter(String name) throws ImportException {
    switch (name) {
      case "src" -> source = Optional.of(address(name));
      case "dst" -> destination = Optional.of(address(name));
      case "proto" -> {
        String protocol = next(name);
        if (!protocol.equals("esp") && !protocol.equals("50")) {
          throw new ImportException(
              place,
              "proto " + protocol + "; allowed: esp, the one that mipd protects mobility by");
        }
      }
      case "spi" -> spi = Optional.of(spi(next(name)));
      case "reqid" -> reqId = Math.toIntExact(number(name, 0, Integer.MAX_VALUE));
      case "mode" -> {
        String mode = next(name);
        if (!mode.equals("transport") && !mode.equals("tunnel")) {
          throw new ImportException(place, "mode " + mode + "; allowed: transport, tunnel");
        }
        tunnel = mode.equals("tunnel");
      }
      case "enc" -> {
        encrypts = true;
        encryption = known(name, ENCRYPTIONS);
        encryptionKey = key(name);
      }
      case "auth" -> {
        integrity = Optional.of(known(name, INTEGRITIES));
        integrityKey = key(name);
        if (integrity.get() == IntegrityAlgorithm.HMAC_SHA2_256_128) {
          warnings.add(
              place,
              "auth hmac(sha256)",
              "Linux takes 96 bits of it by this, mipd 128 as RFC 4868 says: the other end needs"
                  + " `auth-trunc 'hmac(sha256)' KEY 128`");
        }
      }
      case "auth-trunc" -> {
        integrity = Optional.of(known(name, INTEGRITIES));
        integrityKey = key(name);
        long bits = number(name, 1, 512);
        if (bits != integrity.get().icvLength() * 8L) {
          throw new ImportException(
              place, name + " " + bits + "; allowed: " + integrity.get().icvLength() * 8);
        }
      }
      case "sel" -> selector();
      case "replay-window", "replay-seq", "replay-oseq" -> next(name);
      case "flag" -> {
        if (next(name).equals("esn")) {
          warnings.add(place, "flag esn", "set extended-sequence-numbers = on at both ends");
        }
      }
      default -> {
        Integer values = NO_EQUIVALENT.get(name);
        if (values == null) {
          // Not repeated: it may be a key.
          throw new ImportException(
              place,
              "the word after \""
                  + lastName
                  + "\" is no parameter that is known here; allowed: src, dst, proto, spi, reqid, mode,"
                  + " enc, auth, auth-trunc, sel, replay-window, flag, and what is skipped: "
                  + String.join(", ", NO_EQUIVALENT.keySet()));
        }
        warnings.add(place, name, "has no equivalent; skipped");
        for (int i = 0; i < values; i++) {
          next(name);
        }
      }
    }
  }

  /** Of a selector only the protocol helps to tell associations apart. */
  private void selector() throws ImportException {
    while (at < words.size()) {
      String name = words.get(at);
      switch (name) {
        case "src", "dst", "sport", "dport", "type", "code", "dev" -> {
          at++;
          next(name);
        }
        case "proto", "upspec" -> {
          at++;
          upper = next(name);
        }
        default -> {
          return;
        }
      }
    }
  }

  private String next(String of) throws ImportException {
    if (at == words.size()) {
      throw new ImportException(place, of + ": its value is missing");
    }
    return words.get(at++);
  }

  private Ipv6Address address(String of) throws ImportException {
    String word = next(of);
    return Arguments.address(word)
        .orElseThrow(
            () -> new ImportException(place, of + " " + word + "; allowed: an IPv6 address"));
  }

  private long number(String of, long least, long most) throws ImportException {
    String word = next(of);
    try {
      long number = Long.decode(word);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new ImportException(
        place, of + " " + word + "; allowed: a number from " + least + " to " + most);
  }

  private Spi spi(String word) throws ImportException {
    try {
      return Spi.ofAssociation(Long.decode(word));
    } catch (IllegalArgumentException e) {
      throw new ImportException(place + ": spi " + word + "; allowed: 0x100 to 0xffffffff", e);
    }
  }

  private <T> T known(String of, ImmutableMap<String, T> names) throws ImportException {
    String word = next(of);
    T algorithm = names.get(word);
    if (algorithm == null) {
      throw new ImportException(
          place,
          of
              + " "
              + word
              + ": mipd does not take it with keys of a file; allowed: "
              + String.join(", ", names.keySet())
              + ". Change it at both ends, or give no script: new keys are made then");
    }
    return algorithm;
  }

  /** In hexadecimal after {@code 0x}, otherwise the octets of the text itself (ip-xfrm(8)). */
  private KeyMaterial key(String of) throws ImportException {
    String word = next(of + "'s key");
    if (!word.startsWith("0x")) {
      return KeyMaterial.copyOf(word.getBytes(StandardCharsets.UTF_8));
    }
    try {
      return KeyMaterial.parseHex(word);
    } catch (IllegalArgumentException e) {
      throw new ImportException(place + ": " + of + ": " + e.getMessage(), e);
    }
  }
}
