package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.http.BearerToken;
import io.mipd.movein.ImportException;
import io.mipd.movein.KeyText;
import io.mipd.movein.Mip6dImport;
import io.mipd.movein.OutputFile;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Spi;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code mipd import}, {@code keygen} and {@code token}: from nothing, or from another daemon, to
 * files.
 */
final class MoveInCommands {
  private MoveInCommands() {}

  /** Makes a file of text, for its owner alone if it is secret; never over another one. */
  private static void write(Path file, String text, boolean secret) throws IOException {
    FileAttribute<?> mode =
        PosixFilePermissions.asFileAttribute(
            PosixFilePermissions.fromString(secret ? "rw-------" : "rw-r--r--"));
    try (var channel =
        Files.newByteChannel(
            file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), mode)) {
      var octets = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (octets.hasRemaining()) {
        channel.write(octets);
      }
    } catch (FileAlreadyExistsException e) {
      throw new FileAlreadyExistsException(
          file + " is there already and stays as it is; move it away, or write elsewhere");
    }
  }

  @Command(
      name = "import",
      mixinStandardHelpOptions = true,
      description = {
        "Turns a mip6d.conf of the Mobile IPv6 daemon written in C into a configuration of ours,"
            + " and scripts of `ip xfrm state add` into files of keys.",
        "Each option without an equivalent is named on standard error. Files that are there"
            + " already are never written over."
      })
  static final class Import implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The old configuration, a mip6d.conf")
    private Path file = Path.of("");

    @Option(
        names = "--associations",
        paramLabel = "SCRIPT",
        description =
            "A shell script of `ip xfrm state add`; may be repeated. Without any, new keys are made")
    private List<Path> scripts = new ArrayList<>();

    @Option(
        names = "--address",
        paramLabel = "ADDRESS",
        description = "The home agent's own address, where FILE has no IPsecPolicySet")
    private @Nullable String address;

    @Option(
        names = "--mobile-node",
        paramLabel = "ADDRESS",
        description =
            "A home address that the home agent serves, beside those that FILE names; may be"
                + " repeated")
    private List<String> mobileNodes = new ArrayList<>();

    @Option(
        names = "--out",
        paramLabel = "DIR",
        description = "Where the files go; default: the working directory")
    private Path out = Path.of("");

    @Override
    public Integer call() throws IOException, ConfigurationException {
      CommandSpec command = given(spec);
      var homes = ImmutableList.<Ipv6Address>builder();
      for (String one : mobileNodes) {
        homes.add(address(command, "--mobile-node", one));
      }
      Mip6dImport.Result result;
      try {
        result =
            Mip6dImport.of(
                file,
                new Mip6dImport.Beside(
                    ImmutableList.copyOf(scripts),
                    address == null
                        ? Optional.empty()
                        : Optional.of(address(command, "--address", address)),
                    homes.build(),
                    new SecureRandom()));
      } catch (ImportException e) {
        throw new ConfigurationException("" + e.getMessage());
      }
      for (OutputFile one : result.files()) {
        // Before anything is written: all or nothing.
        if (Files.exists(out.resolve(one.name()))) {
          throw new FileAlreadyExistsException(
              out.resolve(one.name())
                  + " is there already and stays as it is; move it away, or give --out DIR");
        }
      }
      Files.createDirectories(out.toAbsolutePath());
      for (OutputFile one : result.files()) {
        write(out.resolve(one.name()), one.text(), one.isSecret());
      }
      for (String warning : result.warnings()) {
        command.commandLine().getErr().println("warning: " + warning);
      }
      for (OutputFile one : result.files()) {
        Main.print(command, "wrote " + out.resolve(one.name()) + "\n");
      }
      return Main.STOPPED;
    }
  }

  @Command(
      name = "keygen",
      mixinStandardHelpOptions = true,
      description = {
        "Makes new keys for a mobile node and its home agent: one file, the same at both, mode"
            + " 0600, and prints the lines of configuration that go with it.",
        "Carry the file to the other end by a way that nobody reads, such as scp."
      })
  static final class Keygen implements Callable<Integer> {
    /** Signalling, return routability, payload, prefix discovery: as in the samples. */
    private static final int ASSOCIATIONS = 8;

    @Spec private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The file of keys to make")
    private Path file = Path.of("");

    @Option(
        names = "--first-spi",
        paramLabel = "SPI",
        description =
            "The first of eight SPIs in a row, different for each mobile node; default:"
                + " ${DEFAULT-VALUE}")
    private String firstSpi = "0x1001";

    @Option(
        names = "--encryption",
        paramLabel = "NAME",
        description = "aes-cbc or null (no encryption); default: ${DEFAULT-VALUE}")
    private String encryption = "aes-cbc";

    @Option(
        names = "--key-bits",
        paramLabel = "BITS",
        description = "Of aes-cbc: 128, 192 or 256; default: ${DEFAULT-VALUE}")
    private int keyBits = 128;

    @Option(
        names = "--integrity",
        paramLabel = "NAME",
        description = "hmac-sha2-256-128 or hmac-sha1-96; default: ${DEFAULT-VALUE}")
    private String integrity = "hmac-sha2-256-128";

    @Override
    public Integer call() throws IOException {
      CommandSpec command = given(spec);
      IntegrityAlgorithm mac = ConfiguredKeys.INTEGRITIES.get(integrity);
      if (mac == null) {
        throw wrong(command, "--integrity", integrity, "hmac-sha2-256-128, hmac-sha1-96");
      }
      EncryptionAlgorithm cipher = ConfiguredKeys.ENCRYPTIONS.get(encryption);
      if (cipher == null) {
        throw wrong(command, "--encryption", encryption, "aes-cbc, null");
      }
      int octets = cipher == EncryptionAlgorithm.NULL ? 0 : keyBits / 8;
      if (!cipher.acceptsKeyLength(octets) || (octets > 0 && keyBits % 8 != 0)) {
        throw wrong(command, "--key-bits", "" + keyBits, "128, 192, 256");
      }
      long first = first(command);
      var text =
          new KeyText("Keys of a mobile node and its home agent: the same at both. Mode 0600.");
      var random = new SecureRandom();
      for (int i = 0; i < ASSOCIATIONS; i++) {
        text.addNew(Spi.ofAssociation(first + i), random, octets, mac.keyLength());
      }
      write(file, text.reveal(), true);
      Main.print(command, words(first));
      return Main.STOPPED;
    }

    private long first(CommandSpec command) {
      try {
        long first = Long.decode(firstSpi);
        if (first >= 0x100 && first <= 0xffff_ffffL - ASSOCIATIONS + 1) {
          return first;
        }
      } catch (NumberFormatException e) {
        // Said below.
      }
      throw wrong(command, "--first-spi", firstSpi, "0x100 to 0xfffffff8");
    }

    private String words(long first) {
      return "# wrote "
          + file
          + "; into `protection` of the mobile node and of the home agent:\n"
          + "protection {\n"
          + "  keys = "
          + file.getFileName()
          + "\n  encryption = "
          + encryption
          + "\n  integrity = "
          + integrity
          + "\n"
          + pair("signalling", first)
          + pair("return-routability", first + 2)
          + pair("payload", first + 4)
          + pair("prefix-discovery", first + 6)
          + "}\n";
    }

    private static String pair(String use, long spi) {
      return String.format(
          "  %s { to-home-agent = 0x%x, to-mobile-node = 0x%x }%n", use, spi, spi + 1);
    }
  }

  @Command(
      name = "token",
      mixinStandardHelpOptions = true,
      description = "Makes a new token for HTTP, in a file of mode 0600.")
  static final class Token implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The file to make")
    private Path file = Path.of("");

    @Override
    public Integer call() throws IOException {
      CommandSpec command = given(spec);
      write(file, BearerToken.newText(new SecureRandom()) + "\n", true);
      Main.print(
          command,
          "# wrote "
              + file
              + "; into the configuration:\nhttp { token = "
              + file.getFileName()
              + " }\n");
      return Main.STOPPED;
    }
  }

  private static CommandSpec given(@Nullable CommandSpec spec) {
    if (spec == null) {
      throw new IllegalStateException("picocli has not said what is run");
    }
    return spec;
  }

  private static ParameterException wrong(
      CommandSpec command, String option, String given, String allowed) {
    return new ParameterException(
        command.commandLine(), option + ": \"" + given + "\"; allowed: " + allowed);
  }

  private static Ipv6Address address(CommandSpec command, String option, String text) {
    try {
      return Ipv6Address.parse(text);
    } catch (IllegalArgumentException e) {
      throw wrong(command, option, text, "an IPv6 address");
    }
  }
}
