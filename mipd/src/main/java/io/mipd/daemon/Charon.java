package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.vici.ViciClient;
import io.mipd.vici.ViciException;
import io.mipd.vici.ViciMessage;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way to charon: connects as often as it takes, and hands on what is to be done, in a thread of
 * its own, so that nobody waits for charon. What comes of it is told in the event loop.
 */
final class Charon implements KeyExchange.Orders, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Charon.class);

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long RECONNECT_MILLIS = 500;

  private static final ImmutableSet<String> CHANGES =
      ImmutableSet.of("ike-updown", "ike-rekey", "ike-update", "child-updown", "child-rekey");

  private static final String LISTED = "list-sa";
  private static final String LOG = "log";

  private final Path socket;
  private final EventLoop loop;
  private final KeyExchange exchange;
  private final BlockingQueue<Order> orders = new LinkedBlockingQueue<>();
  private final Thread thread = new Thread(this::run, "charon");
  private volatile boolean closed;

  /** Of what is listed at present; only within a list. */
  private final List<IkeSa> listed = new ArrayList<>();

  /** To be done with charon. */
  private interface Order {
    void run(ViciClient client) throws IOException;
  }

  /**
   * @param exchange learns of all that happens, in the event loop
   */
  Charon(Path socket, EventLoop loop, KeyExchange exchange) {
    this.socket = socket;
    this.loop = loop;
    this.exchange = exchange;
    exchange.orders(this);
  }

  /** Begins to connect, and does so as often as it takes. */
  void connect() {
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void order(String connection, CharonConfiguration.Command command) {
    orders.add(
        client -> {
          try {
            client.ask(command.name(), command.message());
          } catch (ViciException e) {
            tell(() -> exchange.refused(connection, command.name(), "" + e.getMessage()));
          }
        });
  }

  @Override
  public void list(String connection, long number) {
    orders.add(
        client -> {
          synchronized (listed) {
            listed.clear();
          }
          try {
            client.ask("list-sas", ViciMessage.builder().put("ike", connection).build());
            ImmutableList<IkeSa> all;
            synchronized (listed) {
              all = ImmutableList.copyOf(listed);
            }
            tell(() -> exchange.listed(loop.now(), connection, number, all));
          } catch (ViciException e) {
            tell(() -> exchange.refused(connection, "list-sas", "" + e.getMessage()));
          }
        });
  }

  @Override
  public void look(long number) {
    orders.add(
        client -> {
          try {
            var loaded =
                new KeyExchange.Loaded(
                    names(client, "get-conns", "conns"),
                    names(client, "get-shared", "keys"),
                    names(client, "get-keys", "keys"));
            tell(() -> exchange.loaded(loop.now(), number, loaded));
          } catch (ViciException e) {
            log.warn("what charon has been given cannot be watched: {}", e.getMessage());
          }
        });
  }

  private static ImmutableSet<String> names(ViciClient client, String command, String list)
      throws IOException, ViciException {
    return ImmutableSet.copyOf(client.ask(command, ViciMessage.EMPTY).texts(list));
  }

  private void tell(Runnable what) {
    var unused =
        loop.call(
                () -> {
                  what.run();
                  return true;
                })
            .exceptionally(
                e -> {
                  if (!closed) {
                    log.error("what charon says was not taken", e);
                  }
                  return false;
                });
  }

  private void run() {
    @Nullable String said = null;
    while (!closed) {
      orders.clear();
      String why;
      try (ViciClient client = ViciClient.open(socket, PATIENCE, new Listener())) {
        for (String event : CHANGES) {
          client.register(event);
        }
        client.register(LISTED);
        client.register(LOG);
        said = null;
        tell(() -> exchange.connected(loop.now()));
        while (true) {
          orders.take().run(client);
        }
      } catch (IOException | ViciException e) {
        why = "" + e.getMessage();
      } catch (InterruptedException e) {
        return;
      }
      if (!why.equals(said)) {
        said = why;
        tell(() -> exchange.disconnected("no charon at " + socket + ": " + why));
      }
      try {
        TimeUnit.MILLISECONDS.sleep(RECONNECT_MILLIS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private final class Listener implements ViciClient.Listener {
    @Override
    public void happened(String event, ViciMessage message) {
      if (event.equals(LISTED)) {
        synchronized (listed) {
          message.sections().values().forEach(one -> listed.add(IkeSa.of(one)));
        }
      } else if (event.equals(LOG)) {
        String text = message.text("msg").orElse("");
        if (KeyExchange.isProblem(text)) {
          String connection = message.text("ikesa-name").orElse("");
          tell(() -> exchange.logged(loop.now(), connection, text));
        }
      } else {
        message.sections().keySet().forEach(name -> tell(() -> exchange.changed(name)));
      }
    }

    @Override
    public void ended(String why) {
      orders.add(
          client -> {
            throw new IOException(why);
          });
    }
  }

  /** What charon has stays: associations outlive us as policies do. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}
