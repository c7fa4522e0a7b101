/**
 * The daemon for browsers and monitoring (docs/http.md): the answers of the control protocol,
 * metrics, events as they come, and a page. Knows nothing of what is asked.
 */
@NullMarked
package io.mipd.http;

import org.jspecify.annotations.NullMarked;
