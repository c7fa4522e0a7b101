package io.mipd.sim.run;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeAction.Place;
import io.mipd.mobility.NodeAction.Refusal;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.planner.Route;
import io.mipd.mobility.planner.RoutePolicies;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.sim.mobile.Joints;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.AntiReplay;
import io.mipd.xfrm.transform.SequenceStore;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/** Mistakes that one could make in cores, merger and engine; each by itself, in all nodes alike. */
enum Mistake implements Joints {
  CORRESPONDENT_TAKES_OLD_SEQUENCE_NUMBERS("no binding goes back to an older update") {
    @Override
    public MobilityNode core(String node, MobilityNode core) {
      return takes(core, Refusal.OLD_SEQUENCE);
    }
  },

  CORRESPONDENT_TAKES_EXPIRED_NONCES("a correspondent binds only what it has tested of late") {
    @Override
    public MobilityNode core(String node, MobilityNode core) {
      return takes(core, Refusal.EXPIRED_NONCE);
    }
  },

  CORRESPONDENT_CHECKS_NO_AUTHENTICATOR("a correspondent binds only what it has tested of late") {
    @Override
    public MobilityNode core(String node, MobilityNode core) {
      return takes(core, Refusal.NOT_AUTHENTIC);
    }
  },

  CORRESPONDENT_KEEPS_ROUTES_OF_ENDED_BINDINGS(
      "a correspondent uses no care-of address whose authorisation has expired") {
    @Override
    public MobilityNode core(String node, MobilityNode core) {
      return Joints.hearing(
          core,
          (now, event, actions) -> {
            if (event instanceof NodeEvent.DeadlineReached) {
              actions.removeIf(action -> isEndOfRoute(action));
            }
          });
    }
  },

  CORRESPONDENT_LETS_BINDINGS_LIVE_TOO_LONG("no binding outlives what was acknowledged") {
    @Override
    public MobilityNode core(String node, MobilityNode core) {
      return grantsTheShortest(core, Mistake::isRouteRegistration);
    }
  },

  CORRESPONDENT_IGNORES_DEREGISTRATION("no binding outlives what was acknowledged") {
    @Override
    public MobilityNode core(String node, MobilityNode core) {
      return instead(
          core, event -> isRouteRegistration(event) && isEnd(event), event -> ImmutableList.of());
    }
  },

  HOME_AGENT_LETS_BINDINGS_LIVE_TOO_LONG("no binding outlives what was acknowledged") {
    @Override
    public MobilityNode core(String node, MobilityNode core) {
      return grantsTheShortest(core, Mistake::isHomeRegistration);
    }
  },

  HOME_AGENT_IGNORES_DEREGISTRATION("no binding outlives what was acknowledged") {
    @Override
    public MobilityNode core(String node, MobilityNode core) {
      return instead(
          core,
          event -> isHomeRegistration(event) && isEnd(event),
          event ->
              ImmutableList.of(
                  acknowledgement(
                      update(event).orElseThrow(),
                      ((NodeEvent.MobilityMessageArrived) event).arrival())));
    }
  },

  MOBILE_NODE_KEEPS_ITS_HOME_ADDRESS_ON_FOREIGN_LINKS("no home address leaves on a foreign link") {
    @Override
    public MobilityNode core(String node, MobilityNode core) {
      return Joints.hearing(
          core,
          (now, event, actions) ->
              actions.removeIf(
                  action ->
                      action instanceof NodeAction.PlaceHomeAddress place
                          && place.place() != Place.HOME));
    }
  },

  MERGER_OMITS_A_POLICY("each policy is one that the planner wants") {
    @Override
    public XfrmBackend backend(String node, XfrmBackend engine) {
      return commanded(
          engine,
          policy ->
              policy.direction() == Direction.OUT && count(policy, Mode.TUNNEL) > 0
                  ? Optional.empty()
                  : Optional.of(policy));
    }
  },

