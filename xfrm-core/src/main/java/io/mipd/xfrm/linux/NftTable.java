package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * An nftables table of this process, and how it goes away.
 *
 * <p>The kernel ties a table with the flag {@code owner} to the netlink socket that made it. That
 * socket is held by a child {@code nft -i}, which ends when this process does, because the pipe it
 * reads from closes.
 */
public final class NftTable implements AutoCloseable {
  private static final String NFT = "nft";
  // nft -i says nothing when a command succeeds: this one, which always answers, shows that what
  // came before it is done.
  private static final String MARKER_COMMAND = "describe ip6 hoplimit";
  private static final String MARKER_ANSWER = "payload expression, datatype integer";
  private static final int ANSWER_LINES = 200;
  private static final int EXIT_SECONDS = 5;

  private final String family;
  private final String name;
  private final Process process;
  private final Writer commands;
  private final BufferedReader answers;

  private NftTable(String family, String name, Process process) {
    this.family = family;
    this.name = name;
    this.process = process;
    commands = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
    answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /**
   * Loads a table that the kernel removes when this process ends, however it ends (flag {@code
   * owner}).
   *
   * @param family {@code ip6} or {@code inet}
   * @param name of the table; one of this name must not exist
   * @param body what stands between the table's braces: chains, sets and their rules, in the
   *     language of {@code nft(8)}
   */
  public static NftTable owned(String family, String name, String body) throws SystemCallException {
    checkName(family);
    checkName(name);
    Process process;
    try {
      process = new ProcessBuilder(NFT, "-i").redirectErrorStream(true).start();
    } catch (IOException e) {
      throw failure("nft -i", family + " " + name, e.toString());
    }
    var table = new NftTable(family, name, process);
    try {
      // "create" refuses a table that exists, which "add" would silently share.
      table.execute(
          "create table " + family + " " + name + " { flags owner\n}\n" + table.filled(body));
      return table;
    } catch (SystemCallException e) {
      table.close();
      throw e;
    }
  }

  /** Loads a table that stays until {@link #remove} is called; replaces one of this name. */
  public static void persistent(String family, String name, String body)
      throws SystemCallException {
    checkName(family);
    checkName(name);
    String table = "table " + family + " " + name;
    // Adding it first lets the deletion succeed whether it existed or not; all in one transaction.
    run(family + " " + name, table + "\ndelete " + table + "\n" + table + " {\n" + body + "\n}\n");
  }

  /**
   * Removes a persistent table.
   *
   * @return false if there was none
   */
  public static boolean remove(String family, String name) throws SystemCallException {
    checkName(family);
    checkName(name);
    try {
      run(family + " " + name, "delete table " + family + " " + name + "\n");
      return true;
    } catch (SystemCallException e) {
      if (e.is("ENOENT")) {
        return false;
      }
      throw e;
    }
  }

  /**
   * Executes further commands on the table, such as {@code add element ip6 mipd coa { 2001:db8::1
   * }}, as one transaction.
   */
  public void execute(String commandText) throws SystemCallException {
    // Interactively a line is a transaction; a file may have many lines.
    String answer;
    try {
      var file = Files.createTempFile("mipd-nft-", ".nft");
      try {
        Files.writeString(file, commandText + "\n");
        commands.write("include \"" + file + "\"\n" + MARKER_COMMAND + "\n");
        commands.flush();
        answer = readAnswer();
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw failure("nft -i", object(), e.toString());
    }
    if (!answer.isEmpty()) {
      throw failure("nft -i", object(), answer);
    }
  }

  private String readAnswer() throws IOException {
    List<String> lines = new ArrayList<>();
    while (true) {
      String line = answers.readLine();
      if (line == null) {
        lines.add("nft has ended");
        break;
      }
      if (line.startsWith(MARKER_ANSWER)) {
        break;
      }
      if (lines.size() < ANSWER_LINES) {
        lines.add(line);
      }
    }
    return String.join("\n", lines).strip();
  }

  /** Puts another body in the place of the table's, in one transaction. */
  public void replace(String body) throws SystemCallException {
    // Deleting the table would end the ownership with it: empty it chain by chain instead is not
    // needed, a new table of the same owner takes its place in the same transaction.
    execute(
        "delete table "
            + object()
            + "\nadd table "
            + object()
            + " { flags owner\n}\n"
            + filled(body));
  }

  private String filled(String body) {
    return "table " + object() + " {\nflags owner\n" + body + "\n}\n";
  }

  private String object() {
    return family + " " + name;
  }

  /** Removes the table. */
  @Override
  public void close() {
    try {
      commands.close();
    } catch (IOException e) {
      // The child is dead already, and its table with it.
      process.destroy();
    }
    boolean interrupted = false;
    try {
      if (!process.waitFor(EXIT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor(EXIT_SECONDS, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      interrupted = true;
      process.destroyForcibly();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void run(String object, String ruleset) throws SystemCallException {
    String answer;
    int status;
    try {
      var child = new ProcessBuilder(NFT, "-f", "-").redirectErrorStream(true).start();
      try (var input = child.getOutputStream()) {
        input.write(ruleset.getBytes(StandardCharsets.UTF_8));
      }
      answer = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      status = child.waitFor();
    } catch (IOException e) {
      throw failure("nft -f", object, e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure("nft -f", object, "interrupted");
    }
    if (status != 0) {
      throw failure("nft -f", object, answer);
    }
  }

  private static SystemCallException failure(String call, String object, String text) {
    String errno;
    if (text.contains("No such file or directory")) {
      errno = "ENOENT";
    } else if (text.contains("File exists")) {
      errno = "EEXIST";
    } else if (text.contains("Operation not permitted")) {
      errno = "EPERM";
    } else if (text.contains("not supported")) {
      errno = "EOPNOTSUPP";
    } else {
      errno = "EINVAL";
    }
    return new SystemCallException(call, object, errno, text);
  }

  private static void checkName(String text) {
    checkArgument(text.matches("[A-Za-z_][A-Za-z0-9_]*"), "not a name for nftables: %s", text);
  }
}
