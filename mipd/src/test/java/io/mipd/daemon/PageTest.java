package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.TestNet.Mipd;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The page of a home agent and of a mobile node in Chromium, while the mobile node registers and
 * moves. Leaves screenshots in {@code target/page}.
 */
@Tag("root")
class PageTest {
  private static final String SITE = "http://[::1]:8480/";
  private static final String TOKEN = "0123456789abcdef0123456789abcdef";
  private static final int PHONE = 390;
  private static final Path PICTURES = Path.of("target/page");

  /** Chooses one policy after the other until there is a tunnel in ESP. */
  private static final String CHOOSE_A_TUNNEL =
      """
      (() => {
        const choice = document.querySelector('#policy');
        return [...choice.options].some(one => {
          choice.value = one.value;
          choice.dispatchEvent(new Event('change'));
          return document.querySelector('#bundles .nest .ip > .esp > .ip') !== null;
        });
      })()
      """;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    TestNet.needsCommand("chromium");
    net = TestNet.create(folder);
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  /**
   * @param changes of the sample, beside that it serves over HTTP
   */
  private Mipd start(String node, String sample, String... changes) throws Exception {
    net.keys(node, "http.token", TOKEN + "\n");
    var all =
        new ArrayList<>(
            List.of("tunnel-mtu = 1400", "tunnel-mtu = 1400\nhttp { token = http.token }"));
    all.addAll(List.of(changes));
    return net.startMipd(node, net.configuration(node, sample, all.toArray(new String[0])));
  }

  private void until(Browser browser, String selector, String... words) throws Exception {
    net.until(
        selector + " has " + String.join(", ", words),
        TestNet.LONG,
        () -> {
          String text = browser.text(selector);
          for (String word : words) {
            if (!text.contains(word)) {
              return false;
            }
          }
          return true;
        });
  }

  private static void type(Browser browser, String token) throws IOException {
    browser.value(
        "(document.querySelector('#token').value = '"
            + token
            + "', document.querySelector('#door button').click())");
  }

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void aRegistrationArrivesAndAHandoverHappens() throws Exception {
    net.plug("a");
    start("ha", "home-agent.conf");
    net.startMipd("cn", net.configuration("cn", "correspondent.conf"));
    try (Browser agent =
        new Browser(net.ns("ha"), folder, "--host-resolver-rules=MAP evil.example [::1]")) {
      agent.look("light", 1280, 900, false);
      agent.open(SITE);
      until(agent, "#door button", "Enter");
      type(agent, TOKEN.replace('0', '1'));
      until(agent, "#wrong", "This token is wrong.");
      type(agent, TOKEN);
      until(agent, "#who h2", "0 bindings");
      until(agent, "#title", "home agent");

      start(
          "mn",
          "mobile-node.conf",
          "mobile-node {",
          "mobile-node {\n  route-optimization { enabled = on }\n");
      until(agent, "#who .row", TestNet.HOME_ADDRESS, "at 2001:db8:a:", " left");
      until(agent, "#time ol li.registration", "is registered at 2001:db8:a:");
      net.until("messages", TestNet.LONG, () -> agent.count("#time circle") >= 2);
      net.start("cn", "ping", "ping", "-n", "-i", "0.05", TestNet.HOME_ADDRESS);
      try (Browser mobile = new Browser(net.ns("mn"), folder)) {
        mobile.look("light", 1280, 900, false);
        mobile.open(SITE);
        until(mobile, "#door button", "Enter");
        type(mobile, TOKEN);
        until(mobile, "#who h2", "Registration");
        until(mobile, "#who .row", TestNet.HOME_ADDRESS, "at 2001:db8:a:", " left");

        net.plug("b");
        until(agent, "#time ol li.handover", "moves from 2001:db8:a:");
        until(agent, "#who .row", "at 2001:db8:b:");
        net.until("drawn", TestNet.LONG, () -> agent.count("#time line.mark") == 1);
        until(mobile, "#time ol li.handover", "moves from 2001:db8:a:");
        until(mobile, "#who .row", "at 2001:db8:b:");
        until(mobile, "#who .row", "route to " + TestNet.CORRESPONDENT);
        shown(mobile, "mobile-node");
      }
      shown(agent, "home-agent");

      notForPagesOfOthers(agent);
    }
  }

  /** Plots that move, headers that are nested; every look at it; nothing from elsewhere. */
  private void shown(Browser browser, String name) throws Exception {
    net.until("plots", TestNet.LONG, () -> browser.text("#numbers output").contains("most"));
    net.until(
        "two points",
        TestNet.LONG,
        () ->
            browser
                .value("document.querySelector('#numbers polyline').getAttribute('points')")
                .contains(" "));
    assertThat(browser.count("#numbers figure")).isGreaterThanOrEqualTo(6);
    assertThat(browser.value(CHOOSE_A_TUNNEL)).isEqualTo("true");
    assertThat(browser.text("#bundles .nest .ip > .esp > .ip > p")).contains("2001:db8:1::");
    for (String scheme : List.of("light", "dark")) {
      picture(browser, scheme, 1280, name + "-" + scheme + ".png");
      picture(browser, scheme, PHONE, name + "-" + scheme + "-" + PHONE + ".png");
      assertThat(Integer.parseInt(browser.value("document.documentElement.scrollWidth")))
          .as("nothing is wider than a phone")
          .isLessThanOrEqualTo(PHONE);
    }
    assertThat(browser.requests())
        .allMatch(url -> url.startsWith(SITE) || url.startsWith("data:"))
        .anyMatch(url -> url.startsWith(SITE + "messages"));
    // The browser itself reports that the wrong token was refused.
    assertThat(browser.troubles()).allMatch(it -> it.contains("401") && it.contains("/health"));
  }

  private void picture(Browser browser, String scheme, int width, String name) throws Exception {
    browser.look(scheme, width, 900, width == PHONE);
    net.until(
        "drawn in this width",
        TestNet.LONG,
        () ->
            browser
                .value(
                    "(it => it.viewBox.baseVal.width === it.clientWidth)"
                        + "(document.querySelector('#time svg'))")
                .equals("true"));
    browser.screenshot(PICTURES.resolve(name));
  }

  /**
   * The server itself refuses what another page makes the browser send: the browser would send it,
   * and only keep the answer from the page. Even the page, for which nobody needs a token.
   */
  private void notForPagesOfOthers(Browser browser) throws Exception {
    // Another origin, of this machine: of others the browser itself asks nothing here.
    browser.open("http://localhost:8480/metrics");
    until(browser, "body", "the token is missing or wrong");
    assertThat(browser.responses()).contains("200 " + SITE).doesNotContain("403 " + SITE);
    browser.value(
        "await fetch('" + SITE + "', { mode: 'no-cors' }).then(() => '', failure => '' + failure)");
    assertThat(browser.responses()).as("%s", browser.troubles()).contains("403 " + SITE);
    browser.open("http://evil.example:8480/");
    until(browser, "body", "asked for by a name that is not in http.names");
  }
}
