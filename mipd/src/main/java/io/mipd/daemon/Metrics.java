package io.mipd.daemon;

import com.google.common.collect.EnumMultiset;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Multiset;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.mipd.daemon.Series.Family;
import io.mipd.daemon.Series.Kind;
import io.mipd.http.HttpServer;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.RouteStatus;
import io.mipd.xfrm.transform.Discard;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * What monitoring reads (docs/metrics.md). The event loop tells its numbers at a scrape, none of
 * which it has to work out of more than it keeps; the text is made of them elsewhere.
 */
final class Metrics implements HttpServer.Monitored, AutoCloseable {
  /** What a world counts, by the key of {@link World#counters}. */
  static final ImmutableMap<String, Series> WORLD =
      ImmutableMap.<String, Series>builder()
          .put("input-packets", packets("input"))
          .put("input-bytes", octets("input"))
          .put("output-packets", packets("output"))
          .put("output-bytes", octets("output"))
          .put("transmitted-packets", packets("transmitted"))
          .put("transmitted-bytes", octets("transmitted"))
          .put("delivered-packets", packets("delivered"))
          .put("delivered-bytes", octets("delivered"))
          .put("mobility-messages", Family.ENGINE_MOBILITY_MESSAGES.series())
          .put("fragments-sent", Family.ENGINE_FRAGMENTS.series("what", "sent"))
          .put("fragments-received", Family.ENGINE_FRAGMENTS.series("what", "received"))
          .put("fragments-joined", Family.ENGINE_FRAGMENTS.series("what", "joined"))
          .put("reassembled", Family.ENGINE_REASSEMBLED.series())
          .put("segments", Family.ENGINE_SEGMENTS.series())
          .put("icmpv6-errors-sent", Family.ENGINE_ICMPV6_ERRORS.series("what", "sent"))
          .put("icmpv6-errors-suppressed", Family.ENGINE_ICMPV6_ERRORS.series("what", "suppressed"))
          .put("icmpv6-errors-taken", Family.ENGINE_ICMPV6_ERRORS.series("what", "taken"))
          .put("packet-too-big-learnt", Family.ENGINE_PATH_MTU_LEARNT.series())
          .put("flow-cache-misses", Family.ENGINE_FLOW_CACHE_MISSES.series())
          .put("sent", Family.PACKETS_SENT.series())
          .put("not-sent", Family.PACKETS_NOT_SENT.series())
          .put("copies-lost", Family.PACKET_COPIES_LOST.series())
          .put("distrusted", Family.KERNEL_DISTRUSTED.series())
          .put("repairs", Family.KERNEL_REPAIRS.series())
          .put("notices-lost", Family.KERNEL_NOTICES_LOST.series())
          .buildOrThrow();

  private static final String DISCARDS = "discards";
  private static final String REASON = "reason";
  private static final double NANOS = 1e9;

  private final EventLoop loop;
  private final Supplier<ImmutableMap<Series, Double>> node;
  private final Supplier<Boolean> behind;
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

  /** In the thread of who asks. */
  private final Set<Series> known = new HashSet<>();

  private volatile ImmutableMap<Series, Double> latest = ImmutableMap.of();

  /**
   * @param node its numbers, told in the event loop
   * @param behind whether policies wait to be put in force, likewise
   */
  Metrics(EventLoop loop, Supplier<ImmutableMap<Series, Double>> node, Supplier<Boolean> behind) {
    this.loop = loop;
    this.node = node;
    this.behind = behind;
    new JvmMemoryMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
  }

  private static Series packets(String where) {
    return Family.ENGINE_PACKETS.series("at", where);
  }

  private static Series octets(String where) {
    return Family.ENGINE_TRAFFIC.series("at", where);
  }

  @Override
  public CompletableFuture<String> metrics(Executor serverThread) {
    long asked = System.nanoTime();
    return loop.call(() -> numbers(asked)).thenApplyAsync(this::text, serverThread);
  }

  /** In the event loop. */
  private ImmutableMap<Series, Double> numbers(long asked) {
    long begun = System.nanoTime();
    ImmutableMap<Series, Double> told = node.get();
    long done = System.nanoTime();
    return ImmutableMap.<Series, Double>builder()
        .put(Family.LOOP_WAIT.series(), (begun - asked) / NANOS)
        .put(Family.LOOP_WORK.series(), (done - begun) / NANOS)
        .putAll(told)
        .buildOrThrow();
  }

  @Override
  public CompletableFuture<HttpServer.Health> health() {
    return loop.call(() -> behind.get() ? HttpServer.Health.DEGRADED : HttpServer.Health.UP);
  }

  /** In the thread of who asks. */
  String text(ImmutableMap<Series, Double> numbers) {
    latest = numbers;
    for (Series series : numbers.keySet()) {
      if (known.add(series)) {
        register(series);
      }
    }
    return registry.scrape();
  }

