package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The home agents that were found, in the state directory: the first is the one in use (RFC 6275
 * section 11.4.1).
 */
final class HomeAgentChoice {
  static final String FILE = "home-agents";

  private final StateFile file;
  private final List<Ipv6Address> addresses;

  private HomeAgentChoice(StateFile file, List<Ipv6Address> addresses) {
    this.file = file;
    this.addresses = addresses;
  }

  static HomeAgentChoice open(Path stateDirectory) throws IOException {
    var file = new StateFile(stateDirectory.resolve(FILE), "mipd home-agents 1");
    return new HomeAgentChoice(file, new ArrayList<>(file.read(Ipv6Address::parse)));
  }

  Optional<Ipv6Address> current() {
    return addresses.stream().findFirst();
  }

  ImmutableList<Ipv6Address> all() {
    return ImmutableList.copyOf(addresses);
  }

  /** Durable when this returns. */
  void found(ImmutableList<Ipv6Address> all) throws IOException {
    addresses.clear();
    addresses.addAll(all);
    write();
  }

  /** The one in use will not do; without another one they are to be found anew. */
  void fails() throws IOException {
    if (!addresses.isEmpty()) {
      addresses.remove(0);
      write();
    }
  }

  private void write() throws IOException {
    file.write(addresses.stream().map(Ipv6Address::toString).toList());
  }
}
