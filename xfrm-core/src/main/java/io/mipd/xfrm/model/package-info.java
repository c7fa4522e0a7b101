/**
 * The nouns of IPsec and Mobile IPv6: addresses, flows, selectors, templates, policies,
 * associations.
 */
@NullMarked
package io.mipd.xfrm.model;

import org.jspecify.annotations.NullMarked;
