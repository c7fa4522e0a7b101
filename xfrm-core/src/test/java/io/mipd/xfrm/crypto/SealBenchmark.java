package io.mipd.xfrm.crypto;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The algorithms alone: one ESP text of 1400 octets (1408 with CBC), in place, a new IV each time.
 * To open a packet it must be put back first, so {@code open} includes a copy of it; {@code copy}
 * says what that costs. {@code bench/engine.sh} runs it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class SealBenchmark {
  private static final int ESP = 296;

  @Param({"gcm", "cbc"})
  public String suite = "";

  private EspSuite algorithms = suite(true);
  private int length;
  private long sequence = 1;
  private final byte[] packet = new byte[2048];
  private final byte[] sealed = new byte[2048];

  private static EspSuite suite(boolean gcm) {
    return gcm
        ? EspSuite.of(
            EncryptionAlgorithm.AES_GCM_16,
            KeyMaterial.copyOf(new byte[20]),
            IntegrityAlgorithm.NONE,
            KeyMaterial.EMPTY,
            false)
        : EspSuite.of(
            EncryptionAlgorithm.AES_CBC,
            KeyMaterial.copyOf(new byte[16]),
            IntegrityAlgorithm.HMAC_SHA2_256_128,
            KeyMaterial.copyOf(new byte[32]),
            false);
  }

  @Setup
  public void seal() {
    boolean gcm = suite.equals("gcm");
    algorithms = suite(gcm);
    length = gcm ? 1400 : 1408;
    algorithms.seal(sealed, ESP, length, sequence);
  }

  @Benchmark
  public byte sealing() {
    algorithms.seal(packet, ESP, length, ++sequence);
    return packet[ESP + 8];
  }

  @Benchmark
  public boolean opening() {
    System.arraycopy(sealed, ESP, packet, ESP, length + 40);
    if (!algorithms.open(packet, ESP, length, 1)) {
      throw new IllegalStateException("does not open");
    }
    return true;
  }

  @Benchmark
  public byte[] copying() {
    System.arraycopy(sealed, ESP, packet, ESP, length + 40);
    return packet;
  }
}
