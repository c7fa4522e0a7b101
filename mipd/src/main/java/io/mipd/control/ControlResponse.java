package io.mipd.control;

import com.google.common.collect.ImmutableMap;
import io.mipd.control.ControlException.Reason;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;

/** What is answered, by whatever way it goes: documents as {@link Json} takes them. */
public final class ControlResponse {
  /** How long an answer may take. */
  public static final Duration LIMIT = Duration.ofSeconds(5);

  /** The request that is answered from an {@link EventLog}, in any thread. */
  public static final String EVENTS = "events";

  private ControlResponse() {}

  public static Map<String, Object> answer(Map<String, Object> answer) {
    return ImmutableMap.of("version", ControlRequest.VERSION, "answer", answer);
  }

  public static Map<String, Object> error(ControlException refusal) {
    return ImmutableMap.of(
        "version",
        ControlRequest.VERSION,
        "error",
        ImmutableMap.of("reason", refusal.reason().word(), "message", "" + refusal.getMessage()));
  }

  /** The answer to {@link #EVENTS}. */
  public static Map<String, Object> events(List<ControlEvent> some) {
    return ImmutableMap.of(EVENTS, some.stream().map(ControlEvent::document).toList());
  }

  /** Why there is no answer, for whoever asked. */
  public static ControlException refusal(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof ControlException refusal) {
      return refusal;
    }
    return new ControlException(
        Reason.FAILED,
        cause instanceof TimeoutException
            ? "no answer in " + LIMIT.toSeconds() + " seconds"
            : cause.toString());
  }
}
