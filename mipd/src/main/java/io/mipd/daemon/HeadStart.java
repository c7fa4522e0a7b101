package io.mipd.daemon;

import static java.util.Objects.requireNonNull;

import com.google.common.base.Throwables;
import com.google.common.collect.ImmutableList;
import com.google.common.util.concurrent.Uninterruptibles;
import io.mipd.xfrm.linux.KernelInterface;
import io.mipd.xfrm.netlink.Route;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done while the rest of a configuration is read, which takes its time with very many
 * mobile nodes: the system is asked what it can do, which is waiting mostly, a home agent's store
 * is read, and the routes are listed that one before it has left. Whoever needs one of them waits
 * for it, and is told then what went wrong.
 */
final class HeadStart implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(HeadStart.class);

  private @Nullable FutureTask<Probe.Choice> choice;
  private @Nullable Basics of;
  private @Nullable FutureTask<State> state;

  /** Those that a predecessor has left; set before {@link #state} comes to its end. */
  private @Nullable FutureTask<ImmutableList<Route>> routes;

  private boolean taken;
  private volatile Runnable decided = () -> {};

  /**
   * What a configuration says at its beginning.
   *
   * @param world as it is asked for
   */
  record Basics(
      boolean homeAgent,
      DaemonConfiguration.WorldChoice world,
      KernelInterface kernelInterface,
      Path stateDirectory) {}

  /** The state directory is ours. */
  private record State(StateDirectory.Lock lock, Optional<BindingStore> bindings) {}

  /** Begins. To be called once. */
  void begin(Basics basics) {
    of = basics;
    choice = inThread("probe", () -> Probe.choose(basics.world(), basics.kernelInterface()));
    state = inThread("state", () -> state(basics));
  }

  private static <T> FutureTask<T> inThread(String name, Callable<T> what) {
    var task = new FutureTask<T>(what);
    var thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
    return task;
  }

  private State state(Basics basics) throws IOException {
    StateDirectory.Lock lock = new StateDirectory(basics.stateDirectory()).lock();
    try {
      if (!basics.homeAgent()) {
        return new State(lock, Optional.empty());
      }
      // Nobody else puts any now.
      routes = inThread("routes left", SystemChanges::routesLeft);
      return new State(
          lock, Optional.of(DurableBindingStore.ofHomeAgent(lock.path(), () -> decided.run())));
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  /** The world for a configuration that began like this. */
  Probe.Choice choice(DaemonConfiguration configuration) throws SystemLacksException, IOException {
    if (of == null || choice == null) {
      throw new IllegalStateException("not begun");
    }
    if (of.world() == configuration.world()) {
      return outcome(choice);
    }
    // What comes later in the file has settled it. Two probes at once would meet in the kernel.
    awaitProbe(choice);
    return Probe.choose(configuration.world(), configuration.kernelInterface());
  }

  private static void awaitProbe(FutureTask<Probe.Choice> probe) {
    try {
      outcome(probe);
    } catch (SystemLacksException | IOException | RuntimeException e) {
      log.debug("the probe", e);
    }
  }

  /** The state directory, which is ours until this is closed. */
  Path stateDirectory() throws SystemLacksException, IOException {
    return state().lock().path();
  }

  /**
   * A home agent's store, which is the caller's to close; to be asked for once. Only now, when the
   * whole configuration has turned out to be in order, does it take over what was kept otherwise.
   *
   * @param wakeUp called by any thread when something has become durable, or failed to
   */
  Optional<BindingStore> bindings(Runnable wakeUp) throws SystemLacksException, IOException {
    decided = wakeUp;
    State all = state();
    if (all.bindings().isPresent()) {
      DurableBindingStore.takeOver(all.lock().path(), all.bindings().get());
    }
    taken = true;
    return all.bindings();
  }

  /**
   * What a home agent before this one has left in the routing tables; empty if this is none, or
   * when it has been asked for before: there may be very many.
   */
  Optional<ImmutableList<Route>> routesLeft() throws SystemLacksException, IOException {
    state();
    FutureTask<ImmutableList<Route>> listing = routes;
    routes = null;
    return listing == null ? Optional.empty() : Optional.of(outcome(listing));
  }

  private State state() throws SystemLacksException, IOException {
    if (state == null) {
      throw new IllegalStateException("not begun");
    }
    return outcome(state);
  }

  private static <T> T outcome(FutureTask<T> task) throws SystemLacksException, IOException {
    try {
      return requireNonNull(Uninterruptibles.getUninterruptibly(task));
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      Throwables.throwIfInstanceOf(cause, SystemLacksException.class);
      Throwables.throwIfInstanceOf(cause, IOException.class);
      Throwables.throwIfUnchecked(cause);
      throw new IllegalStateException(cause);
    }
  }

  /** Waits for what is under way: a probe leaves nothing behind if it comes to its end. */
  @Override
  public void close() {
    if (choice == null || state == null) {
      return;
    }
    awaitProbe(choice);
    try {
      State all = outcome(state);
      if (!taken && all.bindings().isPresent()) {
        all.bindings().get().close();
      }
      all.lock().close();
    } catch (SystemLacksException | IOException | RuntimeException e) {
      log.debug("the state directory", e);
    }
  }
}
