#!/usr/bin/env bash
# Measures the simulator on one core: events and simulated seconds per CPU second, and memory, by the number of mobile nodes.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/sim.sh [--nodes "N N ..."] [--heap SIZE] [--help]

Runs the scenario ten-thousand with N mobile nodes, multiples of 20 (100 1000 10000 100000), each in a JVM of its own with a heap of up
to SIZE (16g; 10,000 nodes need 2g). Prints a table: events, CPU seconds of the process (time in which others had the core is not in them, but what they
do to the caches is), events and simulated seconds per CPU second, and the most memory that the process had. What does not fit or fails is told as such.
END
}

nodes="100 1000 10000 100000"
heap=16g
while [[ $# -gt 0 ]]; do
  case $1 in
    --nodes) nodes=$2; shift ;;
    --heap) heap=$2; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
for n in $nodes; do
  [[ $n =~ ^[0-9]+$ && $n -ge 20 && $((n % 20)) -eq 0 ]] || { echo "not a multiple of 20: $n" >&2; exit 2; }
done

[[ -e mipd/target/lib ]] || { echo "not built: bin/check, or mvn package" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "$(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), Linux $(uname -r), $(java -version 2>&1 | head -n 1), $(date -u '+%d %B %Y')"
echo
echo "| mobile nodes | events | CPU seconds | events/s | simulated s/s | most memory, MB |"
echo "|---|---|---|---|---|---|"
for n in $nodes; do
  # What /proc tells of the process is read while it runs: its peak of memory, and its CPU time, of which the last half second at most is missed.
  # Most of what is made lasts: room that is kept for what dies young would be missing for it.
  MIPD_JAVA_OPTS="-Xmx$heap -XX:MaxNewSize=512m" taskset -c 0 bin/sim run ten-thousand --set "values.count=$((n / 20))" --out "$work/$n" \
    >"$work/$n.txt" 2>&1 &
  pid=$!
  most=0
  ticks=0
  while kill -0 "$pid" 2>/dev/null; do
    now=$(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$pid/status" 2>/dev/null || true)
    [[ -z $now || $now -le $most ]] || most=$now
    now=$(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat" 2>/dev/null || true)
    [[ -z $now ]] || ticks=$now
    sleep 0.5
  done
  status=0
  wait "$pid" || status=$?
  if [[ $status -ne 0 || ! -e $work/$n/result.json ]]; then
    echo "| $n | did not end well (status $status): $(tail -n 1 "$work/$n.txt" | tr '|' ' ') | | | | $most |"
    continue
  fi
  awk -v n="$n" -v most="$most" -v t="$ticks" -v per="$(getconf CLK_TCK)" '
    /"events"/ { gsub(/[^0-9]/, ""); events = $0 }
    /"duration_s"/ { gsub(/[^0-9.]/, ""); duration = $0 }
    END { t /= per; printf "| %d | %d | %.1f | %.0f | %.2f | %d |\n", n, events, t, events / t, duration / t, most }' "$work/$n/result.json"
done
