package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.primitives.ImmutableIntArray;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigOriginFactory;
import com.typesafe.config.ConfigValueFactory;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The mobile nodes of a home agent that has very many, read without the library: that keeps
 * kilobytes of each while it reads and would have a restart wait for seconds. What is read here is
 * the part of HOCON that such a list is written in: objects in braces that hold words, whole
 * numbers, texts in quotes and objects; commas, line ends, comments with {@code #}. Wherever the
 * text has anything else there is no such list, and the library reads the whole; either way a
 * configuration says the same, with the same lines in its errors.
 */
final class PlainList {
  /** Where it is. */
  static final String PATH = "home-agent.mobile-nodes";

  /** Shorter texts, in characters, are left to the library. */
  private static final int LEAST = 1 << 16;

  private static final String KEY = "mobile-nodes";

  /** What may reach into the list from elsewhere, or from it. */
  private static final ImmutableList<String> FAR_REACHING =
      ImmutableList.of("${", "\"\"\"", "include", "+=");

  /** The largest whole numbers that are sure to be written as they are read. */
  private static final int DIGITS = 9;

  private final String text;
  private final char[] signs;
  private final Words words;
  private final String rest;
  private final ImmutableIntArray starts;
  private final ImmutableIntArray lines;

  private PlainList(
      String text,
      char[] signs,
      Words words,
      String rest,
      ImmutableIntArray starts,
      ImmutableIntArray lines) {
    this.text = text;
    this.signs = signs;
    this.words = words;
    this.rest = rest;
    this.starts = starts;
    this.lines = lines;
  }

  /**
   * @param text of a configuration file
   */
  static Optional<PlainList> find(String text) {
    int key = text.indexOf(KEY);
    if (text.length() < LEAST || key < 0) {
      return Optional.empty();
    }
    int line = 1 + (int) text.substring(0, key).chars().filter(c -> c == '\n').count();
    try {
      char[] signs = text.toCharArray();
      var reader = new Reader(text, signs, new Words(text, signs), key + KEY.length(), line);
      PlainList list = reader.list();
      // In the list itself none of these can be but in a text or a comment, where they mean
      // nothing.
      String rest = list.rest();
      return rest.indexOf(KEY, key + 1) >= 0 || FAR_REACHING.stream().anyMatch(rest::contains)
          ? Optional.empty()
          : Optional.of(list);
    } catch (NotPlain e) {
      return Optional.empty();
    }
  }

  /** The file's text with this list empty, and each line that says something where it was. */
  String rest() {
    return rest;
  }

  /** As the library would have read them; each is made when it is asked for, and not kept. */
  List<ConfigObject> elements() {
    return new AbstractList<>() {
      @Override
      public ConfigObject get(int index) {
        return element(index);
      }

      @Override
      public int size() {
        return starts.length();
      }
    };
  }

  private ConfigObject element(int index) {
    try {
      return new Reader(text, signs, words, starts.get(index), lines.get(index)).object();
    } catch (NotPlain e) {
      throw new IllegalStateException("read before", e);
    }
  }

  /** Something that is not read here. */
  private static final class NotPlain extends Exception {
    private static final long serialVersionUID = 1;

    NotPlain() {
      super("not plain", null, false, false);
    }
  }

  /**
   * Most elements have the same words, so one that is still known is not made again. Threads may
   * use it at the same time; what one does not see of another it makes.
   */
  private static final class Words {
    private final String text;
    private final char[] signs;
    private final @Nullable String[] known = new String[64];

    Words(String text, char[] signs) {
      this.text = text;
      this.signs = signs;
    }

    String of(int start, int end) {
      int hash = end - start;
      for (int i = start; i < end; i++) {
        hash = 31 * hash + signs[i];
      }
      int place = hash & (known.length - 1);
      String word = known[place];
      if (word == null || !isAt(word, start, end)) {
        word = text.substring(start, end);
        known[place] = word;
      }
      return word;
    }

    private boolean isAt(String word, int start, int end) {
      return word.length() == end - start && text.startsWith(word, start);
    }
  }

  /** An object with more of them is no mobile node. */
  private static final int KEYS = 64;

  /** A place in the text. */
  private static final class Reader {
    private final String text;

    /** The same: to look at each in its array takes half the time. */
    private final char[] signs;

    private final Words words;

    /** Of the objects that have begun and not ended; they are few: it is quicker than a map. */
    private final List<String> keys = new ArrayList<>();

    private int at;
    private int line;

    /** Whether what is read is wanted, or only whether it can be. */
    private boolean making;

    Reader(String text, char[] signs, Words words, int at, int line) {
      this.text = text;
      this.signs = signs;
      this.words = words;
      this.at = at;
      this.line = line;
    }

    /** What follows the key. */
    PlainList list() throws NotPlain {
      skipSpaces();
      require(at() == '=' || at() == ':');
      at++;
      skipSpaces();
      int open = at;
      int firstLine = line;
      require(at() == '[');
      at++;
      var starts = ImmutableIntArray.builder();
      var numbers = ImmutableIntArray.builder();
      skipLines();
      while (at() != ']') {
        starts.add(at);
        numbers.add(line);
        members();
        skipSeparator(']');
      }
      at++;
      int end = at;
      skipSpaces();
      require(isEnd());
      // What spans lines is in neither a comment nor a text in quotes.
      require(line > firstLine);
      // Where nothing of interest follows nobody asks for its lines, which take the library long.
      boolean last =
          text.indexOf('=', end) < 0 && text.indexOf('{', end) < 0 && text.indexOf(':', end) < 0;
      String lines = "\n".repeat(last ? 1 : line - firstLine);
      String rest = text.substring(0, open) + "[" + lines + "]" + text.substring(end);
      return new PlainList(text, signs, words, rest, starts.build(), numbers.build());
    }

    /** As the library would make it. */
    ConfigObject object() throws NotPlain {
      making = true;
      ConfigOrigin origin = origin();
      return ConfigValueFactory.fromMap(members()).withOrigin(origin);
    }

    /** What is in an object; empty where nothing is made. */
    private Map<String, Object> members() throws NotPlain {
      require(at() == '{');
      at++;
      int first = keys.size();
      Map<String, Object> members = making ? new HashMap<>(8) : Map.of();
      skipLines();
      while (at() != '}') {
        String key = word();
        skipSpaces();
        if (at() == '=' || at() == ':') {
          at++;
          skipSpaces();
        } else {
          require(at() == '{');
        }
        require(keys.size() - first < KEYS && isNew(key, first));
        keys.add(key);
        Object value = value();
        if (making) {
          members.put(key, value);
        }
        skipSeparator('}');
      }
      at++;
      while (keys.size() > first) {
        keys.remove(keys.size() - 1);
      }
      return members;
    }

    /** Among the keys from this one on. */
    private boolean isNew(String key, int first) {
      int i = first;
      while (i < keys.size() && !keys.get(i).equals(key)) {
        i++;
      }
      return i == keys.size();
    }

    private Object value() throws NotPlain {
      if (at() == '{') {
        return making ? object() : members();
      }
      Object value;
      if (at() == '"') {
        value = quoted();
      } else if (at() >= '1' && at() <= '9') {
        value = number();
      } else if (at() == '0') {
        value = hexadecimal();
      } else {
        String word = unquoted();
        require(!word.equals("null"));
        value = word.equals("true") || word.equals("false") ? Boolean.valueOf(word) : word;
      }
      return making ? ConfigValueFactory.fromAnyRef(value).withOrigin(origin()) : value;
    }

    private String quoted() throws NotPlain {
      int start = at + 1;
      int end = start;
      while (end < signs.length && signs[end] != '"') {
        require(signs[end] >= ' ' && signs[end] != '\\');
        end++;
      }
      require(end < signs.length);
      at = end + 1;
      return textIfWanted(start, end);
    }

    /** Empty where nothing is made. */
    private String textIfWanted(int start, int end) {
      return making ? text.substring(start, end) : "";
    }

    /** 0 where nothing is made. */
    private Integer number() throws NotPlain {
      int start = at;
      while (at() >= '0' && at() <= '9') {
        at++;
      }
      require(at - start <= DIGITS);
      return making ? Integer.parseInt(text, start, at, 10) : 0;
    }

    /** To the library a text, not a number. */
    private String hexadecimal() throws NotPlain {
      int start = at;
      at++;
      require(at() == 'x');
      at++;
      require(HexFormat.isHexDigit(at()));
      while (HexFormat.isHexDigit(at())) {
        at++;
      }
      return textIfWanted(start, at);
    }

    /** A key. */
    private String word() throws NotPlain {
      int start = at;
      require(isLetter());
      int end = start;
      while (end < signs.length && (isLetter(signs[end]) || signs[end] == '-')) {
        end++;
      }
      at = end;
      String word = words.of(start, end);
      require(!word.equals("include"));
      return word;
    }

    private String unquoted() throws NotPlain {
      int start = at;
      require(isLetter());
      while (isLetter() || (at() >= '0' && at() <= '9') || at() == '-' || at() == '.') {
        at++;
      }
      return words.of(start, at);
    }

    private boolean isLetter() throws NotPlain {
      return isLetter(at());
    }

    private static boolean isLetter(char sign) {
      return sign >= 'a' && sign <= 'z';
    }

    /** To the next element or the end: a comma, a new line, or both. */
    private void skipSeparator(char end) throws NotPlain {
      skipSpaces();
      int before = line;
      skipLines();
      if (at() == ',') {
        at++;
        skipLines();
      } else {
        require(line > before || at() == end);
      }
    }

    private void skipLines() throws NotPlain {
      skipSpaces();
      while (at() == '\n' || at() == '#') {
        if (at() == '#') {
          at = text.indexOf('\n', at);
          require(at >= 0);
        }
        line++;
        at++;
        skipSpaces();
      }
    }

    private void skipSpaces() {
      while (at < signs.length && (signs[at] == ' ' || signs[at] == '\t')) {
        at++;
      }
    }

    private boolean isEnd() {
      return at == text.length() || ",}\n#".indexOf(text.charAt(at)) >= 0;
    }

    private char at() throws NotPlain {
      require(at < signs.length);
      return signs[at];
    }

    private ConfigOrigin origin() {
      return ConfigOriginFactory.newSimple().withLineNumber(line);
    }

    private static void require(boolean plain) throws NotPlain {
      if (!plain) {
        throw new NotPlain();
      }
    }
  }
}
