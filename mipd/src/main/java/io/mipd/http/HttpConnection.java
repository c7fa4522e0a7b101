package io.mipd.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.control.ControlEvent;
import io.mipd.control.ControlException;
import io.mipd.control.ControlException.Reason;
import io.mipd.control.ControlRequest;
import io.mipd.control.ControlResponse;
import io.mipd.control.ControlSocket;
import io.mipd.control.EventLog;
import io.mipd.control.Json;
import io.mipd.control.RequestQueue;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.timeout.IdleStateEvent;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One client: a request at a time. In the server's thread. */
// What fails here ends the connection, of which channelInactive is told.
@SuppressWarnings("FutureReturnValueIgnored")
final class HttpConnection extends SimpleChannelInboundHandler<FullHttpRequest> {
  /** RFC 9110 section 5.6.7. */
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US);

  private static final String JSON_TYPE = "application/json";
  private static final String STREAM_TYPE = "text/event-stream";
  private static final String API = "/api/v1/";
  private static final int EVENTS_AT_ONCE = 64;
  private static final Duration HEALTH_LIMIT = Duration.ofSeconds(1);

  private static final ImmutableMap<Reason, HttpResponseStatus> STATUS =
      ImmutableMap.<Reason, HttpResponseStatus>builder()
          .put(Reason.NOT_A_REQUEST, HttpResponseStatus.BAD_REQUEST)
          .put(Reason.TOO_LONG, HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE)
          .put(Reason.UNSUPPORTED_VERSION, HttpResponseStatus.BAD_REQUEST)
          .put(Reason.UNKNOWN_REQUEST, HttpResponseStatus.NOT_FOUND)
          .put(Reason.BAD_ARGUMENT, HttpResponseStatus.BAD_REQUEST)
          .put(Reason.NOT_PERMITTED, HttpResponseStatus.FORBIDDEN)
          .put(Reason.NOT_POSSIBLE, HttpResponseStatus.CONFLICT)
          .put(Reason.BUSY, HttpResponseStatus.SERVICE_UNAVAILABLE)
          .put(Reason.FAILED, HttpResponseStatus.INTERNAL_SERVER_ERROR)
          .buildOrThrow();

  private final Desk desk;
  private final RequestDeadline deadline;
  private @Nullable Stream stream;
  private final RequestQueue<FullHttpRequest> requests = new RequestQueue<>(this::take);

  /** What all connections have in common. */
  record Desk(
      HttpServer.Settings settings,
      ControlSocket.Answers answers,
      HttpServer.Monitored monitored,
      EventLog events,
      EventLog messages,
      Page page) {}

  /** Events as they come, until the client hangs up. */
  private static final class Stream {
    final EventLog log;
    final Runnable listener;

    /** Number of the last event that was written. */
    long told;

    Stream(EventLog log, long told, Runnable listener) {
      this.log = log;
      this.told = told;
      this.listener = listener;
    }
  }

  /**
   * @param deadline is told when a request has come whole
   */
  HttpConnection(Desk desk, RequestDeadline deadline) {
    this.desk = desk;
    this.deadline = deadline;
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    requests.clear();
    if (stream != null) {
      stream.log.forget(stream.listener);
      stream = null;
    }
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
    deadline.met();
    if (stream != null) {
      context.close();
    } else {
      requests.add(context, request);
    }
  }

  private void take(ChannelHandlerContext context, FullHttpRequest request) {
    boolean stays = HttpUtil.isKeepAlive(request);
    if (request.decoderResult().isFailure()) {
      refuse(context, HttpResponseStatus.BAD_REQUEST, "not a request of HTTP", false);
      return;
    }
    HttpHeaders headers = request.headers();
    if (!Visitor.isForUs(headers, desk.settings().names())) {
      refuse(
          context,
          HttpResponseStatus.MISDIRECTED_REQUEST,
          "asked for by a name that is not in http.names",
          false);
      return;
    }
    if (!Visitor.isFromHere(headers)) {
      refuse(context, HttpResponseStatus.FORBIDDEN, "asked by a page of another origin", false);
      return;
    }
    String path;
    Map<String, List<String>> query;
    try {
      var target = new QueryStringDecoder(request.uri());
      path = target.path();
      query = target.parameters();
    } catch (IllegalArgumentException e) {
      refuse(context, HttpResponseStatus.BAD_REQUEST, "not a path", false);
      return;
    }
    if (path.equals("/") && request.method().equals(HttpMethod.GET)) {
      var page = response(HttpResponseStatus.OK, "text/html; charset=utf-8", desk.page().text());
      page.headers().set(HttpHeaderNames.CONTENT_SECURITY_POLICY, desk.page().policy());
      respond(context, page, stays);
      return;
    }
    if (!desk.settings().token().isIn(headers.get(HttpHeaderNames.AUTHORIZATION))) {
      refuse(context, HttpResponseStatus.UNAUTHORIZED, "the token is missing or wrong", false);
      return;
    }
    serve(context, request, path, query, stays);
  }

  /** For who has the token. */
  private void serve(
      ChannelHandlerContext context,
      FullHttpRequest request,
      String path,
      Map<String, List<String>> query,
      boolean stays) {
    boolean isPost = request.method().equals(HttpMethod.POST);
    if (!isPost && !request.method().equals(HttpMethod.GET)) {
      refuse(context, HttpResponseStatus.METHOD_NOT_ALLOWED, "neither GET nor POST", stays);
    } else if (path.startsWith(API)) {
      ask(context, path.substring(API.length()), request, query, stays);
    } else if (isPost) {
      refuse(context, HttpResponseStatus.METHOD_NOT_ALLOWED, "only GET", stays);
    } else {
      switch (path) {
        case "/metrics" ->
            desk.monitored()
                .metrics(context.executor())
                .orTimeout(ControlResponse.LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .whenComplete(
                    (text, failure) ->
                        respondLater(
                            context,
                            () ->
                                failure == null
                                    ? response(HttpResponseStatus.OK, HttpServer.METRICS_TYPE, text)
                                    : refusal(ControlResponse.refusal(failure)),
                            stays));
        case "/health" ->
            desk.monitored()
                .health()
                .completeOnTimeout(
                    HttpServer.Health.DOWN, HEALTH_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .exceptionally(failure -> HttpServer.Health.DOWN)
                .thenAccept(health -> respondLater(context, () -> health(health), stays));
        case "/events" -> follow(context, desk.events(), request, query);
        case "/messages" -> follow(context, desk.messages(), request, query);
        default -> refuse(context, HttpResponseStatus.NOT_FOUND, "nothing is at " + path, stays);
      }
    }
  }

  private static HttpResponse health(HttpServer.Health health) {
    return response(
        health == HttpServer.Health.UP
            ? HttpResponseStatus.OK
            : HttpResponseStatus.SERVICE_UNAVAILABLE,
        JSON_TYPE,
        Json.render(ImmutableMap.of("status", health.name().toLowerCase(Locale.ROOT))) + "\n");
  }

  /** A request of the control protocol: GET for what changes nothing, POST for the others. */
  private void ask(
      ChannelHandlerContext context,
      String name,
      FullHttpRequest http,
      Map<String, List<String>> query,
      boolean stays) {
    boolean isPost = http.method().equals(HttpMethod.POST);
    try {
      ControlRequest request = isPost ? posted(name, http) : queried(name, query);
      if (name.equals(ControlResponse.EVENTS)) {
        request.allow(ImmutableSet.of("after"));
        respond(
            context,
            answer(ControlResponse.events(desk.events().after(after(request), Integer.MAX_VALUE))),
            stays);
        return;
      }
      if (desk.answers().changes(request)) {
        if (desk.answers().isForThisMachine(request)) {
          throw new ControlException(
              Reason.NOT_PERMITTED, name + " is for the control socket only");
        }
        if (!desk.settings().mayChange()) {
          throw new ControlException(
              Reason.NOT_PERMITTED,
              name + " changes something; that is for the control socket, or http.changes = on");
        }
        if (!isPost) {
          refuse(context, HttpResponseStatus.METHOD_NOT_ALLOWED, name + " needs POST", stays);
          return;
        }
      }
      desk.answers()
          .answer(request, context.executor())
          .orTimeout(ControlResponse.LIMIT.toMillis(), TimeUnit.MILLISECONDS)
          .whenComplete(
              (answer, failure) ->
                  respondLater(
                      context,
                      () ->
                          failure == null
                              ? answer(answer)
                              : refusal(ControlResponse.refusal(failure)),
                      stays));
    } catch (ControlException e) {
      respond(context, refusal(e), stays);
    }
  }

  private static ControlRequest queried(String name, Map<String, List<String>> query)
      throws ControlException {
    ControlRequest request = ControlRequest.of(name);
    for (Map.Entry<String, List<String>> one : query.entrySet()) {
      if (one.getValue().size() != 1) {
        throw new ControlException(Reason.BAD_ARGUMENT, one.getKey() + ": given twice");
      }
      request = request.with(one.getKey(), one.getValue().get(0));
    }
    return request;
  }

  /** Its arguments as a JSON object. A form of another page's cannot have that type. */
  private static ControlRequest posted(String name, FullHttpRequest http) throws ControlException {
    CharSequence type = HttpUtil.getMimeType(http);
    if (type == null || !JSON_TYPE.contentEquals(type)) {
      throw new ControlException(Reason.NOT_A_REQUEST, "Content-Type is not " + JSON_TYPE);
    }
    return ControlRequest.ofArguments(name, http.content().toString(UTF_8));
  }

  private static long after(ControlRequest request) throws ControlException {
    try {
      return Long.parseLong(request.argument("after").orElse("0"));
    } catch (NumberFormatException e) {
      throw new ControlException(Reason.BAD_ARGUMENT, "after: the number of an event");
    }
  }

  /** Server-sent events: what there is behind the one that the client has had last, and more. */
  private void follow(
      ChannelHandlerContext context,
      EventLog log,
      FullHttpRequest http,
      Map<String, List<String>> query) {
    long after;
    try {
      ControlRequest request = queried("", query);
      request.allow(ImmutableSet.of("after"));
      String last = http.headers().get("last-event-id");
      after = after(last == null ? request : ControlRequest.of("").with("after", last));
    } catch (ControlException e) {
      respond(context, refusal(e), false);
      return;
    }
    var woken = new AtomicBoolean();
    stream =
        new Stream(
            log,
            after,
            () -> {
              if (!woken.getAndSet(true)) {
                context
                    .executor()
                    .execute(
                        () -> {
                          woken.set(false);
                          tellMore(context);
                        });
              }
            });
    var head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    guard(head, STREAM_TYPE);
    HttpUtil.setTransferEncodingChunked(head, true);
    context.writeAndFlush(head);
    log.listen(stream.listener);
    tellMore(context);
    // Read on, to learn when it hangs up.
    context.channel().config().setAutoRead(true);
  }

  /** As long as the client reads: what it has not read waits in the log, or is gone from there. */
  private void tellMore(ChannelHandlerContext context) {
    while (stream != null && context.channel().isWritable()) {
      List<ControlEvent> more = stream.log.after(stream.told, EVENTS_AT_ONCE);
      if (more.isEmpty()) {
        return;
      }
      var text = new StringBuilder();
      for (ControlEvent event : more) {
        stream.told = event.number();
        text.append("id: ").append(event.number());
        text.append("\nevent: ").append(event.kind().word());
        text.append("\ndata: ").append(Json.render(event.document())).append("\n\n");
      }
      send(context, text.toString());
    }
  }

  private static void send(ChannelHandlerContext context, String text) {
    context.writeAndFlush(new DefaultHttpContent(Unpooled.copiedBuffer(text, UTF_8)));
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    tellMore(context);
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (!(event instanceof IdleStateEvent)) {
      return;
    }
    if (stream == null) {
      context.close();
    } else if (context.channel().isWritable()) {
      // A comment, for whoever stands between.
      send(context, ":\n\n");
    } else {
      context.close();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.close();
  }

  private static HttpResponse answer(Map<String, Object> answer) {
    return response(
        HttpResponseStatus.OK, JSON_TYPE, Json.render(ControlResponse.answer(answer)) + "\n");
  }

  private static HttpResponse refusal(ControlException why) {
    return response(
        STATUS.getOrDefault(why.reason(), HttpResponseStatus.INTERNAL_SERVER_ERROR),
        JSON_TYPE,
        Json.render(ControlResponse.error(why)) + "\n");
  }

  private static HttpResponse response(HttpResponseStatus status, String type, String text) {
    var content = Unpooled.copiedBuffer(text, UTF_8);
    var response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, content);
    guard(response, type);
    response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, content.readableBytes());
    return response;
  }

  /** What browsers are to make of it: nothing but what it says, for nobody else, not to be kept. */
  private static void guard(HttpResponse response, String type) {
    response
        .headers()
        .set(HttpHeaderNames.DATE, DATE.format(ZonedDateTime.now(ZoneOffset.UTC)))
        .set(HttpHeaderNames.CONTENT_TYPE, type)
        .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE)
        .set("x-content-type-options", "nosniff")
        .set("cross-origin-resource-policy", "same-origin")
        .set("referrer-policy", "no-referrer");
  }

  private void refuse(
      ChannelHandlerContext context, HttpResponseStatus status, String why, boolean stays) {
    var response = response(status, "text/plain; charset=utf-8", why + "\n");
    if (status.equals(HttpResponseStatus.UNAUTHORIZED)) {
      response.headers().set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer realm=\"mipd\"");
    }
    respond(context, response, stays);
  }

  /**
   * Whoever has the answer is the node's event loop, which has packets waiting: the text is made in
   * this server's thread.
   */
  private void respondLater(
      ChannelHandlerContext context, Supplier<HttpResponse> response, boolean stays) {
    context.executor().execute(() -> respond(context, response.get(), stays));
  }

  /** The next request is taken when this is written. */
  private void respond(ChannelHandlerContext context, HttpResponse response, boolean stays) {
    if (!stays) {
      response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    }
    ChannelFuture written = context.writeAndFlush(response);
    if (stays) {
      written.addListener(done -> requests.next(context));
    } else {
      written.addListener(ChannelFutureListener.CLOSE);
    }
  }
}
