package io.mipd.merger.judge;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.List;

/**
 * Who applies the policies, and what it cannot do.
 *
 * @param templates that it applies to a packet at most
 * @param ahTunnelsUnderOptions whether it covers an option or routing header by the AH whose tunnel
 *     made their IPv6 header
 * @param ownMarkBits no packet's mark has one of them, and no policy that it is given names some of
 *     them
 */
public record Backend(int templates, boolean ahTunnelsUnderOptions, int ownMarkBits) {
  public static final Backend WITHOUT_LIMITS = new Backend(100, true, 0);

  /** It applies less than a user and mobility together often want. */
  public static final Backend SHORT = new Backend(2, true, 0);

  /** As docs/linux.md has it. */
  public static final Backend LINUX = new Backend(5, false, 0xc000_0000);

  /** Whether a packet may bear it. */
  boolean hasPacketsOf(int mark) {
    return (mark & ownMarkBits) == 0;
  }

  /** Whether there may be a packet that it matches. */
  boolean hasPacketsOf(Mark mark) {
    return hasPacketsOf(mark.value());
  }

  /**
   * Whether a policy may ask for it: for none of the backend's own bits, or else for all 32 of a
   * packet's mark.
   */
  public boolean canBear(Mark mark) {
    return hasPacketsOf(mark) && ((mark.mask() & ownMarkBits) == 0 || mark.mask() == 0xffff_ffff);
  }

  boolean canApply(Bundle bundle, Direction direction) {
    return bundle.templates().size() <= templates
        && (ahTunnelsUnderOptions || direction != Direction.OUT || !hasOptionOfAnAhTunnel(bundle));
  }

  /** An option or routing header is in the IPv6 header of the nearest tunnel within. */
  private static boolean hasOptionOfAnAhTunnel(Bundle bundle) {
    List<Template> all = bundle.templates();
    for (int option = 0; option < all.size(); option++) {
      if (all.get(option).mode() != Mode.ROUTE_OPTIMIZATION) {
        continue;
      }
      for (int within = option - 1; within >= 0; within--) {
        if (all.get(within).mode() == Mode.TUNNEL) {
          if (all.get(within).protocol() == TransformProtocol.AH) {
            return true;
          }
          break;
        }
      }
    }
    return false;
  }
}
