package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A network namespace for one test, with the process's id in its name; gone when it is closed. */
public final class TestNamespace implements AutoCloseable {
  private static final AtomicInteger COUNTER = new AtomicInteger();
  private static final int COMMAND_SECONDS = 30;

  private final String name;
  private final Thread atExit;

  private TestNamespace(String name) {
    this.name = name;
    atExit = new Thread(this::delete);
  }

  /** Skips the test, or with CI=true fails it, unless we are root and these commands are there. */
  public static void require(String... commands) throws IOException {
    var missing = ImmutableList.<String>builder();
    if (!Files.isWritable(java.nio.file.Path.of("/proc/sys/net/ipv6/conf/all/forwarding"))) {
      missing.add("root");
    }
    for (String command : commands) {
      boolean found =
          Arrays.stream(new String[] {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"})
              .anyMatch(directory -> Files.isExecutable(java.nio.file.Path.of(directory, command)));
      if (!found) {
        missing.add(command);
      }
    }
    String what = String.join(", ", missing.build());
    if (!what.isEmpty()) {
      System.err.println("SKIPPED, missing: " + what);
      if ("true".equals(System.getenv("CI"))) {
        throw new AssertionError("CI=true and missing: " + what);
      }
    }
    assumeTrue(what.isEmpty(), "missing: " + what);
  }

  public static TestNamespace create() throws Exception {
    String name = "mipd-t" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet();
    var namespace = new TestNamespace(name);
    Runtime.getRuntime().addShutdownHook(namespace.atExit);
    run("ip", "netns", "add", name);
    namespace.sh("ip link set lo up");
    return namespace;
  }

  public String name() {
    return name;
  }

  /** Runs a shell command inside; returns what it prints; fails the test when it fails. */
  public String sh(String command) throws Exception {
    return run("ip", "netns", "exec", name, "sh", "-c", command);
  }

  /** Starts a command inside; the caller destroys it. */
  public Process start(String... command) throws IOException {
    var whole =
        ImmutableList.<String>builder().add("ip", "netns", "exec", name).add(command).build();
    return new ProcessBuilder(whole).redirectErrorStream(true).start();
  }

  public <T> T within(Callable<T> work) throws Exception {
    return NetworkNamespace.within(NetworkNamespace.named(name), work);
  }

  /** Joins two namespaces by a pair of interfaces without waiting for addresses to be unique. */
  public static void connect(TestNamespace a, String nameA, TestNamespace b, String nameB)
      throws Exception {
    a.sh(
        "ip link add "
            + nameA
            + " type veth peer name "
            + nameB
            + " netns "
            + b.name
            + " && sysctl -qw net.ipv6.conf."
            + nameA
            + ".accept_dad=0"
            + " && ip link set "
            + nameA
            + " up");
    b.sh("sysctl -qw net.ipv6.conf." + nameB + ".accept_dad=0 && ip link set " + nameB + " up");
  }

  public int index(String interfaceName) throws Exception {
    return within(() -> NetworkInterfaces.indexOf(interfaceName).orElseThrow());
  }

  public static void await(String what, Callable<Boolean> condition) throws Exception {
    await(what, Duration.ofSeconds(10), condition);
  }

  public static void await(String what, Duration limit, Callable<Boolean> condition)
      throws Exception {
    long deadline = System.nanoTime() + limit.toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("waiting for: %s", what).isLessThan(deadline);
      Thread.sleep(5);
    }
  }

  public static String run(String... command) throws Exception {
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as("%s: %s", String.join(" ", command), output).isZero();
    return output;
  }

  private void delete() {
    try {
      new ProcessBuilder("ip", "netns", "del", name).redirectErrorStream(true).start().waitFor();
    } catch (IOException | InterruptedException e) {
      System.err.println("namespace " + name + " is left behind: " + e);
    }
  }

  @Override
  public void close() {
    Runtime.getRuntime().removeShutdownHook(atExit);
    delete();
  }
}
