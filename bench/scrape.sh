#!/usr/bin/env bash
# Measures how long a scrape of a home agent takes that has many bindings, and prints a table.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/scrape.sh [--scrapes N] [--seconds N] [--help]

As root: a home agent in a network namespace starts with 10, 1000 and 10000 bindings, and is scraped N times (200), 20 ms apart.
Prints median and worst in milliseconds. Then a correspondent sends datagrams of 1000 octets to a mobile node's home address, as many as it can, and what
the home agent tunnels is counted for so many seconds (5) without scrapes and with one in each second, five times by turns. Prints the medians, packets in a second.
END
}

scrapes=200
seconds=5
while [[ $# -gt 0 ]]; do
  case $1 in
    --scrapes) scrapes=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

mvn -B -ntp -q -pl mipd -am package -DskipTests -Dspotless.check.skip=true
class_path="$PWD/mipd/target/test-classes:$PWD/mipd/target/classes:$(<mipd/target/test-class-path)"

echo "machine: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $(java -version 2>&1 | head -n 1), $(date -u +'%F %H:%M UTC')"
echo "| bindings | scrapes | octets | from question to answer | until the event loop was asked | in the event loop | packets/s without scrapes | with |"
echo "|---|---|---|---|---|---|---|---|"
cd mipd
for bindings in 10 1000 10000; do
  java -XX:+UseSerialGC -Xmx512m -cp "$class_path" io.mipd.daemon.Scrapes --measure "$bindings" "$scrapes" "$seconds"
done
