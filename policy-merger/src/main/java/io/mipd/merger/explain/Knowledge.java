package io.mipd.merger.explain;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Template;
import java.util.Optional;

/**
 * What templates find.
 *
 * @param associations the newest last
 */
public record Knowledge(
    ImmutableList<KnownAssociation> associations, ImmutableList<RouteOptimizationState> states) {
  public static final Knowledge NOTHING = new Knowledge(ImmutableList.of(), ImmutableList.of());

  Optional<KnownAssociation> association(Template template, Flow flow) {
    return associations.reverse().stream().filter(one -> one.serves(template, flow)).findFirst();
  }

  Optional<Ipv6Address> careOf(Template template, Flow flow) {
    var id = new RouteOptimizationState.Id(template.protocol(), flow.source(), flow.destination());
    return states.stream()
        .filter(state -> state.id().equals(id))
        .map(RouteOptimizationState::careOf)
        .findFirst();
  }
}
