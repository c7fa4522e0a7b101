package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.report.Handover;
import io.mipd.sim.report.Results;
import io.mipd.sim.report.Turnaround;
import io.mipd.sim.run.Simulation;
import io.mipd.sim.scenario.Library;
import io.mipd.sim.scenario.Scenario;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** {@code bin/lab}: reads the options, runs the scene, prints, leaves the results, tidies up. */
public final class Lab {
  private static final int OK = 0;
  private static final int FAILED = 1;
  private static final int WRONG_OPTIONS = 2;

  /** Of the simulator's runs that a run of the lab is compared with. */
  private static final int SEEDS = 10;

  private Lab() {}

  /** The system property {@code mipd.home} names the top of the build tree. */
  public static void main(String[] args) {
    LabOptions options;
    try {
      options = LabOptions.parse(ImmutableList.copyOf(args));
    } catch (IllegalArgumentException e) {
      System.err.println("lab: " + e.getMessage() + "; bin/lab --help tells the options");
      System.exit(WRONG_OPTIONS);
      return;
    }
    if (System.getenv("MIPD_LAB_DRY_RUN") != null) {
      // bin/lab asks before it boots a guest.
      System.exit(OK);
    }
    int status = FAILED;
    try {
      status = perform(options);
    } catch (IOException e) {
      System.err.println("lab: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      System.err.println("lab: interrupted");
    }
    System.exit(status);
  }

  private static int perform(LabOptions options) throws IOException, InterruptedException {
    switch (options.command()) {
      case HELP -> {
        System.out.println(LabOptions.USAGE);
        return OK;
      }
      case CLEANUP -> {
        Network.removeOrphans(System.out);
        removeOrphanedFolders();
        return OK;
      }
      case RUN -> {
        return options.scenario().isPresent()
            ? play(options, options.scenario().get())
            : run(options);
      }
    }
    throw new IllegalStateException();
  }

  private static int run(LabOptions options) throws IOException, InterruptedException {
    var network = new Network(LabRun.PID, options.interfaces(), options.world());
    try (var run = LabRun.open(options, network::remove)) {
      var files = new NodeFiles(run.folder(), run.sockets(), options);
      files.write();
      describe(options, run);
      var scene =
          new Scene(
              options,
              run.folder(),
              run.build(),
              network,
              files,
              run.children(),
              run.results(),
              System.out);
      try {
        scene.run();
      } catch (Scene.SceneFailure | IOException e) {
        run.results().verdict("the scene runs to its end", false, "" + e.getMessage());
        if (options.keep()) {
          scene.keepLine();
        }
      }
      tell(run);
      if (options.keep()) {
        run.keep();
        System.out.println(
            "kept: ip netns exec "
                + network.namespace("mn")
                + " bash; bin/lab --cleanup removes it");
        if (!options.world().isWhollyInGuest() && options.world() != World.MIXED_MN_KERNEL) {
          System.out.println("moved to A by: " + Cables.byHand(network.namespace("sw"), Link.A));
        }
      }
      return end(run);
    }
  }

  /** A scenario of the simulator's, with real daemons. */
  private static int play(LabOptions options, String name)
      throws IOException, InterruptedException {
    Library.Source source;
    Scenario scenario;
    try {
      source = Library.find(name);
      scenario = source.read();
      LabLimits.check(source, scenario);
    } catch (ConfigurationException e) {
      System.err.println("lab: " + e.getMessage());
      return WRONG_OPTIONS;
    }
    if (options.seed().isPresent()) {
      scenario = scenario.withSeed(options.seed().getAsLong());
    }
    var network = new ScenarioNetwork(LabRun.PID, scenario);
    try (var run = LabRun.open(options, network::remove)) {
      Results results = run.results();
      Files.writeString(run.folder().resolve("scenario.conf"), source.text());
      var files = new ScenarioFiles(run.folder(), run.sockets(), scenario, source.config());
      files.write();
      results.fact("scenario", scenario.name());
      results.fact("title", scenario.title());
      results.fact("seed", scenario.seed());
      results.fact("versions", versions(run.build()));
      var scene =
          new ScenarioScene(
              scenario,
              run.folder(),
              run.build(),
              network,
              files,
              run.children(),
              results,
              System.out);
      Optional<Comparison> comparison = Optional.empty();
      try {
        ImmutableList<Handover> handovers = scene.run();
        run.tidyUp();
        if (options.compare()) {
          comparison = Optional.of(compare(scenario, handovers, scene.turnarounds(), results));
          comparison.get().write(run.folder());
        }
      } catch (Scene.SceneFailure | IOException e) {
        results.verdict("the scenario runs to its end", false, "" + e.getMessage());
      }
      run.tidyUp();
      tell(run);
      comparison.ifPresent(it -> System.out.print("\n" + it.table()));
      return end(run);
    }
  }

  private static int end(LabRun run) {
    run.tidyUp();
    System.out.println("results: " + run.folder());
    System.out.flush();
    return run.results().ok() ? OK : FAILED;
  }

  private static Comparison compare(
      Scenario scenario,
      ImmutableList<Handover> handovers,
      ImmutableList<Turnaround> turnarounds,
      Results results)
      throws IOException {
    System.out.println("the same in the simulator");
    var virtual = ImmutableList.<Handover>builder();
    for (int i = 0; i < SEEDS; i++) {
      virtual.addAll(
          Simulation.run(scenario.withSeed(scenario.seed() + i), Optional.empty()).handovers());
    }
    Comparison comparison = Comparison.of(handovers, virtual.build(), turnarounds, scenario);
    results.verdict(
        "the simulator agrees",
        comparison.agrees(),
        comparison.lines().stream().filter(Comparison.Line::agrees).count()
            + " of "
            + comparison.lines().size()
            + " parts within 10 % or 5 ms");
    return comparison;
  }

  private static void tell(LabRun run) throws IOException {
    Results results = run.results();
    results.write(run.folder());
    System.out.println();
    System.out.print(results.table());
    System.out.println();
    for (Results.Verdict verdict : results.verdicts()) {
      System.out.printf(
          Locale.ROOT,
          "%-6s %s: %s%n",
          verdict.ok() ? "ok" : "FAILED",
          verdict.name(),
          verdict.detail());
    }
  }

  private static void removeOrphanedFolders() throws IOException {
    try (Stream<Path> folders = Files.list(Path.of("/run"))) {
      for (Path folder :
          folders
              .filter(path -> ("" + path.getFileName()).matches(Network.PREFIX + "\\d{1,9}"))
              .toList()) {
        String pid = ("" + folder.getFileName()).substring(Network.PREFIX.length());
        if (!Network.isLab(Long.parseLong(pid))) {
          LabRun.removeFolder(folder);
        }
      }
    }
  }

  private static void describe(LabOptions options, LabRun run) {
    Results results = run.results();
    var given = ImmutableMap.<String, Object>builder();
    given.put("world", options.world().toString());
    options.handovers().ifPresent(count -> given.put("handovers", count));
    given.put("delay_ms", options.delayMillis());
    given.put("loss_percent", options.lossPercent());
    given.put("ipsec", options.ipsec());
    given.put("payload_ipsec", options.payloadIpsec());
    given.put("ike", options.ike());
    given.put("ro", options.routeOptimization());
    given.put("user_ipsec", options.userIpsec().toString());
    given.put("interfaces", options.interfaces());
    given.put("daemons", options.daemons());
    results.fact("options", given.buildOrThrow());
    results.fact("seed", options.sceneSeed());
    results.fact("ra_interval_ms", List.of(NodeFiles.RA_MIN_MILLIS, NodeFiles.RA_MAX_MILLIS));
    results.fact("home_ra_interval_ms", NodeFiles.HOME_RA_MILLIS);
    results.fact("versions", versions(run.build()));
  }

  private static ImmutableMap<String, Object> versions(Path build) {
    var versions = ImmutableMap.<String, Object>builder();
    versions.put("kernel", System.getProperty("os.version"));
    versions.put("java", System.getProperty("java.runtime.version"));
    versions.put("tshark", firstLine("tshark", "--version"));
    versions.put("radvd", firstLine("radvd", "--version"));
    versions.put("mipd", firstLine("git", "-C", build.toString(), "rev-parse", "HEAD"));
    return versions.buildOrThrow();
  }

  private static String firstLine(String... command) {
    try {
      return Program.local(command)
          .run()
          .output()
          .lines()
          .filter(line -> !line.startsWith("Running as user"))
          .findFirst()
          .orElse("unknown");
    } catch (IOException e) {
      return "unknown";
    }
  }
}
