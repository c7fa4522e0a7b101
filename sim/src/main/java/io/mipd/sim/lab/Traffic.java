package io.mipd.sim.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * One end of the lab's traffic, run in the namespace of the mobile node or of its correspondent: a
 * numbered datagram every 10 ms each way, and a TCP stream each way that is throttled until it is
 * told to finish. Takes orders on standard input, tells on standard output what happens; the end of
 * the input ends it.
 *
 * <pre>
 *   orders:  udp | tcp | finish OCTETS
 *   tells:   ready
 *            s FLOW NUMBER NANOS            sent          f FLOW NUMBER NANOS ERROR   refused by the system
 *            r FLOW NUMBER NANOS            received
 *            tcp STREAM progress NANOS OCTETS
 *            tcp STREAM sent OCTETS SHA256 | tcp STREAM received OCTETS SHA256 | tcp STREAM broken ERROR
 * </pre>
 */
final class Traffic {
  static final int PORT_OUT = 5001;
  static final int PORT_IN = 5002;
  static final int PORT_UP = 5003;
  static final int PORT_DOWN = 5004;

  /** Names of the flows and streams: outward is from the mobile node. */
  static final String OUT = "out";

  static final String IN = "in";
  static final String UP = "up";
  static final String DOWN = "down";

  private static final long SPACING_NANOS = 10_000_000;
  private static final int DATAGRAM = 120;
  private static final long MAGIC = 0x6d69_7064_6c61_6231L;

  private static final int CHUNK = 8192;

  /** While throttled: a chunk of this many octets every 100 ms. */
  private static final int SLOW_CHUNK = 4096;

  private static final long SLOW_SPACING_NANOS = 100_000_000;
  private static final long PROGRESS_NANOS = 50_000_000;

  private final PrintStream tell;
  private final boolean mobile;
  private final InetAddress own;
  private final InetAddress peer;
  private final long seed;
  private volatile long finishWith = -1;

  private Traffic(boolean mobile, InetAddress own, InetAddress peer, long seed, PrintStream tell) {
    this.mobile = mobile;
    this.own = own;
    this.peer = peer;
    this.seed = seed;
    this.tell = tell;
  }

  /** Arguments: mn or cn, the own address, the peer's, the seed. */
  public static void main(String[] args) throws IOException {
    if (args.length != 4) {
      System.err.println("usage: Traffic mn|cn OWN PEER SEED");
      System.exit(2);
    }
    var traffic =
        new Traffic(
            args[0].equals("mn"),
            InetAddress.getByName(args[1]),
            InetAddress.getByName(args[2]),
            Long.parseLong(args[3]),
            new PrintStream(System.out, true, StandardCharsets.UTF_8));
    traffic.obey();
    System.exit(0);
  }

