package io.mipd.merger.explain;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Policy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A difference for programs. */
public final class DifferenceDocument {
  private DifferenceDocument() {}

  public static Map<String, Object> of(Difference difference) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("added", difference.added().stream().map(Policy::toString).toList());
    document.put("removed", difference.removed().stream().map(Policy::toString).toList());
    document.put("changed", changes(difference.changed()));
    document.put("reordered", changes(difference.reordered()));
    document.put("steps", difference.plan().steps().stream().map(DifferenceText::words).toList());
    document.put("findings-appear", ExplanationDocument.findings(difference.appeared()));
    document.put("findings-disappear", ExplanationDocument.findings(difference.disappeared()));
    return document;
  }

  private static List<Object> changes(ImmutableList<Difference.Change> changes) {
    List<Object> all = new ArrayList<>();
    for (Difference.Change change : changes) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("before", change.before().toString());
      one.put("after", change.after().toString());
      all.add(one);
    }
    return all;
  }
}
