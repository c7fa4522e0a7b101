package io.mipd.sim.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.concurrent.locks.LockSupport;

/**
 * One end of one of a scenario's flows of numbered datagrams, run in the namespace of its node. It
 * tells what happens as {@link Traffic} does; the end of its input ends it.
 *
 * <pre>
 *   orders:  begin NANOS        when the scenario begins, since the epoch
 * </pre>
 */
final class FlowEnd {
  //  +----------------+----------------+
  //  |  flow, 32 bits | number, 32 bits|  zeros
  //  +----------------+----------------+
  private static final int HEADER = 8;
  private static final int LARGEST = 65536;

  /** What an end does. */
  enum Part {
    /** Sends, and hears no answers. */
    SEND,
    /** Sends, and counts answers. */
    ASK,
    /** Counts. */
    HEAR,
    /** Answers, and counts nothing. */
    ANSWER
  }

  private final Part part;
  private final int flow;
  private final InetAddress own;
  private final InetAddress peer;
  private final int port;
  private final int size;
  private final PrintStream tell;

  private FlowEnd(
      Part part,
      int flow,
      InetAddress own,
      InetAddress peer,
      int port,
      int size,
      PrintStream tell) {
    this.part = part;
    this.flow = flow;
    this.own = own;
    this.peer = peer;
    this.port = port;
    this.size = size;
    this.tell = tell;
  }

  /**
   * Arguments: part, number of the flow, own address, peer's, UDP port at both, octets of what is
   * sent; then nanoseconds between two, from the scenario's beginning until the first, and until no
   * more.
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 9) {
      System.err.println("usage: FlowEnd PART FLOW OWN PEER PORT SIZE INTERVAL START STOP");
      System.exit(2);
    }
    var tell = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    var end =
        new FlowEnd(
            Part.valueOf(args[0]),
            Integer.parseInt(args[1]),
            InetAddress.getByName(args[2]),
            InetAddress.getByName(args[3]),
            Integer.parseInt(args[4]),
            Integer.parseInt(args[5]),
            tell);
    end.run(Long.parseLong(args[6]), Long.parseLong(args[7]), Long.parseLong(args[8]));
    System.exit(0);
  }

  private void run(long interval, long start, long stop) throws IOException {
    try (DatagramChannel channel = DatagramChannel.open(StandardProtocolFamily.INET6)) {
      channel.bind(new InetSocketAddress(own, port));
      if (part != Part.SEND) {
        background(() -> hear(channel));
      }
      tell.println("ready");
      var orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String order = orders.readLine(); order != null; order = orders.readLine()) {
        long beginning = Long.parseLong(order.substring("begin ".length()));
        if (part == Part.SEND || part == Part.ASK) {
          background(() -> send(channel, interval, beginning + start, beginning + stop));
        }
      }
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void background(Work work) {
    var thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                System.err.println(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  private static long now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  private void send(DatagramChannel channel, long interval, long first, long stop) {
    var target = new InetSocketAddress(peer, port);
    ByteBuffer datagram = ByteBuffer.allocate(size);
    long due = first;
    for (int number = 0; due < stop; number++) {
      for (long wait = due - now(); wait > 0; wait = due - now()) {
        LockSupport.parkNanos(wait);
      }
      datagram.clear().putInt(flow).putInt(number).rewind();
      long nanos = now();
      try {
        channel.send(datagram, target);
        tell.println("s " + flow + " " + number + " " + nanos);
      } catch (IOException e) {
        tell.println("f " + flow + " " + number + " " + nanos + " " + e.getMessage());
      }
      due += interval;
    }
  }

  private void hear(DatagramChannel channel) throws IOException {
    ByteBuffer datagram = ByteBuffer.allocate(LARGEST);
    while (true) {
      datagram.clear();
      SocketAddress from = channel.receive(datagram);
      long nanos = now();
      datagram.flip();
      if (datagram.remaining() < HEADER || datagram.getInt() != flow) {
        System.err.println("none of ours: a datagram from " + from);
        continue;
      }
      int number = datagram.getInt();
      if (part == Part.ANSWER) {
        channel.send(ByteBuffer.allocate(size).putInt(flow).putInt(number).rewind(), from);
      } else {
        tell.println("r " + flow + " " + number + " " + nanos);
      }
    }
  }
}
