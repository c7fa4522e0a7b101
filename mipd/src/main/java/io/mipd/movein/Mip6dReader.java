package io.mipd.movein;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the statements of a {@code mip6d.conf(5)}, those of included files in their places. What
 * they mean is {@link Mip6dImport}'s.
 */
final class Mip6dReader {
  /** The old daemon's own limit. */
  private static final int DEEPEST = 5;

  private static final String MARKS = "{}();,/=";

  private final Path file;
  private final String text;
  private final int depth;
  private final Warnings warnings;
  private int at;
  private int line = 1;

  private Mip6dReader(Path file, int depth, Warnings warnings) throws ImportException {
    this.file = file;
    this.depth = depth;
    this.warnings = warnings;
    this.text = read(file);
  }

  /** The text of a file. */
  static String read(Path file) throws ImportException {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new ImportException(
          file + ": cannot be read (" + e + "); allowed: a readable text in UTF-8", e);
    }
  }

  static ImmutableList<Statement> statements(Path file, Warnings warnings) throws ImportException {
    return new Mip6dReader(file, 0, warnings).statements(false);
  }

  private ImmutableList<Statement> statements(boolean inBlock) throws ImportException {
    var statements = ImmutableList.<Statement>builder();
    while (true) {
      Token token = next();
      if (token == null) {
        if (inBlock) {
          throw new ImportException(here(), "the file ends within braces");
        }
        return statements.build();
      }
      if (token.is("}") && inBlock) {
        return statements.build();
      }
      if (token.is(";")) {
        // The old daemon refuses it; nothing is lost by it.
        continue;
      }
      if (token.kind() != Token.Kind.WORD) {
        throw new ImportException(token.place(), "\"" + token.text() + "\" where a name belongs");
      }
      if (token.text().equals("include")) {
        statements.addAll(included());
      } else {
        statements.add(statement(token));
      }
    }
  }

  private Statement statement(Token name) throws ImportException {
    var arguments = ImmutableList.<Token>builder();
    while (true) {
      Token token = next();
      if (token == null) {
        throw new ImportException(name.place(), name.text() + ": the file ends before its ;");
      }
      if (token.is(";")) {
        return new Statement(name.text(), name.place(), arguments.build(), ImmutableList.of());
      }
      if (token.is("{")) {
        return new Statement(name.text(), name.place(), arguments.build(), statements(true));
      }
      if (token.is("}")) {
        throw new ImportException(token.place(), name.text() + ": } where a ; belongs");
      }
      arguments.add(token);
    }
  }

  private ImmutableList<Statement> included() throws ImportException {
    Token pattern = next();
    if (pattern == null || pattern.kind() != Token.Kind.STRING) {
      throw new ImportException(here(), "include: a pattern in quotes belongs here");
    }
    if (depth + 1 > DEEPEST) {
      throw new ImportException(
          pattern.place(), "include: more than " + DEEPEST + " files in one another");
    }
    var statements = ImmutableList.<Statement>builder();
    List<Path> files = matching(pattern);
    if (files.isEmpty()) {
      warnings.add(pattern.place(), "include", "no file matches " + pattern.text());
    }
    for (Path one : files) {
      statements.addAll(new Mip6dReader(one, depth + 1, warnings).statements(false));
    }
    return statements.build();
  }

  /** In the order of their names, as the shell gives them. */
  private List<Path> matching(Token pattern) throws ImportException {
    Path wanted = file.resolveSibling(pattern.text());
    Path folder = wanted.getParent();
    var found = new ArrayList<Path>();
    if (folder == null || !Files.isDirectory(folder)) {
      return found;
    }
    try (DirectoryStream<Path> matches =
        Files.newDirectoryStream(folder, "" + wanted.getFileName())) {
      matches.forEach(found::add);
    } catch (IOException e) {
      throw new ImportException(pattern.place() + ": include: " + folder + ": " + e, e);
    }
    Collections.sort(found);
    return found;
  }

  private Place here() {
    return new Place(file, line);
  }

  /** Null at the end. */
  private @Nullable Token next() throws ImportException {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '\n') {
        line++;
        at++;
      } else if (Character.isWhitespace(c)) {
        at++;
      } else if (c == '#') {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
      } else if (c == '"') {
        return string();
      } else if (MARKS.indexOf(c) >= 0) {
        at++;
        return new Token(Token.Kind.MARK, String.valueOf(c), here());
      } else {
        return word();
      }
    }
    return null;
  }

  private Token string() throws ImportException {
    int end = text.indexOf('"', at + 1);
    int lineEnd = text.indexOf('\n', at);
    if (end < 0 || (lineEnd >= 0 && lineEnd < end)) {
      throw new ImportException(here(), "the closing quote is missing");
    }
    var token = new Token(Token.Kind.STRING, text.substring(at + 1, end), here());
    at = end + 1;
    return token;
  }

  private Token word() {
    int from = at;
    while (at < text.length() && isOfWord(text.charAt(at))) {
      at++;
    }
    return new Token(Token.Kind.WORD, text.substring(from, at), here());
  }

  private static boolean isOfWord(char c) {
    return !Character.isWhitespace(c) && c != '#' && c != '"' && MARKS.indexOf(c) < 0;
  }
}
