#!/usr/bin/env bash
# Measures how long the packaged home agent takes from exec to service and to forwarding, with the bindings of a predecessor.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/restart.sh [--deb FILE] [--bindings N] [--rounds N] [--crash] [--help]

Unpacks the package (mipd/target/mipd_VERSION_amd64.deb) over /usr in a mount namespace of its own, puts N bindings (1000) into the store, and starts
the home agent as often as --rounds says (5), after a stop, or with --crash after SIGKILL, which leaves a route for each binding in the kernel, while somebody pings the last of the mobile nodes. Needs root, tcpdump, ping and the built tests
(mipd/target/test-classes). Prints medians: until it says that it serves, and until the first packet is in its tunnel; what CPU time it has taken until then, of all its
threads, and its memory. Its heap may grow to 256 MiB and 40 KiB for each binding, and begins with half of that, most of it for young objects.
END
}

deb=
bindings=1000
rounds=5
crash=
while [[ $# -gt 0 ]]; do
  case $1 in
    --deb) deb=$(realpath -- "$2"); shift ;;
    --bindings) bindings=$2; shift ;;
    --rounds) rounds=$2; shift ;;
    --crash) crash=--crash ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
heap=$((256 + bindings / 25))
export MIPD_JAVA_OPTS="-Xms$((heap / 2))m -Xmn$((heap * 3 / 8))m -Xmx${heap}m ${MIPD_JAVA_OPTS:-}"
[[ -n $deb ]] || deb=$(realpath mipd/target/mipd_*_amd64.deb)
# Mounts and the names of network namespaces go away with this process.
[[ -n ${MIPD_BENCH_OWN:-} ]] ||
  MIPD_BENCH_OWN=1 exec unshare --mount --propagation private "$0" --deb "$deb" --bindings "$bindings" --rounds "$rounds" $crash

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
class_path=${MIPD_BENCH_CLASSES:-mipd/target/test-classes:mipd/target/classes:$(<mipd/target/test-class-path)}
java=$(command -v java)
"$java" -XX:+UseSerialGC -Xmx256m -cp "$class_path" io.mipd.daemon.BindingStoreFiller "$work/filled" "$bindings" >"$work/fill.log"
dpkg-deb -x "$deb" "$work/package"
mkdir "$work/scratch"
mount -t overlay -o "lowerdir=/usr,upperdir=$work/package/usr,workdir=$work/scratch" overlay /usr
mount -t tmpfs tmpfs /run
dpkg-deb -e "$deb" "$work/control"
"$work/control/postinst" configure

ip netns add ha
ip netns add r
ip -n r link add home type veth peer name eth1 netns ha
ip netns exec ha sysctl -q net.ipv6.conf.all.forwarding=1
ip netns exec r sysctl -q net.ipv6.conf.all.forwarding=1
ip -n ha link set lo up
ip -n ha link set eth1 up
ip -n r link set home up
ip -n ha address add 2001:db8:1::1/64 dev eth1 nodad
ip -n r address add 2001:db8:1::fe/64 dev home nodad
ip -n ha route add default via 2001:db8:1::fe
last=$(printf '2001:db8:1::1:%x' $((bindings - 1)))
[[ $bindings -le 65536 ]] || last=$(printf '2001:db8:1::%x:%x' $((1 + (bindings - 1) / 65536)) $(((bindings - 1) % 65536)))
# Who it is on the link is known, so that a ping does not wait for that.
ip -n r neighbour add "$last" lladdr "$(ip netns exec ha cat /sys/class/net/eth1/address)" dev home

{
  echo "role = home-agent, state-directory = \"$work/state\""
  echo 'home-agent { home-interface = eth1, address = "2001:db8:1::1", home-prefix = "2001:db8:1::/64", mobile-nodes = ['
  for ((i = 65536; i < 65536 + bindings; i++)); do
    printf '{ home-address = "2001:db8:1::%x:%x", ipsec = off }\n' $((i / 65536)) $((i % 65536))
  done
  echo ']}'
} >"$work/mipd.conf"

# Adds the milliseconds from exec to service, and to the first tunnelled packet.
start() {
  local capture daemon pings began
  if [[ -z $crash || ! -e $work/state ]]; then
    rm -rf "$work/state"
    cp -a "$work/filled" "$work/state"
  fi
  : >"$work/tcpdump"
  : >"$work/mipd.log"
  ip netns exec r tcpdump -tt -n -l -c 1 -i home 'dst net 2001:db8:a::/48 and ip6[6] = 41' >"$work/first" 2>>"$work/tcpdump" &
  capture=$!
  until grep -q '^listening' "$work/tcpdump"; do sleep 0.05; done
  ip netns exec r ping -q -i 0.02 "$last" >"$work/ping" 2>&1 &
  pings=$!
  began=$(date +%s.%N)
  ip netns exec ha /usr/bin/mipd run --config "$work/mipd.conf" 2>>"$work/mipd.log" &
  daemon=$!
  until grep -q '^mipd ready' "$work/mipd.log"; do
    kill -0 "$daemon" 2>/dev/null || { tail -n 5 "$work/mipd.log" >&2; exit 1; }
    sleep 0.01
  done
  date +%s.%N | awk -v began="$began" '{ printf "%.0f\n", ($1 - began) * 1000 }' >>"$work/service"
  awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%.0f\n", ($12 + $13) * 1000 / tick }' "/proc/$daemon/stat" >>"$work/cpu"
  awk '/^VmRSS/ { printf "%.0f\n", $2 / 1024 }' "/proc/$daemon/status" >>"$work/memory"
  wait "$capture"
  awk -v began="$began" '{ printf "%.0f\n", ($1 - began) * 1000 }' "$work/first" >>"$work/forwarding"
  kill "$pings"
  kill ${crash:+-KILL} "$daemon"
  wait "$pings" "$daemon" || true
}

if [[ -n $crash ]]; then
  # The first has no predecessor.
  start
  rm "$work"/{service,cpu,memory,forwarding}
fi
for ((round = 0; round < rounds; round++)); do
  start
done
row() {
  sort -n "$2" | awk -v name="$1" '{ all[NR] = $1 } END { printf "| %s | %d | %d to %d |\n", name, all[int((NR + 1) / 2)], all[1], all[NR] }'
}
echo "machine: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(date -u +'%F %H:%M UTC'), load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "| from exec, $bindings bindings${crash:+, after a crash}, ms | median | least to most of $rounds |"
echo "|---|---|---|"
row "until it serves" "$work/service"
row "until it forwards" "$work/forwarding"
row "CPU time until it serves" "$work/cpu"
row "memory, MiB" "$work/memory"
