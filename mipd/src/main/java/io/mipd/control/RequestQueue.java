package io.mipd.control;

import io.netty.channel.ChannelHandlerContext;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BiConsumer;

/**
 * The requests of one connection: one is answered at a time, and no more wait than have come at
 * once, for nothing is read meanwhile. In the connection's thread.
 *
 * @param <T> a request; what is counted by references is held while it waits
 */
public final class RequestQueue<T> {
  private final BiConsumer<ChannelHandlerContext, T> answerer;
  private final Deque<T> waiting = new ArrayDeque<>();
  private boolean answering;

  /**
   * @param answerer begins with a request; {@link #next} is to be called when it is answered
   */
  public RequestQueue(BiConsumer<ChannelHandlerContext, T> answerer) {
    this.answerer = answerer;
  }

  /** A request has come. */
  public void add(ChannelHandlerContext context, T request) {
    if (answering) {
      context.channel().config().setAutoRead(false);
      waiting.add(ReferenceCountUtil.retain(request));
    } else {
      answering = true;
      answerer.accept(context, request);
    }
  }

  /** The one before is answered. */
  public void next(ChannelHandlerContext context) {
    // Who has hung up is forgotten, and nothing is begun for it any more.
    if (!context.channel().isActive()) {
      return;
    }
    T request = waiting.poll();
    if (request == null) {
      answering = false;
      context.channel().config().setAutoRead(true);
      return;
    }
    try {
      answerer.accept(context, request);
    } finally {
      ReferenceCountUtil.release(request);
    }
  }

  /** What waits is forgotten: the connection is no more. */
  public void clear() {
    waiting.forEach(ReferenceCountUtil::release);
    waiting.clear();
  }
}
