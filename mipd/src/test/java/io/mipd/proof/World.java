package io.mipd.proof;

import io.mipd.xfrm.host.Host;

/** Where the hosts of a case are. */
interface World extends AutoCloseable {
  /** Gives its hosts what the case wants of policies and states. */
  void prepare(Case row) throws Exception;

  Host host(Place place);

  @Override
  void close();
}
