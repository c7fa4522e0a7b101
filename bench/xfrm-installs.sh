#!/usr/bin/env bash
# Measures installs of policies per second in the kernel: one by one, in batches, and by a bare loop.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/xfrm-installs.sh [--rounds N] [--counts "N ..."] [--help]

Installs merged policies (two templates, distinct selectors) into this kernel, in a network namespace of its own, in turn
one by one and in batches of 256 by KernelBackend, and by a loop that sends messages built beforehand, 256 in a datagram,
with the same system calls; N rounds (5), for 1,000 and 100,000 policies. Prints a table of medians. As root. Only ratios of
figures from one run are worth quoting; the machine should have nothing else to do. Status 3: the kernel has no XFRM_USER.
With --inside it uses the namespace that it is started in, and empties it of mipd's policies: for a guest.
END
}

rounds=5
counts="1000 100000"
inside=false
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) rounds=$2; shift ;;
    --counts) counts=$2; shift ;;
    --inside) inside=true ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

class_path=bench/results/class-path.txt
if ! $inside; then
  mkdir -p bench/results
  mvn -B -ntp -q -pl xfrm-core -am test-compile -Dspotless.check.skip=true
  mvn -B -ntp -q -f xfrm-core/pom.xml dependency:build-classpath -DincludeScope=test -Dmdep.outputFile="$PWD/$class_path"
  namespace=mipd-bench-$$
  ip netns add "$namespace"
  trap 'ip netns del "$namespace"' EXIT
  run=(ip netns exec "$namespace")
  "${run[@]}" ip xfrm policy count >/dev/null 2>&1 || { echo "this kernel has no CONFIG_XFRM_USER" >&2; exit 3; }
else
  run=()
fi

echo "$(date -u '+%d %B %Y'), Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg)"
echo "| policies | one by one, per second | batches | bare loop | batches / one by one | batches / bare loop |"
echo "|---|---|---|---|---|---|"
for count in $counts; do
  "${run[@]}" java -XX:+UseSerialGC -Xmx700m -XX:-UsePerfData \
    -cp "xfrm-core/target/test-classes:xfrm-core/target/classes:$(cat "$class_path")" \
    io.mipd.xfrm.linux.XfrmInstallBenchmark "$count" "$rounds" 2>&1 | grep -v SLF4J
done
