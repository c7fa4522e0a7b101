package io.mipd.daemon;

import com.google.common.collect.ImmutableMap;
import io.mipd.control.ControlEvent.Kind;
import io.mipd.control.EventLog;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Instant;
import java.util.Optional;

/**
 * Writes down the Mobility Header messages that come and go, for who watches them. Apart from other
 * events: of messages there may be many, and anybody can send some. No cookies, no tokens.
 */
final class MessageChronicle {
  private final EventLog log;

  MessageChronicle(EventLog log) {
    this.log = log;
  }

  void happens(Instant now, NodeEvent event) {
    if (event instanceof NodeEvent.MobilityMessageArrived arrived) {
      add(
          now,
          MessageCounts.RECEIVED,
          arrived.message(),
          arrived.arrival().source(),
          arrived.arrival().destination(),
          arrived.arrival().careOf());
    }
  }

  void sent(Instant now, NodeAction.SendMessage send) {
    add(
        now,
        MessageCounts.SENT,
        send.message(),
        send.source(),
        send.destination(),
        send.careOf().map(CareOfAddress::value));
  }

  private void add(
      Instant now,
      String direction,
      MobilityMessage message,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<Ipv6Address> careOf) {
    String type = MessageCounts.word(message.type());
    var facts =
        ImmutableMap.<String, Object>builder()
            .put("direction", direction)
            .put("type", type)
            .put("source", source.toString())
            .put("destination", destination.toString());
    careOf.ifPresent(it -> facts.put("care-of-address", it.toString()));
    String more = "";
    if (message instanceof MobilityMessage.BindingUpdate update) {
      facts.put("sequence", update.sequence().value());
      facts.put("lifetime-seconds", update.lifetime().asDuration().toSeconds());
      facts.put("home-registration", update.has(BindingFlag.HOME_REGISTRATION));
      more = ", lifetime " + update.lifetime().asDuration().toSeconds() + " s";
    } else if (message instanceof MobilityMessage.BindingAcknowledgement acknowledgement) {
      facts.put("sequence", acknowledgement.sequence().value());
      facts.put("lifetime-seconds", acknowledgement.lifetime().asDuration().toSeconds());
      facts.put("status", acknowledgement.status().code());
      more = ", status " + acknowledgement.status();
    } else if (message instanceof MobilityMessage.BindingError error) {
      facts.put("status", error.status());
      more = ", status " + error.status();
    }
    log.add(
        now,
        Kind.MESSAGE,
        direction + " " + type.replace('-', ' ') + ", " + source + " to " + destination + more,
        facts.buildOrThrow());
  }
}
