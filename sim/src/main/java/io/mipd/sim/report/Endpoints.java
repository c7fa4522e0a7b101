package io.mipd.sim.report;

/**
 * Between whom the measured flows go.
 *
 * @param homeAgent address of the mobile node's home agent, as tshark writes it
 * @param homeAddress of the mobile node
 * @param correspondent its address
 * @param portOut UDP port of the flow from the mobile node
 * @param portIn of the flow to it
 */
public record Endpoints(
    String homeAgent, String homeAddress, String correspondent, int portOut, int portIn) {}
