#!/usr/bin/env bash
# Measures sealing, opening and the packet engine, beside what libcrypto takes for the same, and prints medians.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/engine.sh [--rounds N] [--out DIR] [--help]

Runs in turn, N rounds (3), on one core: `openssl speed -evp aes-128-gcm`, bench/evp.c (libcrypto per packet, where
gcc and libssl-dev are there), the JMH benchmarks with the JDK's provider, and the AES-GCM ones with Amazon's (ACCP).
Only ratios of figures from one run are worth quoting; the machine should have nothing else to do.
Leaves all output in DIR (bench/results) and prints a table of medians.
END
}

rounds=3
out=bench/results
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) rounds=$2; shift ;;
    --out) out=$2; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out"/*.csv "$out"/*.txt

mvn -B -ntp -q -pl xfrm-core -am test-compile -Dspotless.check.skip=true
class_path() { # file, options
  mvn -B -ntp -q -f xfrm-core/pom.xml dependency:build-classpath -DincludeScope=test -Dmdep.outputFile="$1" "${@:2}"
}
class_path "$out/jdk.txt"
class_path "$out/accp.txt" -Paccp
classes=xfrm-core/target/test-classes:xfrm-core/target/classes

evp=
if command -v gcc >/dev/null && gcc -O2 -o "$out/evp" bench/evp.c -lcrypto 2>"$out/gcc.txt"; then
  evp=$out/evp
else
  echo "left out: libcrypto per packet (needs gcc and libssl-dev)" >&2
fi
# The last core: the first one takes most interrupts.
pin=(taskset -c "$(($(nproc) - 1))")

jmh() { # provider, round, benchmarks, options
  "${pin[@]}" java -XX:+UseSerialGC -cp "$classes:$(cat "$out/$1.txt")" org.openjdk.jmh.Main "$3" \
    -jvmArgs "-XX:+UseSerialGC -Xmx512m" -prof gc -rf csv -rff "$out/$1-$2.csv" "${@:4}" >"$out/$1-$2.txt" 2>&1
}

for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds, load $(cut -d' ' -f1 /proc/loadavg)" >&2
  "${pin[@]}" openssl speed -seconds 2 -bytes 1400 -evp aes-128-gcm 2>/dev/null | tail -n 1 >"$out/speed-$round.txt"
  [[ -z $evp ]] || "${pin[@]}" "$evp" >"$out/evp-$round.txt"
  jmh jdk "$round" 'SealBenchmark|EngineBenchmark'
  jmh accp "$round" 'SealBenchmark.*ing$|EngineBenchmark' -p suite=gcm
done

# What was measured, a line each: source, suite, what, value; times in ns, throughput in packets/s.
{
  for ((round = 1; round <= rounds; round++)); do
    awk '{ sub(/k$/, "", $NF); printf "openssl-speed gcm sealing %.0f\n", 1400 / ($NF * 1000) * 1e9 }' "$out/speed-$round.txt"
    [[ -z $evp ]] || awk '{ print "libcrypto", $0 }' "$out/evp-$round.txt"
    for provider in jdk accp; do
      awk -F, -v provider="$provider" 'NR > 1 {
        gsub(/"/, "")
        n = split($1, name, ".")
        what = name[n]
        if ($1 ~ /gc\.alloc\.rate\.norm$/) {
          split($1, part, ":"); n = split(part[1], name, "."); what = name[n] "-heap"
        } else if ($1 ~ /:/) {
          next
        }
        printf "%s %s %s %.0f\n", provider, $8, what, $5
      }' "$out/$provider-$round.csv"
    done
  done
} >"$out/figures.txt"

echo
echo "machine: $(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs), $(nproc) cores, Linux $(uname -r)"
echo "$(openssl version), $(java -version 2>&1 | head -n 1), ACCP $(sed 's/.*Provider-\([0-9.]*\)-linux.*/\1/' "$out/accp.txt"), $(date -u '+%F %R UTC')"
echo
sort -k 1,3 -k 4n "$out/figures.txt" | awk '
  function flush() {
    if (n) printf "%-14s %-4s %-14s %10d   (%d to %d)\n", p[1], p[2], p[3], v[int((n + 1) / 2)], v[1], v[n]
  }
  { if ($1 " " $2 " " $3 != key) { flush(); key = $1 " " $2 " " $3; split(key, p, " "); n = 0 } v[++n] = $4 }
  END { flush() }'
