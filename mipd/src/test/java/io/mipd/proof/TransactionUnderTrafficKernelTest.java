package io.mipd.proof;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.model.Policy;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;

/** On Linux: whenever it may be. What has been told stays when who told it is gone. */
@Tag("kernel")
class TransactionUnderTrafficKernelTest extends TransactionUnderTraffic {
  private final Map<Place, KernelBackend> backends = new EnumMap<>(Place.class);

  @Override
  World open() {
    return new KernelWorld();
  }

  @Override
  XfrmBackend backend(Place place) throws Exception {
    return kernel(place);
  }

  private KernelBackend kernel(Place place) throws Exception {
    KernelBackend open = backends.get(place);
    if (open == null) {
      open = ((KernelWorld) world).kernel(place).namespace().within(KernelBackend::open);
      backends.put(place, open);
    }
    return open;
  }

  @Override
  ImmutableList<Policy> installed(Place place) throws Exception {
    return kernel(place).policies();
  }

  @Override
  void ends(Place place) throws Exception {
    kernel(place).close();
    backends.remove(place);
  }

  @AfterEach
  void closeBackends() {
    backends.values().forEach(KernelBackend::close);
  }
}