  private void register(Series series) {
    Family family = series.family();
    var tags =
        series.labels().entrySet().stream()
            .map(label -> Tag.of(label.getKey(), label.getValue()))
            .toList();
    String unit = family.unit().isEmpty() ? null : family.unit();
    if (family.kind() == Kind.COUNTER) {
      FunctionCounter.builder(family.meter(), this, it -> it.value(series))
          .tags(tags)
          .baseUnit(unit)
          .description(family.description())
          .register(registry);
    } else {
      Gauge.builder(family.meter(), this, it -> it.value(series))
          .tags(tags)
          .baseUnit(unit)
          .description(family.description())
          .register(registry);
    }
  }

  /** What is there no more, a route's state for instance, is none. */
  private double value(Series series) {
    return latest.getOrDefault(series, 0.0);
  }

  @Override
  public void close() {
    registry.close();
  }

  /** The numbers of a node. In the event loop. */
  static ImmutableMap<Series, Double> of(
      DaemonConfiguration configuration,
      DaemonConfiguration.WorldChoice choice,
      Instant now,
      World world,
      NodeShell shell) {
    var all = ImmutableMap.<Series, Double>builder();
    shell.counts().all().forEach((series, count) -> all.put(series, (double) count));
    all.put(
        new Series(
            Family.NODE,
            ImmutableMap.of("role", configuration.role().title(), "world", choice.toString())),
        1.0);
    NodeShell.Roles roles = shell.roles();
    roles
        .agent()
        .ifPresent(
            core -> {
              all.put(Family.BINDINGS.series(), (double) core.bindingCount());
              all.put(Family.DRAINING.series(), truth(core.isDraining()));
            });
    roles
        .correspondent()
        .ifPresent(
            core -> all.put(Family.CORRESPONDENT_BINDINGS.series(), (double) core.bindingCount()));
    if (!roles.mobiles().isEmpty()) {
      mobileNode(roles.mobiles().values().asList(), now, all);
    }
    StatusReport.Tallies tallies = shell.tallies();
    places(tallies.places().values().asList(), all);
    for (NodeAction.Refusal reason : NodeAction.Refusal.values()) {
      all.put(
          Family.REFUSALS.series(REASON, StatusReport.key(reason.name())),
          (double) tallies.refusals().getOrDefault(reason, 0L));
    }
    all.put(Family.MALFORMED_MESSAGES.series(), (double) tallies.malformed());
    all.put(Family.MESSAGES_OVERFLOWN.series(), (double) tallies.overflow());
    all.put(Family.POLICY_FAILURES.series(), (double) tallies.policies().failures());
    all.put(Family.POLICIES_BEHIND.series(), truth(tallies.policies().isBehind()));
    of(world.counters(), all);
    return all.buildOrThrow();
  }

  /** Of all home addresses of a mobile node. */
  private static void mobileNode(
      ImmutableList<MobileNode> cores, Instant now, ImmutableMap.Builder<Series, Double> all) {
    all.put(
        Family.REGISTERED.series(),
        truth(cores.stream().allMatch(core -> core.registeredCareOf().isPresent())));
    all.put(
        Family.REGISTRATION_LEFT.series(),
        cores.stream()
            .mapToDouble(
                core ->
                    core.registeredUntil()
                        .map(until -> Duration.between(now, until).toMillis() / 1e3)
                        .orElse(0.0))
            .min()
            .orElse(0.0));
    Multiset<RouteStatus.State> routes = EnumMultiset.create(RouteStatus.State.class);
    cores.forEach(core -> core.routes(now).forEach(it -> routes.add(it.state())));
    for (RouteStatus.State state : RouteStatus.State.values()) {
      all.put(
          Family.ROUTES.series("state", StatusReport.key(state.name())),
          (double) routes.count(state));
    }
  }

  private static void places(
      ImmutableList<NodeAction.Place> places, ImmutableMap.Builder<Series, Double> all) {
    if (places.isEmpty()) {
      return;
    }
    for (NodeAction.Place one : NodeAction.Place.values()) {
      all.put(
          Family.HOME_ADDRESS_PLACE.series("place", StatusReport.key(one.name())),
          (double) places.stream().filter(it -> it == one).count());
    }
  }

  private static double truth(boolean is) {
    return is ? 1.0 : 0.0;
  }

  private static void of(Map<String, Object> counters, ImmutableMap.Builder<Series, Double> all) {
    counters.forEach(
        (key, count) ->
            Optional.ofNullable(WORLD.get(key))
                .filter(series -> count instanceof Number)
                .ifPresent(series -> all.put(series, ((Number) count).doubleValue())));
    Object told = counters.get(DISCARDS);
    Map<?, ?> discards = told instanceof Map<?, ?> map ? map : Map.of();
    Set<String> reasons = new HashSet<>();
    for (Discard reason : Discard.values()) {
      reasons.add(StatusReport.key(reason.name()));
    }
    discards.keySet().forEach(reason -> reasons.add("" + reason));
    for (String reason : reasons) {
      all.put(
          Family.DISCARDS.series(REASON, reason),
          discards.get(reason) instanceof Number count ? count.doubleValue() : 0.0);
    }
  }
}
