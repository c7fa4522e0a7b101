package io.mipd.sim;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.security.SecureRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The plan of the house, as docs/architecture.md draws it: who may know whom. */
class HouseRulesTest {
  private static JavaClasses classes = new ClassFileImporter().importPackages();

  private static final String[] CORES = {
    "io.mipd.mobility..",
    "io.mipd.merger..",
    "io.mipd.xfrm.model..",
    "io.mipd.xfrm.packet..",
    "io.mipd.xfrm.transform..",
    "io.mipd.xfrm.engine..",
    "io.mipd.xfrm.netlink..",
    "io.mipd.xfrm.pfkey.."
  };

  /** Of those a host logs what its core does; else it is as they are. */
  private static final String[] TIMELESS =
      Stream.concat(Stream.of(CORES), Stream.of("io.mipd.host..")).toArray(String[]::new);

  @BeforeAll
  static void readTheHouse() {
    classes =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.mipd");
    assertThat(classes.size()).as("classes found").isGreaterThan(100);
  }

  private static void holds(ArchRule rule) {
    rule.check(classes);
  }

  @Test
  void dependenciesPointToTheRightOnly() {
    holds(
        layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("sim")
            .definedBy("io.mipd.sim..")
            .layer("mipd")
            .definedBy(
                "io.mipd.mobility..",
                "io.mipd.host..",
                "io.mipd.control..",
                "io.mipd.http..",
                "io.mipd.vici..",
                "io.mipd.daemon..",
                "io.mipd.movein..")
            .layer("policy-merger")
            .definedBy("io.mipd.merger..")
            .layer("xfrm-core")
            .definedBy("io.mipd.xfrm..")
            .whereLayer("sim")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("mipd")
            .mayOnlyBeAccessedByLayers("sim")
            .whereLayer("policy-merger")
            .mayOnlyBeAccessedByLayers("mipd", "sim"));
  }

  @Test
  void nativeCodeIsCalledInOneRoom() {
    holds(
        noClasses()
            .that()
            .resideOutsideOfPackage("io.mipd.xfrm.linux..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("jnr..", "com.kenai.."));
  }

  @Test
  void cryptographyIsCalledInOneRoom() {
    holds(
        noClasses()
            .that()
            .resideOutsideOfPackage("io.mipd.xfrm.crypto..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.bouncycastle..", "javax.crypto.."));
  }

  @Test
  void coresAndTheHostInMemoryHaveNoClockNoSocketNoThread() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage(TIMELESS)
            .should()
            .callMethodWhere(
                target(
                        owner(
                            nameMatching(
                                "java\\.time\\.(Instant|LocalDateTime|ZonedDateTime|Clock)")))
                    .and(target(nameMatching("now|system.*")))));
    holds(
        noClasses()
            .that()
            .resideInAnyPackage(TIMELESS)
            .should()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(System.class, "nanoTime"));
    holds(
        noClasses()
            .that()
            .resideInAnyPackage(TIMELESS)
            .should()
            .dependOnClassesThat()
            .haveNameMatching(
                "java\\.net\\..*Socket.*|java\\.nio\\.channels\\.(.*Socket.*|Selector|DatagramChannel)|io\\.netty\\.channel\\..*")
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(Thread.class));
  }

  @Test
  void theHostInMemoryKnowsNoOperatingSystem() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage("io.mipd.host..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                "io.mipd.daemon..",
                "io.mipd.xfrm.linux..",
                "io.mipd.xfrm.netlink..",
                "io.mipd.xfrm.pfkey..")
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(SecureRandom.class));
  }

  @Test
  void onlyShellsLog() {
    holds(
        noClasses()
            .that()
            .resideOutsideOfPackages("io.mipd.host..", "io.mipd.daemon..", "io.mipd.sim..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.slf4j..", "ch.qos.logback.."));
  }

  @Test
  void theRolesDoNotKnowEachOther() {
    holds(
        slices()
            .matching("io.mipd.mobility.(mn|ha|cn)..")
            .should()
            .notDependOnEachOther()
            .allowEmptyShould(true));
  }

  @Test
  void theDaemonIsNotKnownToTheCores() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage("io.mipd.mobility..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.mipd.host..", "io.mipd.daemon.."));
  }

  @Test
  void theControlProtocolKnowsNothingOfWhatIsAsked() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage("io.mipd.control..", "io.mipd.http..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                "io.mipd.mobility..",
                "io.mipd.host..",
                "io.mipd.daemon..",
                "io.mipd.merger..",
                "io.mipd.xfrm.."));
  }

  @Test
  void theControlProtocolDoesNotKnowHttp() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage("io.mipd.control..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.mipd.http..", "io.netty.handler.codec.http.."));
  }

  @Test
  void viciKnowsNothingOfWhatIsAsked() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage("io.mipd.vici..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                "io.mipd.mobility..",
                "io.mipd.host..",
                "io.mipd.daemon..",
                "io.mipd.control..",
                "io.mipd.merger.."));
  }

  @Test
  void coresDoNotKnowTheirWorlds() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage("io.mipd.mobility..", "io.mipd.merger..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.mipd.xfrm.linux.."));
  }

  /** Arithmetic is no world; but keys have one place in the cores. */
  @Test
  void returnRoutabilityAloneHasKeys() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage("io.mipd.mobility..", "io.mipd.merger..")
            .and()
            .resideOutsideOfPackage("io.mipd.mobility.rr..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.mipd.xfrm.crypto.."));
  }
}
