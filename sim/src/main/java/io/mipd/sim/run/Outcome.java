package io.mipd.sim.run;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import io.mipd.sim.report.Handover;
import io.mipd.sim.report.Results;

/**
 * What a run has come to.
 *
 * @param measures figures by name
 * @param handovers each movement that was measured
 * @param violations of what must always hold, in words
 * @param events that have happened
 */
public record Outcome(
    Results results,
    ImmutableSortedMap<String, Double> measures,
    ImmutableList<Handover> handovers,
    ImmutableList<String> violations,
    long events) {}
