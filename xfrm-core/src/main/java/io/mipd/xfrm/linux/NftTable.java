package io.mipd.xfrm.linux;

/** An nftables table of this process, and how it goes away. */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class NftTable implements AutoCloseable {
  /**
   * Loads a table that the kernel removes when this process ends, however it ends (flag {@code
   * owner}).
   *
   * @param family {@code ip6} or {@code inet}
   * @param name of the table; one of this name must not exist
   * @param body what stands between the table's braces: chains, sets and their rules, in the
   *     language of {@code nft(8)}
   */
  public static NftTable owned(String family, String name, String body) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Loads a table that stays until {@link #remove} is called; replaces one of this name. */
  public static void persistent(String family, String name, String body)
      throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * Removes a persistent table.
   *
   * @return false if there was none
   */
  public static boolean remove(String family, String name) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * Executes further commands on the table, such as {@code add element ip6 mipd coa { 2001:db8::1
   * }}, as one transaction.
   */
  public void execute(String commands) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Puts another body in the place of the table's, in one transaction. */
  public void replace(String body) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Removes the table. */
  @Override
  public void close() {}
}
