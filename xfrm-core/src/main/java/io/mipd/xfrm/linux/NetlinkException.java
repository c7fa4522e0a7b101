package io.mipd.xfrm.linux;

/** The kernel refused a netlink request. */
public final class NetlinkException extends SystemCallException {
  private final String extendedText;

  /**
   * @param request the message, such as {@code RTM_NEWROUTE}
   * @param object what it was about
   * @param errno the symbolic name of the error
   * @param text the error in words
   * @param extendedText the kernel's own explanation (extended acknowledgement), or empty
   */
  public NetlinkException(
      String request, String object, String errno, String text, String extendedText) {
    super(request, object, errno, extendedText.isEmpty() ? text : text + ": " + extendedText);
    this.extendedText = extendedText;
  }

  /** The kernel's own explanation (extended acknowledgement), or empty. */
  public String extendedText() {
    return extendedText;
  }
}
