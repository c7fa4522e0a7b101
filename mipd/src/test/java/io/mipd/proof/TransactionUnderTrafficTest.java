package io.mipd.proof;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.Policy;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * On our engine: between any two commands. An engine dies with its process; what is left then is
 * looked at in {@link io.mipd.daemon} with daemons that are killed.
 */
class TransactionUnderTrafficTest extends TransactionUnderTraffic {
  private final Map<Place, Books> books = new EnumMap<>(Place.class);

  /** What an engine has, as it was told: it cannot be asked. */
  private record Books(EngineWorld world, Place place, Map<Policy.Id, Policy> policies)
      implements XfrmBackend {
    @Override
    public XfrmReply apply(XfrmCommand command) {
      XfrmReply reply = world.host(place).apply(command);
      if (reply.equals(XfrmReply.DONE)) {
        if (command instanceof XfrmCommand.AddPolicy add) {
          policies.put(add.policy().id(), add.policy());
        } else if (command instanceof XfrmCommand.UpdatePolicy update) {
          policies.put(update.policy().id(), update.policy());
        } else if (command instanceof XfrmCommand.DeletePolicy delete) {
          policies.remove(delete.id());
        }
      }
      return reply;
    }

    @Override
    public Limits limits() {
      return Case.LINUX;
    }
  }

  @Override
  World open() {
    return new EngineWorld() {
      @Override
      public void prepare(Case row) {
        super.prepare(row);
        books.clear();
        for (Place place : row.places()) {
          Map<Policy.Id, Policy> policies = new LinkedHashMap<>();
          row.merged(place).policies().forEach(policy -> policies.put(policy.id(), policy));
          books.put(place, new Books(this, place, policies));
        }
      }
    };
  }

  private Books booksOf(Place place) {
    Books kept = books.get(place);
    if (kept == null) {
      throw new AssertionError("no host at " + place);
    }
    return kept;
  }

  @Override
  XfrmBackend backend(Place place) {
    return booksOf(place);
  }

  @Override
  ImmutableList<Policy> installed(Place place) {
    return ImmutableList.copyOf(booksOf(place).policies().values());
  }

  @Override
  void ends(Place place) {
    // Whoever has told the engine is heard of no more; the engine is told by somebody else.
  }
}
