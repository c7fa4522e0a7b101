package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlSocketTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void aRequestGetsOneJsonDocumentAndTheSocketGoesWithItsOwner() throws Exception {
    Path path = folder.resolve("control.sock");
    try (var socket =
        ControlSocket.open(
            path,
            request ->
                CompletableFuture.completedFuture(
                    Map.of("request", request, "list", List.of(1, Map.of("a", "\"")))))) {
      assertThat(Files.getPosixFilePermissions(path))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
      var answer = ConfigFactory.parseString(ControlSocket.ask(path, "status"));
      assertThat(answer.getString("request")).isEqualTo("status");
      assertThat(answer.getList("list").unwrapped().toString()).contains("a=");
      assertThatThrownBy(
              () -> ControlSocket.open(path, request -> new CompletableFuture<>()).close())
          .isInstanceOf(IOException.class)
          .hasMessageContaining("another mipd serves");
      assertThat(socket).isNotNull();
    }
    assertThat(path).doesNotExist();
  }

  @Test
  void aFailureInTheLoopIsAnAnswer() throws Exception {
    Path path = folder.resolve("control.sock");
    try (var socket =
        ControlSocket.open(
            path,
            request ->
                CompletableFuture.failedFuture(new IllegalStateException("no " + request)))) {
      assertThat(ControlSocket.ask(path, "nonsense")).contains("no nonsense");
      assertThat(socket).isNotNull();
    }
  }
}