  MERGER_LEAVES_ESP_OUT("each policy is one that the planner wants") {
    @Override
    public XfrmBackend backend(String node, XfrmBackend engine) {
      return commanded(
          engine,
          policy ->
              Optional.of(
                  with(
                      policy,
                      policy.bundle().templates().stream()
                          .filter(
                              it ->
                                  it.protocol() != TransformProtocol.ESP
                                      || it.mode() != Mode.TRANSPORT)
                          .collect(ImmutableList.toImmutableList()))));
    }
  },

  MERGER_FORGETS_THE_USER("each policy is one that the planner wants") {
    @Override
    public XfrmBackend backend(String node, XfrmBackend engine) {
      return commanded(engine, policy -> Optional.of(withoutInnermost(policy)));
    }
  },

  MERGER_DECIDES_WITHOUT_ESP("nothing that is to be protected leaves in the clear") {
    @Override
    public XfrmBackend engine(String node, XfrmBackend engine) {
      return commanded(
          engine,
          policy ->
              Optional.of(
                  with(
                      policy,
                      policy.bundle().templates().stream()
                          .filter(it -> it.protocol() != TransformProtocol.ESP)
                          .collect(ImmutableList.toImmutableList()))));
    }
  },

  MERGER_DECIDES_WITHOUT_THE_USER("nothing that is to be protected leaves in the clear") {
    @Override
    public XfrmBackend engine(String node, XfrmBackend engine) {
      return commanded(engine, policy -> Optional.of(withoutInnermost(policy)));
    }
  },

  ENGINE_BELIEVES_OLD_HOME_ADDRESS_OPTIONS("each route is one that the planner wants") {
    @Override
    public XfrmBackend backend(String node, XfrmBackend engine) {
      return new XfrmBackend() {
        @Override
        public XfrmReply apply(XfrmCommand command) {
          return command instanceof XfrmCommand.DeleteRouteOptimization delete
                  && delete.id().protocol() == TransformProtocol.HAO
              ? XfrmReply.DONE
              : engine.apply(command);
        }

        @Override
        public Limits limits() {
          return engine.limits();
        }
      };
    }
  },

  ENGINE_HAS_NO_REPLAY_WINDOW("a protected packet is taken once") {
    @Override
    public SequenceStore sequences(String node, SequenceStore store) {
      return Joints.windows(
          store,
          (association, window) ->
              new AntiReplay() {
                @Override
                public long reconstruct(int lowOrder) {
                  return Integer.toUnsignedLong(lowOrder);
                }

                @Override
                public void accept(long sequenceNumber) {}
              });
    }
  };

  private final String rule;

  Mistake(String rule) {
    this.rule = rule;
  }

  /** What it breaks. */
  String rule() {
    return rule;
  }

  private static boolean isEndOfRoute(NodeAction action) {
    return (action instanceof NodeAction.WantMobility want
            && want.owner().peer().isPresent()
            && want.wish().states().isEmpty())
        || (action instanceof NodeAction.InterceptPeer intercept && !intercept.on());
  }

  /** A correspondent that does what is asked where it is to refuse. */
  private static MobilityNode takes(MobilityNode core, Refusal refusal) {
    return Joints.hearing(
        core,
        (now, event, actions) -> {
          boolean refused =
              actions.stream()
                  .anyMatch(
                      action ->
                          action instanceof NodeAction.Refuse refuse && refuse.reason() == refusal);
          Optional<BindingUpdate> update = update(event);
          if (refused && update.isPresent() && !update.get().lifetime().isZero()) {
            Arrival arrival = ((NodeEvent.MobilityMessageArrived) event).arrival();
            actions.clear();
            actions.add(route(arrival));
            actions.add(acknowledgement(update.get(), arrival));
          }
        });
  }

  /** The shortest lifetime of all is granted, and the one that was asked for is kept. */
  private static MobilityNode grantsTheShortest(MobilityNode core, Predicate<NodeEvent> to) {
    return Joints.hearing(
        core,
        (now, event, actions) ->
            actions.replaceAll(
                action ->
                    action instanceof NodeAction.SendMessage send
                            && send.message() instanceof BindingAcknowledgement acknowledgement
                            && !acknowledgement.lifetime().isZero()
                            && to.test(event)
                        ? with(send, acknowledgement, new BindingLifetime(1))
                        : action));
  }

