package io.mipd.movein;

import java.nio.file.Path;

/**
 * Where something is written.
 *
 * @param line from 1
 */
record Place(Path file, int line) {
  @Override
  public String toString() {
    return file + ":" + line;
  }
}
