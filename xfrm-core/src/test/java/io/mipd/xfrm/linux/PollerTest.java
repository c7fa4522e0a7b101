package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class PollerTest {

  @Test
  void returnsWhenTheTimeIsOver() throws SystemCallException {
    try (var poller = Poller.open()) {
      long start = System.nanoTime();

      assertThat(poller.poll(20)).isZero();

      assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(19_000_000);
    }
  }

  @Test
  @Timeout(10)
  void anotherThreadWakesItUp() throws Exception {
    try (var poller = Poller.open()) {
      var waits = new CountDownLatch(1);
      var waker =
          new Thread(
              () -> {
                try {
                  waits.await();
                } catch (InterruptedException e) {
                  return;
                }
                poller.wakeUp();
              });
      waker.start();
      waits.countDown();

      assertThat(poller.poll(-1)).isEqualTo(1);
      waker.join();
      // Once is enough: the next one waits again.
      assertThat(poller.poll(0)).isZero();
    }
  }

  @Test
  void aWakeUpBeforehandCountsOnce() throws SystemCallException {
    try (var poller = Poller.open()) {
      poller.wakeUp();
      poller.wakeUp();

      assertThat(poller.poll(-1)).isEqualTo(1);
      assertThat(poller.poll(0)).isZero();
    }
  }

  @Test
  void runsWhatWasRegisteredUntilItIsRemoved() throws SystemCallException {
    try (var poller = Poller.open();
        var socket = NetlinkSocket.forGroups(NetlinkSocket.NETLINK_ROUTE, 0, "test")) {
      poller.add(socket.fd(), () -> {});
      assertThat(poller.poll(0)).isZero();
      poller.remove(socket.fd());
      poller.remove(socket.fd());
    }
  }

  @Test
  void wakingAClosedOneDoesNothing() throws SystemCallException {
    var poller = Poller.open();
    poller.close();
    poller.wakeUp();
    assertThatThrownBy(() -> poller.poll(0))
        .isInstanceOfSatisfying(
            SystemCallException.class, e -> assertThat(e.errno()).isEqualTo("EBADF"));
  }

  @Test
  void namesTheDescriptorThatCannotBeWatched() throws SystemCallException {
    try (var poller = Poller.open()) {
      assertThatThrownBy(() -> poller.add(9999, () -> {}))
          .hasMessage("epoll_ctl(9999): EBADF (Bad file descriptor)");
    }
  }
}
