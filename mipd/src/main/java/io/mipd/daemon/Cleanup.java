package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.linux.NftTable;
import io.mipd.xfrm.linux.Rtnetlink;
import java.io.IOException;

/**
 * Removes everything that a dead daemon left, what kept its home addresses' packets from leaving in
 * clear included. Doing it twice changes nothing more.
 */
final class Cleanup {
  private Cleanup() {}

  /**
   * @return what was removed, in words
   * @throws IOException if a daemon runs on this state directory, or the system cannot be asked
   */
  static ImmutableList<String> run(StateDirectory state) throws IOException {
    try (var lock = state.lock();
        var netlink = Rtnetlink.open()) {
      var done = ImmutableList.<String>builder();
      done.addAll(new SystemChanges(netlink, Journal.open(lock.path())).takeBackAll());
      if (NftTable.remove(DropTable.FAMILY, EngineWorld.TABLE_NAME)) {
        done.add("nftables table " + DropTable.FAMILY + " " + EngineWorld.TABLE_NAME);
      }
      return done.build();
    }
  }
}
