#!/usr/bin/env bash
# Measures the engine's policy look-up, and one change, from ten policies to 100,000, and prints medians.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/look-up.sh [--rounds N] [--policies "N N ..."] [--help]

Looks up flows that were not seen before (few: they are of ten policies, hit: of all of them, packet: the same from a
packet's octets, with written, what it takes to write these; miss: mostly none is for them), gives a policy another
priority (update), replaces one by another, in the engine's policy database, among 10 to 100,000 policies that differ in
hosts, /64 prefixes, ports, or prefixes of many lengths; and, to compare with, reads one of as many cache lines (memory),
and finds keys in a JDK hash map of as many (map). N rounds (9), all numbers of policies in turn in one process on one
core, by the thread's own CPU time. Prints a table of medians, in nanoseconds, and how much the last column is of the first.
With JMH, in a process each: the class is PolicyLookUpBenchmark.
END
}

rounds=9
policies="10 100 1000 10000 100000"
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) rounds=$2; shift ;;
    --policies) policies=$2; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

class_path=bench/results/class-path.txt
mkdir -p bench/results
mvn -B -ntp -q -pl xfrm-core -am test-compile -Dspotless.check.skip=true
mvn -B -ntp -q -f xfrm-core/pom.xml dependency:build-classpath -DincludeScope=test -Dmdep.outputFile="$PWD/$class_path"

echo "$(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), Linux $(uname -r), $(java -version 2>&1 | head -n 1), $(date -u '+%d %B %Y')"
echo
echo "| policies differ in | what | ${policies// / | } | growth |"
echo "|---|---|$(for _ in $policies; do printf -- '---|'; done)---|"
# The last core: the first one takes most interrupts.
# shellcheck disable=SC2086
taskset -c "$(($(nproc) - 1))" java -XX:+UseSerialGC -Xmx2g \
  -cp "xfrm-core/target/test-classes:xfrm-core/target/classes:$(cat "$class_path")" \
  io.mipd.xfrm.engine.PolicyLookUpBenchmark "$rounds" $policies
