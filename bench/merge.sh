#!/usr/bin/env bash
# Measures what a merge costs, from scratch and for one binding's change, and prints the figures.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/merge.sh [--rounds N] [--out DIR] [--help]

Runs the JMH benchmarks of the policy merger N times (3): 10, 1,000 and 100,000 policies of the user's beside 100 bindings
that overlap with ten of them each (fromScratch, oneBinding), and 10, 1,000 and 10,000 bindings beside a policy of the
user's for any flow (moves, goesAndComes). Prints, of each figure, the medians of the rounds, in microseconds, and how many times
that of the fewest policies or bindings they are. Leaves all output in DIR (bench/results).
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
rm -f "$out"/merge-*

mvn -B -ntp -q -pl policy-merger -am package -DskipTests -Dspotless.check.skip=true
class_path="policy-merger/target/test-classes:policy-merger/target/classes:$(<policy-merger/target/test-class-path)"

for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds, load $(cut -d' ' -f1 /proc/loadavg)" >&2
  java -XX:+UseSerialGC -cp "$class_path" org.openjdk.jmh.Main 'MergeBenchmark|ManyBindingsBenchmark' \
    -jvmArgs "-XX:+UseSerialGC -Xmx2g" -rf csv -rff "$out/merge-$round.csv" >"$out/merge-$round.txt" 2>&1
done

echo "machine: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(java -version 2>&1 | head -n 1), $(date -u +'%F %H:%M UTC')"
grep -hoE "[0-9]+ (policies of the user's|bindings): [0-9]+" "$out"/merge-1.txt | sort -u | sed 's/: /, policies of the result: /'
for ((round = 1; round <= rounds; round++)); do
  tr -d '"\r' <"$out/merge-$round.csv" | awk -F, 'NR > 1 { n = split($1, name, "."); print name[n], $NF != "" ? $NF : $(NF - 1), $5 }'
done | sort -k1,1 -k2,2n -k3,3n | awk '
  { key = $1 " " $2; if (!(key in count)) order[++keys] = key; value[key, ++count[key]] = $3 }
  END {
    for (i = 1; i <= keys; i++) {
      key = order[i]; split(key, part, " ")
      median = value[key, int((count[key] + 1) / 2)]
      if (!(part[1] in least)) least[part[1]] = median
      printf "%-12s %7d  %12.1f us  %6.1f times\n", part[1], part[2], median, median / least[part[1]]
    }
  }'