  private void obey() throws IOException {
    if (!mobile) {
      listen(PORT_UP, this::receiveUp);
      listen(PORT_DOWN, this::sendDown);
    }
    tell.println("ready");
    var orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String order = orders.readLine(); order != null; order = orders.readLine()) {
      if (order.equals("udp")) {
        startUdp();
      } else if (order.equals("tcp")) {
        start("up", this::sendUp);
        start("down", this::receiveDown);
      } else if (order.startsWith("finish ")) {
        finishWith = Long.parseLong(order.substring("finish ".length()));
      } else {
        System.err.println("unknown order: " + order);
      }
    }
  }

  /** Something that runs until it ends or fails. */
  private interface Work {
    void run() throws IOException;
  }

  private static void start(String name, Work work) {
    var thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                System.err.println(name + ": " + e);
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
  }

  private static long now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  // Datagrams.

  private void startUdp() throws IOException {
    int sendPort = mobile ? PORT_OUT : PORT_IN;
    int receivePort = mobile ? PORT_IN : PORT_OUT;
    DatagramChannel sender = open(sendPort);
    DatagramChannel receiver = open(receivePort);
    start("udp sender", () -> sendDatagrams(sender, mobile ? OUT : IN, sendPort));
    start("udp receiver", () -> receiveDatagrams(receiver, mobile ? IN : OUT));
  }

  private DatagramChannel open(int port) throws IOException {
    DatagramChannel channel = DatagramChannel.open(StandardProtocolFamily.INET6);
    channel.bind(new InetSocketAddress(own, port));
    return channel;
  }

  private void sendDatagrams(DatagramChannel channel, String flow, int port) {
    var target = new InetSocketAddress(peer, port);
    ByteBuffer datagram = ByteBuffer.allocate(DATAGRAM);
    long due = System.nanoTime();
    for (int number = 0; ; number++) {
      datagram.clear().putLong(MAGIC).putInt(number).rewind();
      long nanos = now();
      try {
        channel.send(datagram, target);
        tell.println("s " + flow + " " + number + " " + nanos);
      } catch (IOException e) {
        tell.println("f " + flow + " " + number + " " + nanos + " " + e.getMessage());
      }
      due += SPACING_NANOS;
      long wait = due - System.nanoTime();
      if (wait > 0) {
        LockSupport.parkNanos(wait);
      }
    }
  }

  private void receiveDatagrams(DatagramChannel channel, String flow) throws IOException {
    ByteBuffer datagram = ByteBuffer.allocate(2048);
    while (true) {
      datagram.clear();
      channel.receive(datagram);
      long nanos = now();
      datagram.flip();
      if (datagram.remaining() == DATAGRAM && datagram.getLong() == MAGIC) {
        tell.println("r " + flow + " " + datagram.getInt() + " " + nanos);
      } else {
        tell.println("x " + flow + " not one of ours");
      }
    }
  }

  // Streams.

  /** What to do with an accepted connection. */
  private interface Service {
    void serve(Socket socket);
  }

  private void listen(int port, Service service) throws IOException {
    ServerSocket server = new ServerSocket();
    server.bind(new InetSocketAddress(own, port));
    start(
        "listener " + port,
        () -> {
          try (server) {
            service.serve(server.accept());
          }
        });
  }

  private Socket connect(int port) throws IOException {
    var socket = new Socket();
    socket.bind(new InetSocketAddress(own, 0));
    socket.connect(new InetSocketAddress(peer, port));
    return socket;
  }

  private void sendUp() throws IOException {
    send(connect(PORT_UP), UP);
  }

  private void receiveDown() throws IOException {
    receive(connect(PORT_DOWN), DOWN);
  }

  private void receiveUp(Socket socket) {
    receive(socket, UP);
  }

  private void sendDown(Socket socket) {
    send(socket, DOWN);
  }

  private void send(Socket socket, String stream) {
    try (socket) {
      MessageDigest hash = sha256();
      var content = new SplittableRandom(seed + stream.hashCode());
      byte[] chunk = new byte[CHUNK];
      OutputStream out = socket.getOutputStream();
      long sent = 0;
      long left = -1;
      while (left != 0) {
        long finish = finishWith;
        if (left < 0 && finish >= 0) {
          left = finish;
        }
        int length = left < 0 ? SLOW_CHUNK : (int) Math.min(CHUNK, left);
        content.nextBytes(chunk);
        out.write(chunk, 0, length);
        hash.update(chunk, 0, length);
        sent += length;
        if (left < 0) {
          LockSupport.parkNanos(SLOW_SPACING_NANOS);
        } else {
          left -= length;
        }
      }
      socket.shutdownOutput();
      tell.println("tcp " + stream + " sent " + sent + " " + hex(hash));
      // The peer closes when it has all: so an acknowledged stream is one that was read.
      while (socket.getInputStream().read() >= 0) {
        // Nothing comes.
      }
    } catch (IOException e) {
      tell.println("tcp " + stream + " broken " + e.getMessage());
    }
  }

  private void receive(Socket socket, String stream) {
    try (socket) {
      MessageDigest hash = sha256();
      byte[] chunk = new byte[65536];
      InputStream in = socket.getInputStream();
      long received = 0;
      long told = System.nanoTime();
      for (int length = in.read(chunk); length >= 0; length = in.read(chunk)) {
        hash.update(chunk, 0, length);
        received += length;
        if (System.nanoTime() - told >= PROGRESS_NANOS) {
          told = System.nanoTime();
          tell.println("tcp " + stream + " progress " + now() + " " + received);
        }
      }
      tell.println("tcp " + stream + " received " + received + " " + hex(hash));
    } catch (IOException e) {
      tell.println("tcp " + stream + " broken " + e.getMessage());
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }
}
