package io.mipd.sim.lab;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the mobile node's kernel says of its interfaces and addresses, as {@code ip -o -tshort
 * monitor} prints it: the lab's own witness beside the captures.
 */
final class KernelNotices {
  /** A link's notice, or an address's. Times are nanoseconds since the epoch. */
  sealed interface Notice {
    long nanos();

    String device();
  }

  record LinkNotice(long nanos, String device, boolean carrier) implements Notice {}

  /**
   * @param usable not tentative, or optimistic (RFC 4429)
   */
  record AddressNotice(long nanos, String device, String address, boolean usable, boolean gone)
      implements Notice {}

  private static final Pattern TIME = Pattern.compile("^\\[([0-9T:.-]+)\\]\\s*(.*)$");
  private static final Pattern LINK =
      Pattern.compile("^(?:\\[LINK\\])?(Deleted )?\\d+: ([^:@\\s]+)(?:@\\S+)?: <([A-Z0-9_,-]*)>.*");
  private static final Pattern ADDRESS =
      Pattern.compile(
          "^(?:\\[ADDR\\])?(Deleted )?\\d+: (\\S+)\\s+inet6 ([0-9a-f:]+)(?:/\\d+)? (.*)");

  @GuardedBy("this")
  private final List<Notice> all = new ArrayList<>();

  /** Reads a monitor's output until it ends. */
  void follow(Process monitor) {
    BufferedReader told = monitor.inputReader(StandardCharsets.UTF_8);
    var reader =
        new Thread(
            () -> {
              try (told) {
                for (String line = told.readLine(); line != null; line = told.readLine()) {
                  note(line);
                }
              } catch (IOException e) {
                System.err.println("ip monitor: " + e);
              }
            },
            "ip monitor");
    reader.setDaemon(true);
    reader.start();
  }

  /** Notes one line of the monitor; lines about other things are left out. */
  synchronized void note(String line) {
    Matcher timed = TIME.matcher(line);
    if (!timed.matches()) {
      return;
    }
    long nanos = nanos(timed.group(1));
    Matcher link = LINK.matcher(timed.group(2));
    Matcher address = ADDRESS.matcher(timed.group(2));
    if (link.matches()) {
      boolean carrier = link.group(1) == null && ("," + link.group(3) + ",").contains(",LOWER_UP,");
      all.add(new LinkNotice(nanos, link.group(2), carrier));
    } else if (address.matches()) {
      boolean gone = address.group(1) != null;
      String flags = " " + address.group(4) + " ";
      boolean usable =
          !gone
              && !flags.contains(" dadfailed ")
              && (!flags.contains(" tentative ") || flags.contains(" optimistic "));
      all.add(new AddressNotice(nanos, address.group(2), address.group(3), usable, gone));
    }
    notifyAll();
  }

  private static long nanos(String time) {
    var instant = LocalDateTime.parse(time).atZone(ZoneId.systemDefault()).toInstant();
    return instant.getEpochSecond() * 1_000_000_000L + instant.getNano();
  }

  /**
   * Waits for a link's carrier to come or go.
   *
   * @param from earlier notices do not count
   * @return when it did; empty if not in time
   */
  synchronized OptionalLong awaitCarrier(
      String device, boolean carrier, long from, long patienceMillis) throws InterruptedException {
    long limit = System.nanoTime() + patienceMillis * 1_000_000;
    while (true) {
      OptionalLong found =
          all.stream()
              .filter(notice -> notice instanceof LinkNotice)
              .map(notice -> (LinkNotice) notice)
              .filter(n -> n.nanos() >= from && n.device().equals(device) && n.carrier() == carrier)
              .mapToLong(LinkNotice::nanos)
              .min();
      long left = (limit - System.nanoTime()) / 1_000_000;
      if (found.isPresent() || left <= 0) {
        return found;
      }
      wait(left);
    }
  }

  /** When a link's carrier first came in {@code [from, until)}. */
  synchronized OptionalLong firstCarrier(String device, long from, long until) {
    return all.stream()
        .filter(notice -> notice instanceof LinkNotice)
        .map(notice -> (LinkNotice) notice)
        .filter(n -> n.nanos() >= from && n.nanos() < until)
        .filter(n -> n.device().equals(device) && n.carrier())
        .mapToLong(LinkNotice::nanos)
        .min();
  }

  /** When the first address of a link could be used, not before {@code from}. */
  synchronized OptionalLong firstUsable(String device, Ipv6Prefix link, long from) {
    return all.stream()
        .filter(notice -> notice instanceof AddressNotice)
        .map(notice -> (AddressNotice) notice)
        .filter(n -> n.nanos() >= from && n.device().equals(device) && n.usable())
        .filter(n -> link.contains(Ipv6Address.parse(n.address())))
        .mapToLong(AddressNotice::nanos)
        .min();
  }
}
