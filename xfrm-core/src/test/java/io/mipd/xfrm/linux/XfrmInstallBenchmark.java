package io.mipd.xfrm.linux;

import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.KernelPolicy;
import io.mipd.xfrm.netlink.NetlinkMessage;
import io.mipd.xfrm.netlink.XfrmMessage;
import io.mipd.xfrm.netlink.XfrmMessageCodec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Installs of merged policies per second in the namespace in which it is started, which it empties:
 * one by one, in batches, and by a bare loop over messages that were built beforehand. For {@code
 * bench/xfrm-installs.sh}.
 */
public final class XfrmInstallBenchmark {
  private static final int BARE_BATCH = 256;

  /** Installs of each kind before it is measured. */
  private static final int WARM_UP = 50_000;

  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");

  private XfrmInstallBenchmark() {}

  /**
   * @param arguments policies, and rounds
   */
  public static void main(String[] arguments) throws SystemCallException {
    int count = Integer.parseInt(arguments[0]);
    int rounds = Integer.parseInt(arguments[1]);
    List<XfrmCommand.AddPolicy> commands = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      var peer = new Ipv6Address(0x2001_0db8_000c_0000L, i);
      commands.add(
          new XfrmCommand.AddPolicy(
              Policy.allow(
                  Selector.between(HOME, peer),
                  Direction.OUT,
                  i + 1,
                  Bundle.of(
                      Template.tunnel(TransformProtocol.ESP, HOME, peer, new ReqId(1)),
                      Template.tunnel(TransformProtocol.ESP, CARE_OF, AGENT, new ReqId(2))))));
    }
    var oneByOne = new double[rounds];
    var batched = new double[rounds];
    var bare = new double[rounds];
    // The first rounds warm up and are not counted.
    for (int round = -Math.max(1, WARM_UP / count); round < rounds; round++) {
      double single = oneByOne(commands);
      double together = batched(commands);
      double loop = bare(commands);
      if (round >= 0) {
        oneByOne[round] = single;
        batched[round] = together;
        bare[round] = loop;
      }
    }
    double single = median(oneByOne);
    double together = median(batched);
    double loop = median(bare);
    System.out.printf(
        Locale.ROOT,
        "| %,d | %,.0f | %,.0f | %,.0f | %.2f | %.2f |%n",
        count,
        single,
        together,
        loop,
        together / single,
        together / loop);
  }

  private static double oneByOne(List<XfrmCommand.AddPolicy> commands) throws SystemCallException {
    try (var backend = KernelBackend.open()) {
      long start = System.nanoTime();
      for (XfrmCommand command : commands) {
        require(backend.apply(command));
      }
      double rate = rate(commands.size(), start);
      require(backend.apply(new XfrmCommand.Flush()));
      return rate;
    }
  }

  private static double batched(List<XfrmCommand.AddPolicy> commands) throws SystemCallException {
    try (var backend = KernelBackend.open()) {
      long start = System.nanoTime();
      var replies = backend.applyAll(commands);
      double rate = rate(commands.size(), start);
      replies.forEach(XfrmInstallBenchmark::require);
      require(backend.apply(new XfrmCommand.Flush()));
      return rate;
    }
  }

  /** As fast as these system calls can be: nobody listens, nothing is built, nothing is kept. */
  private static double bare(List<XfrmCommand.AddPolicy> commands) throws SystemCallException {
    List<NativeMemory> datagrams = new ArrayList<>();
    for (int first = 0; first < commands.size(); first += BARE_BATCH) {
      ByteBuf out = Unpooled.buffer();
      for (var command : commands.subList(first, Math.min(commands.size(), first + BARE_BATCH))) {
        int start =
            NetlinkMessage.begin(
                out,
                XfrmMessage.NEWPOLICY,
                NetlinkMessage.NLM_F_REQUEST | NetlinkMessage.NLM_F_ACK,
                1);
        var policy = KernelPolicy.of(command.policy(), KernelBackend.OURS);
        XfrmMessageCodec.encode(
            new XfrmMessage.PolicyMessage(
                XfrmMessage.NEWPOLICY, policy.info(), policy.attributes()),
            out);
        NetlinkMessage.end(out, start);
      }
      var memory = new NativeMemory(out.readableBytes());
      memory.buffer().put(0, out.array(), 0, out.readableBytes());
      datagrams.add(memory);
    }
    double rate;
    try (var socket = NetlinkSocket.forRequests(NetlinkSocket.NETLINK_XFRM, "bare loop")) {
      var answers = MessageBatch.forReceiving(64, 1024, 12, 0);
      int missing = commands.size();
      long start = System.nanoTime();
      for (NativeMemory datagram : datagrams) {
        int expected = Math.min(missing, BARE_BATCH);
        missing -= expected;
        if (Native.C.send(socket.fd(), datagram.address(), datagram.size(), 0) < 0) {
          throw Native.failure("send", "bare loop");
        }
        while (expected > 0) {
          int received = answers.receive(socket.fd(), 64);
          if (received <= 0) {
            throw Native.failure("recvmmsg", "bare loop", -received);
          }
          for (int i = 0; i < received; i++) {
            if (answers.octets().buffer().getInt(i * 1024 + 16) != 0) {
              throw new IllegalStateException("an install failed");
            }
          }
          expected -= received;
        }
      }
      rate = rate(commands.size(), start);
    }
    try (var backend = KernelBackend.open()) {
      require(backend.apply(new XfrmCommand.Flush()));
    }
    return rate;
  }

  private static double rate(int count, long start) {
    return count * 1e9 / (System.nanoTime() - start);
  }

  private static void require(XfrmReply reply) {
    if (reply instanceof XfrmReply.Failed failed) {
      throw new IllegalStateException(failed.text());
    }
  }

  private static double median(double[] values) {
    var sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
