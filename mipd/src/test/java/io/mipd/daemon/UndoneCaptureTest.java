package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.control.ControlRequest;
import io.mipd.control.EventLog;
import io.mipd.xfrm.linux.Poller;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Captures that the event loop does not begin or end: it cannot, comes too late, or has ended. */
class UndoneCaptureTest {
  private static final Executor SOCKET_THREAD = Runnable::run;

  private static final Executor ENDED =
      task -> {
        throw new RejectedExecutionException("the socket is closed");
      };

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private Poller poller;

  @SuppressWarnings("NullAway.Init")
  private EventLoop loop;

  @SuppressWarnings("NullAway.Init")
  private ControlDesk desk;

  private final List<Optional<?>> taps = new ArrayList<>();
  private boolean tappable = true;

  /** All of a world that captures need. */
  private World world() {
    return (World)
        Proxy.newProxyInstance(
            World.class.getClassLoader(),
            new Class<?>[] {World.class},
            (self, method, arguments) -> {
              if (!tappable) {
                throw new IOException("no packets");
              }
              taps.add((Optional<?>) arguments[0]);
              return null;
            });
  }

  @BeforeEach
  @SuppressWarnings("NullAway") // The rest is not asked.
  void open() throws Exception {
    poller = Poller.open();
    loop = new EventLoop(poller);
    var captures = new Capture.Switch(world(), ImmutableList.of(), loop::now);
    desk =
        new ControlDesk(
            null, null, null, loop, loop.now(), world(), null, new EventLog(8), captures);
  }

  @AfterEach
  void close() throws Exception {
    poller.close();
  }

  private CompletableFuture<Map<String, Object>> ask(
      String key, Object value, Executor socketThread) {
    return desk.answer(ControlRequest.of("capture").with(key, value), socketThread);
  }

  private CompletableFuture<Map<String, Object>> begins(Executor socketThread) {
    var answer = ask("file", folder.resolve("a.pcapng"), socketThread);
    assertThat(folder).isNotEmptyDirectory();
    return answer;
  }

  /** The loop does what it has been asked for. */
  private void turn() throws Exception {
    loop.run(
        new EventLoop.Work() {
          @Override
          public void turn(Instant now) {
            loop.pause();
          }

          @Override
          public Optional<Instant> nextDeadline() {
            return Optional.empty();
          }
        });
  }

  private void runs() throws Exception {
    var answer = begins(SOCKET_THREAD);
    turn();
    assertThat(answer).isCompleted();
  }

  private static boolean isWriting() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().equals("capture"));
  }

  @Test
  void oneThatCannotBeginLeavesNothing() throws Exception {
    tappable = false;
    var answer = begins(SOCKET_THREAD);
    turn();
    assertThat(answer).isCompletedExceptionally();
    assertThat(folder).isEmptyDirectory();
    assertThat(isWriting()).isFalse();
  }

  @Test
  void oneThatWasGivenUpDoesNotBeginLater() throws Exception {
    assertThat(begins(SOCKET_THREAD).completeExceptionally(new TimeoutException())).isTrue();
    assertThat(folder).isEmptyDirectory();
    turn();
    assertThat(taps).containsExactly(Optional.empty());
    runs();
    assertThat(taps).hasSize(2).last().isNotEqualTo(Optional.empty());
    var ended = ask("off", true, SOCKET_THREAD);
    turn();
    assertThat(ended).isCompleted();
    assertThat(folder).as("what has begun stays").isNotEmptyDirectory();
  }

  @Test
  void oneThatAnEndedLoopHasNotBegunLeavesNothing() {
    var answer = begins(ENDED);
    loop.abandon(new IOException("mipd stops"));
    assertThat(answer).isCompletedExceptionally();
    assertThat(folder).isEmptyDirectory();
    assertThat(isWriting()).isFalse();
  }

  @Test
  void oneIsClosedThatAnEndedLoopHasNotEnded() throws Exception {
    runs();
    assertThat(isWriting()).isTrue();
    var answer = ask("off", true, ENDED);
    loop.abandon(new IOException("mipd stops"));
    assertThat(answer).isCompletedExceptionally();
    assertThat(isWriting()).isFalse();
    assertThat(folder).as("it had begun").isNotEmptyDirectory();
  }
}
