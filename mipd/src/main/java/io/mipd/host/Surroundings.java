package io.mipd.host;

import io.mipd.mobility.NodeAction;

/**
 * What a {@link Host} has around it: links, applications, and an operating system for what is not
 * its own. Called within the host's methods, so an implementation notes what it is told and calls
 * the host only afterwards. Arrays belong to who is called.
 */
public interface Surroundings {
  /** A complete packet, to be routed by its destination, out by the link that has its source. */
  void transmit(byte[] packet);

  /** A packet of Neighbor Discovery for one link, with hop limit 255. */
  void transmit(int interfaceIndex, byte[] packet);

  /**
   * A packet that has come in: for this node's applications if its destination is an address of the
   * node, else to be routed on.
   */
  void deliver(byte[] packet);

  /**
   * Something that the core wants of an operating system: {@link NodeAction.StartDad}, {@link
   * NodeAction.JoinAnycast}, {@link NodeAction.Proxy}, {@link NodeAction.SolicitRouters}, {@link
   * NodeAction.ForgetLink}, {@link NodeAction.PlaceHomeAddress}, {@link NodeAction.RetakeAddress},
   * {@link NodeAction.KnowNeighbor}, {@link NodeAction.Subscribe}; what is to be durable, {@link
   * NodeAction.RememberBinding}, {@link NodeAction.ForgetBinding}, {@link
   * NodeAction.RememberSequence}; or to be known, {@link NodeAction.HomeAgentsFound}, {@link
   * NodeAction.HomeAgentFails}, {@link NodeAction.Tell}. The host has done its own part of {@code
   * Proxy}, {@code PlaceHomeAddress} and {@link NodeAction.InterceptPeer}: which packets meet
   * policies.
   */
  void perform(NodeAction action);
}
