package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** A command, and the machine that it is for. */
record Program(Machine machine, ImmutableList<String> command) {
  /** How it ended, and what it wrote. */
  record Ended(int status, String output) {}

  static Program local(List<String> command) {
    return new Program(Machine.LOCAL, ImmutableList.copyOf(command));
  }

  static Program local(String... command) {
    return local(ImmutableList.copyOf(command));
  }

  /** The words that run a class of ours in a JVM like this one. */
  static ImmutableList<String> java(Class<?> program, String... arguments) {
    return ImmutableList.<String>builder()
        .add(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-Xms64m",
            "-Xmx256m",
            "-cp",
            System.getProperty("java.class.path"),
            program.getName())
        .add(arguments)
        .build();
  }

  Process start(Redirect in, Redirect out, Redirect err) throws IOException {
    return machine.start(
        new ProcessBuilder(command).redirectInput(in).redirectOutput(out).redirectError(err));
  }

  /** Runs it to its end. */
  Ended run() throws IOException {
    return run(ImmutableList.of());
  }

  /** Runs it to its end, with lines for its standard input. */
  Ended run(Iterable<String> lines) throws IOException {
    Process process = machine.start(new ProcessBuilder(command).redirectErrorStream(true));
    try (var in = new PrintStream(process.getOutputStream(), false, StandardCharsets.UTF_8)) {
      lines.forEach(in::println);
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(Children.await(process), output);
  }

  /** Runs it; it must not fail. */
  String must() throws IOException {
    return must(ImmutableList.of());
  }

  String must(ImmutableList<String> lines) throws IOException {
    Ended ended = run(lines);
    if (ended.status() != 0) {
      throw new IOException(
          String.join(" ", command)
              + ": "
              + ended.output().strip()
              + (lines.isEmpty() ? "" : "\nof:\n" + String.join("\n", lines)));
    }
    return ended.output();
  }

  static Redirect nothing() {
    return Redirect.from(new File("/dev/null"));
  }
}
