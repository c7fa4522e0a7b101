/** What mutation testing needs of the tests (profile {@code mutations}). */
@NullMarked
package io.mipd.mutants;

import org.jspecify.annotations.NullMarked;
