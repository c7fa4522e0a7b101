package io.mipd.mobility.mn;

import io.mipd.mobility.wire.CareOfAddress;

/** Where a mobile node is. */
sealed interface Attachment {
  /** On no link that would do. */
  record Nowhere() implements Attachment {}

  /** On its home link. */
  record Home(int interfaceIndex) implements Attachment {}

  /** On a foreign link. */
  record Away(int interfaceIndex, CareOfAddress careOf) implements Attachment {}
}
