package io.mipd.proof;

import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.host.EngineHost;
import io.mipd.xfrm.host.Host;
import io.mipd.xfrm.model.Policy;
import java.util.EnumMap;
import java.util.Map;

/** All hosts on engines, new for each case. */
class EngineWorld implements World {
  private final Map<Place, EngineHost> hosts = new EnumMap<>(Place.class);

  @Override
  public void prepare(Case row) {
    hosts.clear();
    for (Place place : row.places()) {
      var host = new EngineHost(place.addresses());
      give(host, row, place);
      for (Policy policy : row.merged(place).policies()) {
        done(host, new XfrmCommand.AddPolicy(policy));
      }
      hosts.put(place, host);
    }
  }

  /** The states first, that no policy asks for any. */
  static void give(Host host, Case row, Place place) {
    row.associations()
        .forEach(association -> done(host, new XfrmCommand.AddAssociation(association)));
    row.states(place).forEach(state -> done(host, new XfrmCommand.PutRouteOptimization(state)));
  }

  static void done(Host host, XfrmCommand command) {
    if (host.apply(command) instanceof XfrmReply.Failed failed) {
      throw new AssertionError(command + ": " + failed);
    }
  }

  @Override
  public Host host(Place place) {
    Host host = hosts.get(place);
    if (host == null) {
      throw new AssertionError("no host at " + place);
    }
    return host;
  }

  @Override
  public void close() {
    // Nothing is open.
  }
}