  /** At some events it does something else, and knows nothing of them. */
  private static MobilityNode instead(
      MobilityNode core, Predicate<NodeEvent> at, Function<NodeEvent, List<NodeAction>> other) {
    return new MobilityNode() {
      @Override
      public List<NodeAction> handle(Instant now, NodeEvent event) {
        return at.test(event) ? other.apply(event) : core.handle(now, event);
      }

      @Override
      public Optional<Instant> nextDeadline() {
        return core.nextDeadline();
      }
    };
  }

  private static Optional<BindingUpdate> update(NodeEvent event) {
    return event instanceof NodeEvent.MobilityMessageArrived arrived
            && arrived.message() instanceof BindingUpdate update
        ? Optional.of(update)
        : Optional.empty();
  }

  private static boolean isEnd(NodeEvent event) {
    return update(event).filter(it -> it.lifetime().isZero()).isPresent();
  }

  private static boolean isHomeRegistration(NodeEvent event) {
    return update(event).filter(it -> it.has(BindingFlag.HOME_REGISTRATION)).isPresent();
  }

  /** At a correspondent. */
  private static boolean isRouteRegistration(NodeEvent event) {
    return update(event).filter(it -> !it.has(BindingFlag.HOME_REGISTRATION)).isPresent();
  }

  private static NodeAction route(Arrival arrival) {
    Ipv6Address local = arrival.destination();
    Ipv6Address home = arrival.source();
    Optional<CareOfAddress> careOf = arrival.careOf().map(CareOfAddress::new);
    return new NodeAction.WantMobility(
        WishOwner.route(local, home),
        RoutePolicies.route(local, home, Route.NONE, new Route(careOf, careOf), Optional.empty()));
  }

  private static NodeAction.SendMessage acknowledgement(BindingUpdate update, Arrival arrival) {
    return new NodeAction.SendMessage(
        new BindingAcknowledgement(
            BindingStatus.ACCEPTED,
            false,
            update.sequence(),
            update.lifetime(),
            ImmutableList.of()),
        /* source= */ arrival.destination(),
        /* destination= */ arrival.source(),
        arrival.careOf().map(CareOfAddress::new));
  }

  private static NodeAction.SendMessage with(
      NodeAction.SendMessage send,
      BindingAcknowledgement acknowledgement,
      BindingLifetime lifetime) {
    return new NodeAction.SendMessage(
        new BindingAcknowledgement(
            acknowledgement.status(),
            acknowledgement.keyManagement(),
            acknowledgement.sequence(),
            lifetime,
            acknowledgement.options()),
        /* source= */ send.source(),
        /* destination= */ send.destination(),
        send.careOf());
  }

  private interface Rewriting {
    Optional<Policy> of(Policy policy);
  }

  private static XfrmBackend commanded(XfrmBackend engine, Rewriting rewriting) {
    return new XfrmBackend() {
      @Override
      public XfrmReply apply(XfrmCommand command) {
        if (command instanceof XfrmCommand.AddPolicy add) {
          return put(add.policy());
        }
        return command instanceof XfrmCommand.UpdatePolicy update
            ? put(update.policy())
            : engine.apply(command);
      }

      private XfrmReply put(Policy policy) {
        return rewriting
            .of(policy)
            .map(it -> engine.apply(new XfrmCommand.UpdatePolicy(it)))
            .orElse(XfrmReply.DONE);
      }

      @Override
      public Limits limits() {
        return engine.limits();
      }
    };
  }

  /** Where the user's part is, if there is more than one. */
  private static Policy withoutInnermost(Policy policy) {
    ImmutableList<Template> all = policy.bundle().templates();
    return all.size() < 2 ? policy : with(policy, all.subList(1, all.size()));
  }

  private static long count(Policy policy, Mode mode) {
    return policy.bundle().templates().stream()
        .filter(it -> it.protocol() == TransformProtocol.ESP && it.mode() == mode)
        .count();
  }

  private static Policy with(Policy policy, ImmutableList<Template> templates) {
    return new Policy(
        policy.selector(),
        policy.direction(),
        policy.priority(),
        policy.action(),
        new Bundle(templates));
  }
}
