package io.mipd.sim.run;

/**
 * A control message that passed a mobile node's interface, as a message sequence diagram shows it.
 *
 * @param nanos since the epoch
 * @param from name of the node that sent it, or its address
 * @param to name of the node that it is for, or its address
 */
public record Signal(long nanos, String from, String to, String message) {}
