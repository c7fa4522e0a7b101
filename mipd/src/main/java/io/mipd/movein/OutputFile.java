package io.mipd.movein;

/** A file to write. */
public final class OutputFile {
  private final String name;
  private final String text;
  private final boolean secret;

  private OutputFile(String name, String text, boolean secret) {
    this.name = name;
    this.text = text;
    this.secret = secret;
  }

  static OutputFile configuration(String name, String text) {
    return new OutputFile(name, text, false);
  }

  static OutputFile keys(String name, KeyText keys) {
    return new OutputFile(name, keys.reveal(), true);
  }

  /** Without a folder. */
  public String name() {
    return name;
  }

  /** What it says; keys, if {@link #isSecret}. */
  public String text() {
    return text;
  }

  /** Whether nobody but its owner may read it. */
  public boolean isSecret() {
    return secret;
  }

  @Override
  public String toString() {
    return name;
  }
}
