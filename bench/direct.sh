#!/usr/bin/env bash
# Compares the gaps that handovers leave with route optimization and without.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/direct.sh [--rounds N] [--handovers N] [--delay MS] [--out DIR] [--help]

Runs bin/lab with --ro and without it, by turns, as often as --rounds says (3), with N handovers each (10) and a one-way delay to the home agent (25 ms), and
compares the medians of outage_out_ms and outage_in_ms of all handovers. Prints a table and two verdicts for each direction: whether the gap with the direct way is no more
than that of the reverse tunnel, and no more than the wait for the router, two round trips and the exchange of return routability, each by way of the home agent. Out,
what follows the last direct datagram by the tunnel is a round trip to the home agent longer under way than that was, which no protocol can take away: the reverse tunnel's
gap is given so much more there. All limits may be exceeded by the 10 ms between two datagrams, below which a gap is not seen. Exit status 0: all hold; 1: not so, or a lab has failed.
Results of the labs go to DIR (lab-results/direct-TIME). Needs root.
END
}

rounds=3
handovers=10
delay=25
out=
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) rounds=$2; shift ;;
    --handovers) handovers=$2; shift ;;
    --delay) delay=$2; shift ;;
    --out) out=$2; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
[[ -n $out ]] || out=lab-results/direct-$(date +%Y%m%d-%H%M%S)
mkdir -p "$out"

status=0
for ((round = 1; round <= rounds; round++)); do
  for way in tunnel direct; do
    options=(--handovers "$handovers" --delay "$delay" --seed "$round" --out "$out/$way-$round")
    [[ $way == tunnel ]] || options+=(--ro)
    if ! bin/lab "${options[@]}" >"$out/$way-$round.log" 2>&1; then
      echo "failed: bin/lab ${options[*]}: $out/$way-$round.log" >&2
      status=1
    fi
  done
done

# values WAY COLUMN: those of all handovers between access links.
values() {
  for file in "$out/$1"-*/handovers.csv; do
    [[ -e $file ]] || continue
    awk -F, -v column="$2" '
      NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i; next }
      $at != "" { print $at }' "$file"
  done | sort -n
}

# median WAY COLUMN; "least to most" with range.
median() {
  values "$1" "$2" | awk '{ v[NR] = $1 } END { if (NR) printf "%.1f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

range() {
  values "$1" "$2" | awk 'NR == 1 { least = $1 } { most = $1 } END { if (NR) printf "%.1f to %.1f", least, most }'
}

echo "| milliseconds, $rounds runs of $handovers handovers, $delay ms to the home agent | reverse tunnel | with the direct way |"
echo "|---|---|---|"
for column in ra_ms outage_out_ms outage_in_ms; do
  echo "| $column, median (least to most) | $(median tunnel $column) ($(range tunnel $column)) | $(median direct $column) ($(range direct $column)) |"
done

# verdict WORDS VALUE LIMIT
verdict() {
  if awk -v value="$2" -v limit="$3" 'BEGIN { exit !(value != "" && limit != "" && value + 0 <= limit + 10) }'; then
    echo "ok     $1: $2 ms, the limit is $3 ms and one datagram"
  else
    echo "FAILED $1: $2 ms, the limit is $3 ms and one datagram"
    status=1
  fi
}

round_trip=$((2 * delay))
budget=$(awk -v wait="$(median direct ra_ms)" -v trip="$round_trip" 'BEGIN { if (wait != "") printf "%.1f", wait + 3 * trip }')
for direction in out in; do
  gap=$(median direct "outage_${direction}_ms")
  longer=0
  [[ $direction == in ]] || longer=$round_trip
  own=$(awk -v own="$(median tunnel "outage_${direction}_ms")" -v longer=$longer 'BEGIN { if (own != "") printf "%.1f", own + longer }')
  verdict "$direction: no more than the reverse tunnel's own, and its way $longer ms longer" "$gap" "$own"
  verdict "$direction: router, two round trips, return routability" "$gap" "$budget"
done
exit "$status"
