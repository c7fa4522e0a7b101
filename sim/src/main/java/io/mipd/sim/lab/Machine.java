package io.mipd.sim.lab;

import java.io.IOException;

/** What programs are started on: this machine, or a guest of it. */
interface Machine {
  /** The one that the lab itself runs on. */
  Machine LOCAL = ProcessBuilder::start;

  /**
   * Starts a program with streams as {@link ProcessBuilder#start} would. Folder and environment are
   * the machine's own.
   */
  Process start(ProcessBuilder program) throws IOException;
}
