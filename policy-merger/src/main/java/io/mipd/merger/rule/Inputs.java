package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;

/** What the rules may ask of the inputs of one direction. */
interface Inputs {
  /** The user's policies that are for some of the flows, by precedence. */
  ImmutableList<Policy> usersMeeting(Selector selector);

  /** The mobility policies that act on some of the flows, by precedence. */
  ImmutableList<MobilityPolicy> mobilityMeeting(Selector selector);
}
