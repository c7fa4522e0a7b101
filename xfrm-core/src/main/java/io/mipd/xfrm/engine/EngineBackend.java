package io.mipd.xfrm.engine;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Template;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The packet engine behind the boundary that it shares with the kernel. Used on the engine's
 * thread: a command is carried out between two packets, so no packet sees half of it.
 */
public final class EngineBackend implements XfrmBackend {
  private static final Limits LIMITS = new Limits(EngineSettings.MAX_TEMPLATES);

  private final EngineCore core;
  private final Databases databases;
  private final EngineSettings settings;

  public EngineBackend(PacketEngine engine) {
    core = engine.core();
    databases = core.databases();
    settings = core.settings();
  }

  @Override
  public Limits limits() {
    return LIMITS;
  }

  @Override
  public XfrmReply apply(XfrmCommand command) {
    if (command instanceof XfrmCommand.AddPolicy add) {
      return add(add.policy());
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      return put(update.policy());
    } else if (command instanceof XfrmCommand.DeletePolicy delete) {
      return databases.remove(delete.id()) ? XfrmReply.DONE : missing(delete.id());
    } else if (command instanceof XfrmCommand.AddAssociation add) {
      return add(add.association());
    } else if (command instanceof XfrmCommand.DeleteAssociation delete) {
      return delete(delete.id());
    } else if (command instanceof XfrmCommand.PutRouteOptimization put) {
      return put(put);
    } else if (command instanceof XfrmCommand.DeleteRouteOptimization delete) {
      boolean removed = databases.associations().remove(delete.id());
      databases.changed();
      return removed ? XfrmReply.DONE : missing(delete.id());
    } else if (command instanceof XfrmCommand.Migrate migrate) {
      return migrate(migrate);
    } else if (command instanceof XfrmCommand.TellKeyManager) {
      return failed(XfrmError.INVALID, "the engine has no key manager");
    }
    for (LiveAssociation live : databases.associations().associations()) {
      core.forget(live);
    }
    databases.clear();
    return XfrmReply.DONE;
  }

  private static XfrmReply failed(XfrmError error, String text) {
    return new XfrmReply.Failed(error, text);
  }

  private static XfrmReply missing(Object id) {
    return failed(XfrmError.NOT_FOUND, "nothing there: " + id);
  }

  private XfrmReply add(Policy policy) {
    if (databases.policies(policy.direction()).get(policy.selector()).isPresent()) {
      return failed(XfrmError.EXISTS, "a policy is there: " + policy.id());
    }
    return put(policy);
  }

  private XfrmReply put(Policy policy) {
    int templates = policy.bundle().templates().size();
    if (templates > EngineSettings.MAX_TEMPLATES) {
      return failed(
          XfrmError.LIMIT,
          templates + " templates, at most " + EngineSettings.MAX_TEMPLATES + " can act");
    }
    PolicyDatabase database = databases.policies(policy.direction());
    if (database.size() >= settings.maxPolicies() && database.get(policy.selector()).isEmpty()) {
      return failed(XfrmError.LIMIT, "at most " + settings.maxPolicies() + " policies");
    }
    databases.put(policy);
    return XfrmReply.DONE;
  }

  private XfrmReply add(SecurityAssociation association) {
    AssociationDatabase associations = databases.associations();
    if (associations.contains(association.id())) {
      return failed(XfrmError.EXISTS, "an association is there: " + association.id());
    }
    if (associations.size() >= settings.maxAssociations()) {
      return failed(XfrmError.LIMIT, "at most " + settings.maxAssociations() + " associations");
    }
    core.add(association);
    return XfrmReply.DONE;
  }

  private XfrmReply delete(AssociationId id) {
    LiveAssociation removed = databases.associations().remove(id);
    databases.changed();
    if (removed == null) {
      return missing(id);
    }
    core.forget(removed);
    return XfrmReply.DONE;
  }

  private XfrmReply put(XfrmCommand.PutRouteOptimization put) {
    AssociationDatabase associations = databases.associations();
    if (associations.routeOptimizationCount() >= settings.maxAssociations()) {
      return failed(XfrmError.LIMIT, "at most " + settings.maxAssociations() + " states");
    }
    associations.put(put.state());
    databases.changed();
    return XfrmReply.DONE;
  }

  /**
   * As XFRM_MSG_MIGRATE: the templates of the one policy, and the associations between the old end
   * points. An association that an earlier command for another policy has taken along is no error.
   */
  private XfrmReply migrate(XfrmCommand.Migrate migrate) {
    PolicyDatabase database = databases.policies(migrate.policy().direction());
    Optional<Policy> policy = database.get(migrate.policy().selector());
    if (policy.isEmpty()) {
      return missing(migrate.policy());
    }
    Policy moved = moved(policy.get(), migrate.moves());
    Map<LiveAssociation, SecurityAssociation> movedAssociations = new LinkedHashMap<>();
    for (XfrmCommand.Move move : migrate.moves()) {
      for (LiveAssociation live : between(move)) {
        movedAssociations.putIfAbsent(
            live, live.association().movedTo(move.newSource(), move.newDestination()));
      }
    }
    if (moved.equals(policy.get()) && movedAssociations.isEmpty()) {
      return failed(XfrmError.NOT_FOUND, "nothing between the old end points: " + migrate.moves());
    }
    Set<AssociationId> vacated = new HashSet<>();
    for (LiveAssociation live : movedAssociations.keySet()) {
      vacated.add(live.association().id());
    }
    Set<AssociationId> taken = new HashSet<>();
    for (SecurityAssociation after : movedAssociations.values()) {
      boolean occupied =
          databases.associations().contains(after.id()) && !vacated.contains(after.id());
      if (occupied || !taken.add(after.id())) {
        return failed(XfrmError.EXISTS, "two associations would be " + after.id());
      }
    }
    for (LiveAssociation live : movedAssociations.keySet()) {
      databases.associations().remove(live.association().id());
    }
    movedAssociations.forEach(
        (live, association) -> {
          AssociationId former = live.association().id();
          live.setFormerSource(live.association().source());
          live.moveTo(association);
          databases.associations().add(live);
          if (!former.equals(association.id())) {
            databases.associations().alsoAt(former, live);
          }
        });
    databases.put(moved);
    return XfrmReply.DONE;
  }

  private static Policy moved(Policy policy, ImmutableList<XfrmCommand.Move> moves) {
    var templates = ImmutableList.<Template>builder();
    for (Template template : policy.bundle().templates()) {
      templates.add(moved(template, moves));
    }
    return new Policy(
        policy.selector(),
        policy.direction(),
        policy.priority(),
        policy.action(),
        new Bundle(templates.build()));
  }

  private static Template moved(Template template, ImmutableList<XfrmCommand.Move> moves) {
    for (XfrmCommand.Move move : moves) {
      if (template.protocol() == move.protocol()
          && template.mode() == move.mode()
          && template.reqId().equals(move.reqId())
          && template.source().equals(move.oldSource())
          && template.destination().equals(move.oldDestination())) {
        return template.withAddresses(move.newSource(), move.newDestination());
      }
    }
    return template;
  }

  private ImmutableList<LiveAssociation> between(XfrmCommand.Move move) {
    return databases
        .associations()
        .between(
            move.protocol(), move.mode(), move.reqId(), move.oldSource(), move.oldDestination());
  }
}
