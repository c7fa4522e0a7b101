package io.mipd.mobility.planner;

import io.mipd.xfrm.model.Template;

/**
 * The mobile node's end of the tunnel with its home agent, as templates.
 *
 * @param testsOut around its own Mobility Header messages to correspondents
 * @param testsIn around those from correspondents
 */
public record Tunnel(
    Template payloadOut, Template payloadIn, Template testsOut, Template testsIn) {}
