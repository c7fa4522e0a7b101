package io.mipd.control;

import static io.mipd.control.ControlResponse.EVENTS;
import static io.mipd.control.ControlResponse.answer;
import static io.mipd.control.ControlResponse.error;
import static io.mipd.control.ControlResponse.events;
import static io.mipd.control.ControlResponse.refusal;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.control.ControlException.Reason;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.timeout.IdleStateEvent;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One client: a request at a time, the next after the answer to the one before is written. In the
 * socket's thread.
 */
// What fails here ends the connection, of which channelInactive is told.
@SuppressWarnings("FutureReturnValueIgnored")
final class ControlConnection extends SimpleChannelInboundHandler<ByteBuf> {
  /** Those who may only read get no more than so many answers in a second, each. */
  private static final int READS_PER_SECOND = 20;

  private static final Duration PACE = Duration.ofSeconds(1).dividedBy(READS_PER_SECOND);
  private static final int EVENTS_AT_ONCE = 64;

  private final ControlSocket.Peers peers;
  private final ControlSocket.Answers answers;
  private final EventLog log;
  private boolean mayChange;
  private boolean entered;
  private final RequestQueue<String> requests = new RequestQueue<>(this::take);

  /** Tells this connection of each new event; present while it follows. */
  private @Nullable Runnable listener;

  /** That it has been told and has not looked yet. */
  private final AtomicBoolean woken = new AtomicBoolean();

  /** Number of the last event that was written. */
  private long told;

  ControlConnection(ControlSocket.Peers peers, ControlSocket.Answers answers, EventLog log) {
    this.peers = peers;
    this.answers = answers;
    this.log = log;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    mayChange = peers.mayChange(context.channel());
    entered = peers.enter(mayChange);
    if (!entered) {
      hangUp(context, new ControlException(Reason.BUSY, "too many connections"));
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (entered) {
      entered = false;
      peers.leave(mayChange);
    }
    requests.clear();
    if (listener != null) {
      log.forget(listener);
      listener = null;
    }
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, ByteBuf line) {
    if (!entered) {
      return;
    }
    requests.add(context, line.toString(StandardCharsets.UTF_8));
  }

  private void take(ChannelHandlerContext context, String line) {
    if (listener != null) {
      hangUp(context, new ControlException(Reason.BUSY, "nothing else beside follow"));
      return;
    }
    try {
      ControlRequest request = ControlRequest.parse(line);
      if (request.name().equals(EVENTS)) {
        tellEvents(context, request);
        return;
      }
      if (answers.changes(request) && !mayChange) {
        throw new ControlException(
            Reason.NOT_PERMITTED, request.name() + " is for root and the daemon's own user");
      }
      answers
          .answer(request, context.executor())
          .orTimeout(ControlResponse.LIMIT.toMillis(), TimeUnit.MILLISECONDS)
          .whenComplete(
              (answer, failure) ->
                  context
                      .executor()
                      .execute(
                          () ->
                              respond(
                                  context,
                                  failure == null ? answer(answer) : error(refusal(failure)))));
    } catch (ControlException e) {
      respond(context, error(e));
    }
  }

  private static ByteBuf line(Map<String, Object> document) {
    return Unpooled.copiedBuffer(Json.render(document) + "\n", StandardCharsets.UTF_8);
  }

  /** The next request is taken when this is written, and not before its time. */
  private void respond(ChannelHandlerContext context, Map<String, Object> document) {
    context
        .writeAndFlush(line(document))
        .addListener(
            written -> {
              if (mayChange) {
                requests.next(context);
              } else {
                context
                    .executor()
                    .schedule(() -> requests.next(context), PACE.toMillis(), TimeUnit.MILLISECONDS);
              }
            });
  }

  private static void hangUp(ChannelHandlerContext context, ControlException why) {
    context.writeAndFlush(line(error(why))).addListener(ChannelFutureListener.CLOSE);
  }

  /** What there is, and with {@code follow} what comes, until the client hangs up. */
  private void tellEvents(ChannelHandlerContext context, ControlRequest request)
      throws ControlException {
    request.allow(ImmutableSet.of("follow", "after"));
    boolean follow = request.flag("follow");
    try {
      told = Long.parseLong(request.argument("after").orElse("0"));
    } catch (NumberFormatException e) {
      throw new ControlException(Reason.BAD_ARGUMENT, "after: the number of an event");
    }
    if (!follow) {
      respond(context, answer(events(log.after(told, Integer.MAX_VALUE))));
      return;
    }
    Runnable onEvent =
        () -> {
          if (!woken.getAndSet(true)) {
            context.executor().execute(() -> tellMore(context));
          }
        };
    listener = onEvent;
    log.listen(onEvent);
    context.writeAndFlush(line(answer(events(ImmutableList.of()))));
    tellMore(context);
    // Read on, to learn when it hangs up.
    requests.next(context);
  }

  /** As long as the client reads: what it has not read waits in the log, or is gone from there. */
  private void tellMore(ChannelHandlerContext context) {
    woken.set(false);
    while (listener != null && context.channel().isWritable()) {
      ImmutableList<ControlEvent> more = log.after(told, EVENTS_AT_ONCE);
      if (more.isEmpty()) {
        return;
      }
      told = more.get(more.size() - 1).number();
      context.writeAndFlush(line(answer(events(more))));
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    tellMore(context);
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof IdleStateEvent && listener == null) {
      context.close();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof TooLongFrameException) {
      hangUp(
          context,
          new ControlException(
              Reason.TOO_LONG, "more than " + ControlRequest.LONGEST + " octets in a line"));
    } else {
      context.close();
    }
  }
}
