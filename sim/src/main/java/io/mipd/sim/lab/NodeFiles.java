package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Streams;
import io.mipd.sim.report.WiresharkProfile;
import io.mipd.sim.report.WiresharkProfile.EspKeys;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * The files that this run's daemons and tshark are given: configurations, keys, the profile that
 * decrypts. The keys are of this run only and worth nothing outside of it.
 */
final class NodeFiles {
  /** How often the access routers advertise, at least and at most (RFC 6275 section 7.5). */
  static final int RA_MIN_MILLIS = 30;

  static final int RA_MAX_MILLIS = 70;

  /** How often the home agent advertises on the home link, at most. */
  static final int HOME_RA_MILLIS = 100;

  private static final int ENCRYPTION_KEY = 16;
  private static final int INTEGRITY_KEY = 32;

  /**
   * charon's, from trials of Mobile IPv6 with strongSwan 5.9.8 of Debian 12 on Linux 6.1, as
   * docs/ikev2.md has it, and what it logs. The port rather than the socket is let past policies,
   * so that IKE of the home address, too, goes by the home agent.
   */
  private static final String CHARON =
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
        }
        filelog {
          stderr {
            default = 1
            flush_line = yes
          }
        }
      }
      """;

  private static final String USER_OUT = "0x3001";
  private static final String USER_IN = "0x3002";

  private final Path results;
  private final Path run;
  private final LabOptions options;
  private final ImmutableList<EspKeys> associations;

  /** What charon has negotiated, in the order in which it was seen. */
  private final Set<EspKeys> negotiated = new LinkedHashSet<>();

  /** What proves who mobile node and home agent are, if keys are negotiated. */
  private final String secret;

  /** The user's: from the mobile node, and to it. */
  private final ImmutableList<EspKeys> users;

  /**
   * @param run a folder with a short name, for sockets
   */
  NodeFiles(Path results, Path run, LabOptions options) {
    this.results = results;
    this.run = run;
    this.options = options;
    var random = new SplittableRandom(options.sceneSeed());
    var all = ImmutableList.<EspKeys>builder();
    if (options.ipsec() && !options.ike()) {
      for (int spi = 0x1001; spi <= 0x1008; spi++) {
        all.add(
            new EspKeys(
                "0x" + Integer.toHexString(spi),
                key(random, ENCRYPTION_KEY),
                key(random, INTEGRITY_KEY)));
      }
    }
    associations = all.build();
    var own = ImmutableList.<EspKeys>builder();
    if (options.userIpsec() != LabOptions.UserIpsec.NONE) {
      for (String spi : ImmutableList.of(USER_OUT, USER_IN)) {
        own.add(new EspKeys(spi, key(random, ENCRYPTION_KEY), key(random, INTEGRITY_KEY)));
      }
    }
    users = own.build();
    secret = key(random, INTEGRITY_KEY);
  }

  private static String key(SplittableRandom random, int octets) {
    byte[] key = new byte[octets];
    random.nextBytes(key);
    return HexFormat.of().formatHex(key);
  }

  /** The folder for sockets, on the machine that has the node. */
  Path run() {
    return run;
  }

  Path homeAgentConfiguration() {
    return results.resolve("config/ha/home-agent.conf");
  }

  Path mobileNodeConfiguration() {
    return results.resolve("config/mn/mobile-node.conf");
  }

  Path correspondentConfiguration() {
    return results.resolve("config/cn/correspondent.conf");
  }

  Path charonConfiguration() {
    return results.resolve("config/strongswan.conf");
  }

  /** What is {@code /run} to a node's charon. */
  Path charonFolder(String node) {
    return run.resolve(node + "-charon");
  }

  Path radvdConfiguration(Link link) {
    return results.resolve("config/radvd-" + link + ".conf");
  }

  /** The folder for {@code WIRESHARK_CONFIG_DIR}. */
  Path profile() {
    return results.resolve("wireshark");
  }

  void write() throws IOException {
    Files.createDirectories(homeAgentConfiguration().getParent());
    Files.createDirectories(mobileNodeConfiguration().getParent());
    Files.createDirectories(profile());
    Files.writeString(homeAgentConfiguration(), homeAgent());
    Files.writeString(mobileNodeConfiguration(), mobileNode());
    for (Link link : Link.values()) {
      writeRadvd(link, true);
    }
    if (options.ike()) {
      Files.writeString(charonConfiguration(), CHARON);
      for (Path configuration :
          ImmutableList.of(homeAgentConfiguration(), mobileNodeConfiguration())) {
        writeSecret(configuration.resolveSibling("ike.secret"), secret + "\n");
      }
    } else if (options.ipsec()) {
      writeKeys(homeAgentConfiguration().resolveSibling("mobile-node-1.keys"), associations);
      writeKeys(mobileNodeConfiguration().resolveSibling("mobile-node-1.keys"), associations);
    }
    if (options.correspondentHasDaemon()) {
      Files.createDirectories(correspondentConfiguration().getParent());
      Files.writeString(correspondentConfiguration(), correspondent());
    }
    if (!users.isEmpty()) {
      writeKeys(mobileNodeConfiguration().resolveSibling("user.keys"), users);
      writeKeys(correspondentConfiguration().resolveSibling("user.keys"), users);
    }
    writeProfile();
  }

  private static void writeKeys(Path file, ImmutableList<EspKeys> keys) throws IOException {
    var lines = new StringBuilder("# Test keys of one run of bin/lab.\n");
    for (EspKeys one : keys) {
      lines.append(one.spi() + " " + one.encryptionKey() + " " + one.integrityKey() + "\n");
    }
    writeSecret(file, lines.toString());
  }

  private static void writeSecret(Path file, String text) throws IOException {
    Files.deleteIfExists(file);
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(file, text);
  }

  private String common(String role, String node) {
    return "role = "
        + role
        + "\nworld = "
        + options.world().of(node)
        + "\nstate-directory = \""
        + results.resolve("state").resolve(node)
        + "\"\ncontrol-socket = \""
        + run.resolve(node + ".sock")
        + "\"\n"
        + (options.ike() && !role.equals("cn")
            ? "charon-socket = \"" + charonFolder(node).resolve("charon.vici") + "\"\n"
            : "");
  }

  private String homeAgent() {
    return common("home-agent", "ha")
        + String.join(
            "\n",
            "home-agent {",
            "  home-interface = hlink",
            "  address = \"" + Network.HOME_AGENT + "\"",
            "  home-prefix = \"" + Link.HOME.prefix() + "\"",
            "  maximum-lifetime = 420s",
            "  router-advertisements {",
            "    enabled = on",
            "    interval = " + HOME_RA_MILLIS + "ms",
            "    lifetime = 30s",
            "  }",
            "  mobile-nodes = [",
            "    {",
            "      home-address = \"" + Network.HOME_ADDRESS + "\"",
            protection("      ", "ha.example.org", "mn.example.org"),
            "    }",
            "  ]",
            "}",
            "");
  }

  private String mobileNode() {
    var interfaces = new StringBuilder();
    for (int i = 0; i < options.interfaces(); i++) {
      interfaces.append(
          "    { name = "
              + Network.mobileInterface(i)
              + ", preference = "
              + (20 - 10 * i)
              + " }\n");
    }
    return common("mobile-node", "mn")
        + String.join(
            "\n",
            "mobile-node {",
            "  home-address = \"" + Network.HOME_ADDRESS + "\"",
            "  home-prefix = \"" + Link.HOME.prefix() + "\"",
            "  home-agent = \"" + Network.HOME_AGENT + "\"",
            "  lifetime = 420s",
            "  interfaces = [",
            interfaces + "  ]",
            "  route-optimization { enabled = "
                + (options.routeOptimization() ? "on" : "off")
                + " }",
            protection("  ", "mn.example.org", "ha.example.org"),
            "}",
            "")
        + userIpsec(Network.HOME_ADDRESS, Network.CORRESPONDENT);
  }

  private String correspondent() {
    return common("cn", "cn") + userIpsec(Network.CORRESPONDENT, Network.HOME_ADDRESS);
  }

  /**
   * @param from the node's own address
   */
  private String userIpsec(String from, String to) {
    if (users.isEmpty()) {
      return "";
    }
    String mode = options.userIpsec().toString();
    String ends =
        options.userIpsec() == LabOptions.UserIpsec.TUNNEL
            ? ", src = \"" + from + "\", dst = \"" + to + "\""
            : "";
    return String.join(
        "\n",
        "user-ipsec {",
        "  policies = [",
        "    { src = \"" + from + "\", dst = \"" + to + "\", dir = both, priority = 100,",
        "      templates = [ { proto = esp, mode = " + mode + ends + ", reqid = 100 } ] }",
        "  ]",
        "  keys = user.keys",
        "  associations = [",
        userAssociation(Network.HOME_ADDRESS, Network.CORRESPONDENT, USER_OUT),
        userAssociation(Network.CORRESPONDENT, Network.HOME_ADDRESS, USER_IN),
        "  ]",
        "}",
        "");
  }

  private String userAssociation(String from, String to, String spi) {
    return "    { src = \""
        + from
        + "\", dst = \""
        + to
        + "\", proto = esp, mode = "
        + options.userIpsec()
        + ", spi = "
        + spi
        + ", reqid = 100 }";
  }

  private String protection(String indent, String local, String remote) {
    if (!options.ipsec()) {
      return indent + "ipsec = off";
    }
    var lines = ImmutableList.<String>builder();
    if (options.ike()) {
      lines.add(
          "ipsec = on",
          "protection {",
          "  keying = ike",
          "  local-identity = " + local,
          "  remote-identity = " + remote,
          "  secret = ike.secret",
          "  ike-proposals = [aes128-sha256-x25519]",
          "  esp-proposals = [aes128-sha256]",
          "  signalling { reqid = 5001 }",
          "  prefix-discovery { reqid = 5002 }",
          "  return-routability { reqid = 5003 }");
      if (options.payloadIpsec()) {
        lines.add("  payload { reqid = 5004 }");
      }
      lines.add("}");
      return indent + String.join("\n" + indent, lines.build());
    }
    lines.add(
        "ipsec = on",
        "protection {",
        "  keys = mobile-node-1.keys",
        "  encryption = aes-cbc",
        "  integrity = hmac-sha2-256-128",
        "  replay-window = 128",
        "  extended-sequence-numbers = off",
        "  signalling { to-home-agent = 0x1001, to-mobile-node = 0x1002 }",
        "  return-routability { to-home-agent = 0x1003, to-mobile-node = 0x1004 }");
    if (options.payloadIpsec()) {
      lines.add("  payload { to-home-agent = 0x1005, to-mobile-node = 0x1006 }");
    }
    lines.add("  prefix-discovery { to-home-agent = 0x1007, to-mobile-node = 0x1008 }", "}");
    return indent + String.join("\n" + indent, lines.build());
  }

  /**
   * What a link's router advertises.
   *
   * @param preferred false: addresses of the prefix are not for new connections any more (RFC 4862
   *     section 5.5.4), though all still works
   */
  void writeRadvd(Link link, boolean preferred) throws IOException {
    Files.writeString(radvdConfiguration(link), radvd(link, preferred));
  }

  private static String radvd(Link link, boolean preferred) {
    // radvd takes intervals below 3 s only together with Mobile IPv6's own option.
    return String.join(
        "\n",
        "interface " + (link == Link.HOME ? "hlink" : "acc"),
        "{",
        "  AdvSendAdvert on;",
        "  MinRtrAdvInterval " + RA_MIN_MILLIS / 1000.0 + ";",
        "  MaxRtrAdvInterval " + RA_MAX_MILLIS / 1000.0 + ";",
        "  MinDelayBetweenRAs " + RA_MIN_MILLIS / 1000.0 + ";",
        "  AdvIntervalOpt on;",
        "  AdvDefaultLifetime 30;",
        "  prefix "
            + link.prefix()
            + " { AdvOnLink on; AdvAutonomous on;"
            + (preferred ? "" : " AdvPreferredLifetime 0;")
            + " };",
        "};",
        "");
  }

  /**
   * Takes the keys of further associations into the profile.
   *
   * @param states what {@code ip xfrm state} says
   */
  void negotiated(String states) throws IOException {
    negotiated.addAll(WiresharkProfile.EspKeys.of(states));
    writeProfile();
  }

  private void writeProfile() throws IOException {
    WiresharkProfile.write(
        profile(),
        Streams.concat(associations.stream(), negotiated.stream(), users.stream())
            .distinct()
            .toList());
  }
}
