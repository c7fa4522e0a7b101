package io.mipd.xfrm.model;

/** Ties the template of a policy to the associations made for it. Zero matches any. */
public record ReqId(int value) {
  public static final ReqId ANY = new ReqId(0);

  public boolean isAny() {
    return value == 0;
  }

  @Override
  public String toString() {
    return Integer.toString(value);
  }
}
