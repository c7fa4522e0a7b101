package io.mipd.sim.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * An {@code ip -batch -} that stays open, for changes whose moment counts: starting a process takes
 * longer than the change.
 */
final class OpenBatch {
  private final PrintStream commands;

  OpenBatch(Process process) {
    commands = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    BufferedReader told = process.inputReader(StandardCharsets.UTF_8);
    var reader =
        new Thread(
            () -> {
              try (told) {
                for (String line = told.readLine(); line != null; line = told.readLine()) {
                  System.err.println("ip: " + line);
                }
              } catch (IOException e) {
                System.err.println("ip: " + e);
              }
            },
            "ip -batch");
    reader.setDaemon(true);
    reader.start();
  }

  void run(Iterable<String> lines) {
    commands.println(String.join("\n", lines));
  }
}
