package io.mipd.merger.judge;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import org.junit.jupiter.api.Test;

/** The judge shares no code with the merger beyond the model. */
class JudgeTest {
  @Test
  void knowsTheModelAndNothingElseOfOurs() {
    JavaClasses judge = new ClassFileImporter().importPackages("io.mipd.merger.judge");
    assertThat(judge.contain(PlainReading.class)).isTrue();
    classes()
        .that()
        .resideInAPackage("io.mipd.merger.judge")
        .and()
        .doNotBelongToAnyOf(JudgeTest.class)
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "io.mipd.merger.judge",
            "io.mipd.xfrm.model",
            "java..",
            "com.google.common.collect",
            "org.jspecify.annotations")
        .check(judge);
  }
}
