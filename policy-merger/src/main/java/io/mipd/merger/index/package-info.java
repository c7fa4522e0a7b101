/** Many selectors, and the few of them that another one, or a flow, meets. */
@NullMarked
package io.mipd.merger.index;

import org.jspecify.annotations.NullMarked;
