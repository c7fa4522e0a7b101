package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
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

  /** One association: what it is for, its SPI, its keys in hexadecimal. */
  private record Association(String spi, String encryptionKey, String integrityKey) {}

  private final Path results;
  private final Path run;
  private final LabOptions options;
  private final ImmutableList<Association> associations;

  /**
   * @param run a folder with a short name, for sockets
   */
  NodeFiles(Path results, Path run, LabOptions options) {
    this.results = results;
    this.run = run;
    this.options = options;
    var random = new SplittableRandom(options.seed());
    var all = ImmutableList.<Association>builder();
    if (options.ipsec()) {
      for (int spi = 0x1001; spi <= 0x1008; spi++) {
        all.add(
            new Association(
                "0x" + Integer.toHexString(spi),
                key(random, ENCRYPTION_KEY),
                key(random, INTEGRITY_KEY)));
      }
    }
    associations = all.build();
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
    if (options.ipsec()) {
      writeKeys(homeAgentConfiguration().resolveSibling("mobile-node-1.keys"));
      writeKeys(mobileNodeConfiguration().resolveSibling("mobile-node-1.keys"));
    }
    writeProfile();
  }

  private void writeKeys(Path file) throws IOException {
    Files.deleteIfExists(file);
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    var lines = new StringBuilder("# Test keys of one run of bin/lab.\n");
    for (Association one : associations) {
      lines.append(one.spi + " " + one.encryptionKey + " " + one.integrityKey + "\n");
    }
    Files.writeString(file, lines.toString());
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
        + "\"\n";
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
            protection("      "),
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
            protection("  "),
            "}",
            "");
  }

  private String protection(String indent) {
    if (!options.ipsec()) {
      return indent + "ipsec = off";
    }
    var lines = ImmutableList.<String>builder();
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

  private void writeProfile() throws IOException {
    Files.writeString(
        profile().resolve("preferences"),
        """
        esp.enable_encryption_decode: TRUE
        esp.enable_authentication_check: TRUE
        tcp.check_checksum: TRUE
        udp.check_checksum: TRUE
        tcp.desegment_tcp_streams: FALSE
        """);
    var lines = new StringBuilder();
    for (Association one : associations) {
      // By SPI alone: in a signalling packet the addresses that tshark sees are not the
      // association's.
      lines.append(
          "\"IPv6\",\"*\",\"*\",\""
              + one.spi
              + "\",\"AES-CBC [RFC3602]\",\"0x"
              + one.encryptionKey
              + "\",\"HMAC-SHA-256-128 [RFC4868]\",\"0x"
              + one.integrityKey
              + "\"\n");
    }
    Files.writeString(profile().resolve("esp_sa"), lines.toString());
  }
}
