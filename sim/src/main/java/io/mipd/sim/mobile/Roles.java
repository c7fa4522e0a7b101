package io.mipd.sim.mobile;

import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.mn.MobileNode;
import java.util.Optional;

/**
 * A node's cores.
 *
 * @param node all of them together
 */
public record Roles(
    MobilityNode node,
    Optional<MobileNode> mobile,
    Optional<HomeAgent> agent,
    Optional<CorrespondentNode> correspondent) {}
