package io.mipd.daemon;

import static java.util.Objects.requireNonNull;

import com.typesafe.config.Config;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A charon of its own for each of the nodes of a {@link TestNet} that needs one. Its configuration
 * is from trials of Mobile IPv6 with strongSwan 5.9.8 of Debian 12 on Linux 6.1; docs/ikev2.md says
 * which, and why.
 */
final class CharonNet {
  private static final Path CHARON = Path.of("/usr/lib/ipsec/charon");

  private static final String CONFIGURATION =
      """
      charon {
        load = random nonce aes sha1 sha2 hmac kdf gcm openssl pem x509 pkcs1 pkcs8 pubkey \
               revocation constraints kernel-netlink socket-default vici
        install_routes = no
        install_virtual_ip = no
        retransmit_timeout = 1.0
        retransmit_base = 1.4
        plugins {
          kernel-netlink {
            roam_events = no
            port_bypass = yes
          }
          vici { socket = unix://%s }
        }
        filelog {
          stderr {
            default = 1
            ike = %d
            flush_line = yes
          }
        }
      }
      """;

  /** Levels of what is logged of key exchange, without keys and with them. */
  static final int NO_KEYS = 1;

  static final int KEYS = 4;

  private final TestNet net;
  private final Map<String, Process> running = new LinkedHashMap<>();

  CharonNet(TestNet net) {
    this.net = net;
  }

  /** Skips the test where there is no charon; fails if there is to be one (CI). */
  static void needed() {
    TestNet.needs(
        Files.isExecutable(CHARON), CHARON + " is not there: apt install strongswan-charon");
    TestNet.needsCommand("swanctl");
  }

  Path socket(String node) {
    return net.folder().resolve(node + ".vici");
  }

  /**
   * A sample, with keying by this charon in the place of its keys.
   *
   * @param secret in the file ike.secret beside it
   * @param keys identities, credentials and more of the section {@code protection}
   * @param changes as of {@link TestNet#configuration}
   */
  Path configuration(String node, String sample, String secret, String keys, String... changes)
      throws Exception {
    net.keys(node, "ike.secret", secret + "\n");
    List<String> all =
        new ArrayList<>(
            List.of(
                TestNet.protection(TestNet.sample(sample)),
                """
                protection {
                  keying = ike
                  %s
                  ike-proposals = [aes128-sha256-x25519]
                  esp-proposals = [aes128-sha256]
                  signalling { reqid = 5001 }
                  prefix-discovery { reqid = 5002 }
                  return-routability { reqid = 5003 }
                  payload { reqid = 5004 }
                }
                """
                    .formatted(keys),
                "\nworld = kernel\n",
                "\nworld = kernel\ncharon-socket = \"" + socket(node) + "\"\n"));
    all.addAll(List.of(changes));
    return net.configuration(node, sample, all.toArray(new String[0]));
  }

  /** Starts it, or starts it again; ready when it takes commands. */
  void start(String node) throws Exception {
    start(node, NO_KEYS);
  }

  /**
   * @param level of what it logs of key exchange
   */
  void start(String node, int level) throws Exception {
    Files.deleteIfExists(socket(node));
    Path configuration = net.folder().resolve(node + "-strongswan.conf");
    Files.writeString(configuration, CONFIGURATION.formatted(socket(node), level));
    // One writes its process id where the other would find it.
    Process charon =
        net.start(
            node,
            node + "-charon",
            "sh",
            "-c",
            "mount -t tmpfs none /run; STRONGSWAN_CONF=" + configuration + " exec " + CHARON);
    running.put(node, charon);
    net.until(
        "charon at " + node + " takes commands",
        TestNet.LONG,
        () -> Files.exists(socket(node)) && charon.isAlive());
  }

  /** Without a word to anybody. */
  void kill(String node) throws Exception {
    Process charon = requireNonNull(running.get(node), node);
    charon.destroyForcibly();
    charon.waitFor(20, TimeUnit.SECONDS);
  }

  /** What {@code swanctl} says. */
  String swanctl(String node, String arguments) throws Exception {
    return net.in(node, "swanctl " + arguments + " --uri unix://" + socket(node));
  }

  /** Whether charon has sent a request of a connection and has no response to it yet. */
  boolean awaits(String node, String connection, String task) throws Exception {
    String said = swanctl(node, "--list-sas --raw --ike " + connection);
    return Pattern.compile("tasks-active ?= ?\\[[^]]*" + task).matcher(said).find();
  }

  /** How often charon has logged a text. */
  int logged(String node, String text) throws Exception {
    return net.said(node + "-charon").split(Pattern.quote(text), -1).length - 1;
  }

  /** The connection in a status. */
  static Config connection(Config status) {
    List<? extends Config> all = status.getConfig("key-exchange").getConfigList("connections");
    return all.get(0);
  }
}
