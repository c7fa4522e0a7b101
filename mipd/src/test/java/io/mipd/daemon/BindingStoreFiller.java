package io.mipd.daemon;

import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/**
 * Bindings as a home agent leaves them when it is killed: 2001:db8:1::1:0 and those that follow,
 * each at the same of 2001:db8:a::. For {@code bench/restart.sh}.
 */
public final class BindingStoreFiller {
  private static final long HOMES = 0x2001_0db8_0001_0000L;
  private static final long CARE_OF = 0x2001_0db8_000a_0000L;
  private static final long FIRST = 0x10000;
  private static final int ACKNOWLEDGE_AND_HOME = 0xc000;
  private static final int SECONDS = 400;

  private BindingStoreFiller() {}

  /**
   * @param arguments the state directory, and how many
   */
  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[0]));
    Instant expiry = Instant.now().plusSeconds(SECONDS);
    try (BindingStore store = DurableBindingStore.ofHomeAgent(folder, () -> {})) {
      for (long i = FIRST; i < FIRST + Integer.parseInt(arguments[1]); i++) {
        store.put(
            new BindingStore.Entry(
                new HomeAddress(new Ipv6Address(HOMES, i)),
                new SequenceNumber(1),
                Optional.of(
                    new BindingStore.StoredBinding(
                        new CareOfAddress(new Ipv6Address(CARE_OF, i)),
                        ACKNOWLEDGE_AND_HOME,
                        expiry))));
      }
    }
  }
}
