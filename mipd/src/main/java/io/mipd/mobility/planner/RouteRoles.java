package io.mipd.mobility.planner;

/**
 * What a node does of route optimization (RFC 6275 section 5.2).
 *
 * @param optimizes it registers its own care-of address with its correspondents
 * @param corresponds it takes the registrations of others
 */
public record RouteRoles(boolean optimizes, boolean corresponds) {
  public static final RouteRoles NONE = new RouteRoles(false, false);
}
