package io.mipd.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The page: one file with its style and its script, which asks nothing of anybody but this server.
 *
 * @param policy its Content-Security-Policy, which holds it to that
 */
record Page(String text, String policy) {
  private static final String RESOURCE = "page.html";
  private static final Pattern STYLE = Pattern.compile("<style>(.*?)</style>", Pattern.DOTALL);
  private static final Pattern SCRIPT = Pattern.compile("<script>(.*?)</script>", Pattern.DOTALL);

  /**
   * @throws IOException if it cannot be read
   */
  static Page read() throws IOException {
    try (InputStream in = Page.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IOException("this mipd was built without " + RESOURCE);
      }
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return new Page(
          text,
          "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none';"
              + " form-action 'none'; frame-ancestors 'none'; style-src "
              + hash(STYLE, text)
              + "; script-src "
              + hash(SCRIPT, text));
    }
  }

  /** Of what stands between the tags, as browsers compute it (CSP level 2). */
  private static String hash(Pattern element, String text) throws IOException {
    Matcher found = element.matcher(text);
    if (!found.find()) {
      throw new IOException(RESOURCE + " lacks " + element);
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(found.group(1).getBytes(StandardCharsets.UTF_8));
      return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
