package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/**
 * Certificates of {@code mn.example.org} and {@code ha.example.org}, of an authority of their own,
 * made by the commands of docs/ikev2.md as they stand there.
 *
 * @param folder has {@code ca.pem}, and for each of {@code mn} and {@code ha} a certificate ({@code
 *     .pem}) and a private key ({@code .key})
 */
record DocumentedCertificates(Path folder) {
  private static final String BEGIN = "    openssl req -x509";

  /** Has them made in a folder, which is made as well. */
  static DocumentedCertificates make(Path folder) throws Exception {
    TestNet.needsCommand("openssl");
    String commands =
        Files.readString(Path.of("../docs/ikev2.md"))
            .lines()
            .dropWhile(line -> !line.startsWith(BEGIN))
            .takeWhile(line -> line.startsWith("    "))
            .collect(Collectors.joining("\n"));
    Process shell =
        new ProcessBuilder("sh", "-e", "-c", commands)
            .directory(Files.createDirectories(folder).toFile())
            .redirectErrorStream(true)
            .start();
    String said = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(shell.waitFor()).as("%s\n%s", commands, said).isZero();
    assertThat(folder.resolve("ha.pem")).as(commands).isNotEmptyFile();
    return new DocumentedCertificates(folder);
  }

  /**
   * In the words of a configuration.
   *
   * @param node whose they are
   * @param other whose authority is trusted
   */
  String of(String node, DocumentedCertificates other) {
    return "certificate = \"%s.pem\", private-key = \"%s.key\", authority = \"%s\""
        .formatted(folder.resolve(node), folder.resolve(node), other.folder.resolve("ca.pem"));
  }
}
