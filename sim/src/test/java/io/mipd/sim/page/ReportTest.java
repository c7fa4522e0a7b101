package io.mipd.sim.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.mipd.sim.sweep.Sweep;
import io.mipd.sim.sweep.SweepFolder;
import io.mipd.sim.sweep.SweepPlan;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The report of a sweep in a browser; its picture stays in {@code target/report.png}. */
class ReportTest {
  private static final Path CHROMIUM = Path.of("/usr/bin/chromium");

  /** Of the two lines and their bars, by Okabe and Ito. */
  private static final int BLUE = 0x0072b2;

  private static final int RED = 0xd55e00;

  private static final String SWEEP =
      """
      title = "What route optimization gains, by the distance of the correspondent"
      scenario = ro-triangle
      vary = [
        { value = "links.to-cn.delay", from = 0, to = 80, step = 20, unit = "ms" }
        { value = "mobile-nodes.mn.route-optimization", in = [on, off] }
        { value = "links.to-a.reordering.probability", in = [0.3] }
        { value = "links.to-a.reordering.extra", in = [200ms] }
      ]
      repetitions = 5
      plot { x = "links.to-cn.delay", y = "cbr cn>mn.mean_ms", by = "mobile-nodes.mn.route-optimization" }
      """;

  @TempDir private Path folder = Path.of("");

  private static int count(BufferedImage picture, int colour) {
    int count = 0;
    for (int x = 0; x < picture.getWidth(); x++) {
      for (int y = 0; y < picture.getHeight(); y++) {
        count += (picture.getRGB(x, y) & 0xffffff) == colour ? 1 : 0;
      }
    }
    return count;
  }

  @Test
  void saysThatNoRunHasWhatIsToBeDrawn() throws Exception {
    String unknown =
        """
        title = "a slip of the pen"
        scenario = ro-triangle
        vary = [ { value = "links.to-cn.delay", in = [1ms] } ]
        repetitions = 1
        plot { x = "links.to-cn.delay", y = "cbr cn>mn.maen_ms" }
        """;
    Path file = Files.writeString(folder.resolve("slip.conf"), unknown);
    SweepPlan plan = SweepPlan.read(file);
    SweepFolder opened = SweepFolder.open(folder.resolve("slip"), file, plan);
    new Sweep(plan, opened).run(1, 1, 1, (done, of) -> {});
    assertThat(Files.readString(Report.write(folder.resolve("slip"))))
        .contains("no run has the measure", "cbr cn&gt;mn.mean_ms")
        .doesNotContain("<svg");
  }

  @Test
  @Tag("long")
  void isDrawnByABrowserWithoutANetwork() throws Exception {
    assumeTrue(Files.isExecutable(CHROMIUM), "no chromium");
    Path file = Files.writeString(folder.resolve("gain.conf"), SWEEP);
    SweepPlan plan = SweepPlan.read(file);
    SweepFolder opened = SweepFolder.open(folder.resolve("gain"), file, plan);
    new Sweep(plan, opened).run(2, 1, 1, (done, of) -> {});
    Path report = Report.write(folder.resolve("gain"));
    assertThat(Files.readString(report)).doesNotContain("src=\"http", "href=\"http", "@import");

    Path picture = Path.of("target", "report.png").toAbsolutePath();
    Files.createDirectories(picture.getParent());
    Files.deleteIfExists(picture);
    Process browser =
        new ProcessBuilder(
                CHROMIUM.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--user-data-dir=" + folder.resolve("browser"),
                "--window-size=1100,1500",
                "--screenshot=" + picture,
                report.toUri().toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("browser.log").toFile())
            .start();
    assertThat(browser.waitFor(2, TimeUnit.MINUTES)).isTrue();
    assertThat(picture).as(Files.readString(folder.resolve("browser.log"))).exists();

    BufferedImage drawn = ImageIO.read(picture.toFile());
    assertThat(drawn.getWidth()).isEqualTo(1100);
    assertThat(count(drawn, BLUE)).as("pixels of the line of the direct way").isGreaterThan(300);
    assertThat(count(drawn, RED)).as("pixels of the line of the tunnel").isGreaterThan(300);
    Set<Integer> colours = new HashSet<>();
    for (int y = 0; y < drawn.getHeight(); y++) {
      colours.add(drawn.getRGB(drawn.getWidth() / 2, y));
    }
    assertThat(colours).as("colours in the middle").hasSizeGreaterThan(5);
  }
}
