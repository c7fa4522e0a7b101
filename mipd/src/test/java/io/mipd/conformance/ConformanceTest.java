package io.mipd.conformance;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every case of the suite, as a test that has its requirements in its name. */
class ConformanceTest {
  @TestFactory
  Stream<DynamicContainer> rfc6275() {
    Map<String, List<String>> macros = Suite.macros();
    return Suite.cases().stream()
        .collect(
            Collectors.groupingBy(Suite.Case::file, java.util.TreeMap::new, Collectors.toList()))
        .entrySet()
        .stream()
        .map(
            file ->
                DynamicContainer.dynamicContainer(
                    "section " + file.getKey(),
                    file.getValue().stream()
                        .map(
                            one ->
                                DynamicTest.dynamicTest(
                                    one.name(), () -> new Script(macros).run(one.steps())))));
  }
}
