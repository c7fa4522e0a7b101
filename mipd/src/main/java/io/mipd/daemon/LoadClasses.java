package io.mipd.daemon;

import com.google.common.base.Splitter;
import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.jar.JarFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * Loads the daemon's classes and does nothing: for a JVM that is told to archive what it has loaded
 * ({@code -XX:ArchiveClassesAtExit}), so that the daemon starts sooner.
 */
@Command(
    name = "load-classes",
    hidden = true,
    description = "For packages: loads all classes, so that the JVM can archive them.")
final class LoadClasses implements Callable<Integer> {
  /** Of other libraries the daemon needs few of many. */
  private static final List<String> PACKAGES =
      List.of(
          "io.mipd.",
          "com.typesafe.config.",
          "io.netty.buffer.",
          "io.netty.util.",
          "jnr.ffi.",
          "jnr.x86asm.",
          "com.kenai.jffi.",
          "org.objectweb.asm.",
          "ch.qos.logback.",
          "org.slf4j.",
          "com.google.common.base.",
          "com.google.common.collect.",
          "com.google.common.primitives.");

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    int loaded = 0;
    for (String path :
        Splitter.on(File.pathSeparatorChar).split(System.getProperty("java.class.path", ""))) {
      if (path.endsWith(".jar")) {
        try (var jar = new JarFile(path)) {
          loaded +=
              (int)
                  jar.stream()
                      .map(entry -> entry.getName())
                      .filter(name -> name.endsWith(".class"))
                      .map(name -> name.substring(0, name.length() - 6).replace('/', '.'))
                      .filter(name -> PACKAGES.stream().anyMatch(name::startsWith))
                      .filter(LoadClasses::load)
                      .count();
        }
      }
    }
    if (spec != null) {
      Main.print(spec, loaded + " classes loaded\n");
    }
    return loaded > 0 ? Main.STOPPED : Main.FAILURE;
  }

  private static boolean load(String name) {
    try {
      Class.forName(name, false, LoadClasses.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      // Of a library that is optional to a library.
      return false;
    }
  }
}
