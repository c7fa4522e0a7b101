#!/usr/bin/env bash
# Measures how many registrations a home agent can make durable, and prints a table.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/bindings.sh [--rounds N] [--dir DIR] [--help]

Renews bindings in the home agent's store, 1, 10 and 100 at once, and in turns writes the same to bare RocksDB, N times (5)
three seconds each. DIR, a folder on the disk that is meant (bench/results/bindings), is emptied first. Prints medians.
END
}

rounds=5
dir=bench/results/bindings
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) rounds=$2; shift ;;
    --dir) dir=$2; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

mvn -B -ntp -q -pl mipd -am package -DskipTests -Dspotless.check.skip=true
class_path="mipd/target/test-classes:mipd/target/classes:$(<mipd/target/test-class-path)"

echo "machine: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(java -version 2>&1 | head -n 1), $(date -u +'%F %H:%M UTC')"
mkdir -p "$dir"
echo "disk: $(df --output=source,fstype "$dir" | tail -n 1)"
echo "| bindings | at once | registrations/s | bare RocksDB, writes/s | ratio | opens in ms |"
echo "|---|---|---|---|---|---|"
for bindings in 1000 100000; do
  for batch in 1 10 100; do
    rm -rf "${dir:?}/store" "${dir:?}/bare"
    java -XX:+UseSerialGC -Xmx256m -cp "$class_path" io.mipd.daemon.BindingStoreBenchmark "$dir" "$bindings" "$batch" "$rounds"
  done
done
rm -rf "${dir:?}/store" "${dir:?}/bare"
