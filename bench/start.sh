#!/usr/bin/env bash
# Measures how long the packaged mobile node takes from exec to its first Binding Update on the wire, and prints a table.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/start.sh [--deb FILE] [--rounds N] [--help]

Unpacks the package (mipd/target/mipd_VERSION_amd64.deb) over /usr in a mount namespace of its own, archives its classes as the installation does,
and starts the mobile node of the examples N times (11) in a network namespace, on a foreign link where it has an address already;
in turns without the archive. The router there advertises every 50 to 100 ms (RFC 6275 section 7.5). Needs root, tcpdump and radvd.
Prints medians, least and most.
END
}

deb=
rounds=11
while [[ $# -gt 0 ]]; do
  case $1 in
    --deb) deb=$(realpath -- "$2"); shift ;;
    --rounds) rounds=$2; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
[[ -n $deb ]] || deb=$(realpath mipd/target/mipd_*_amd64.deb)
# Mounts and the names of network namespaces go away with this process.
[[ -n ${MIPD_BENCH_OWN:-} ]] || MIPD_BENCH_OWN=1 exec unshare --mount --propagation private "$0" --deb "$deb" --rounds "$rounds"

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
dpkg-deb -x "$deb" "$work/package"
mkdir "$work"/{scratch,state}
mount -t overlay -o "lowerdir=/usr,upperdir=$work/package/usr,workdir=$work/scratch" overlay /usr
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
dpkg-deb -e "$deb" "$work/control"
"$work/control/postinst" configure
[[ -s /usr/lib/mipd/mipd.jsa ]] || { echo "no archive of classes was made" >&2; exit 1; }

ip netns add mn
ip netns add r
ip -n r link add away type veth peer name eth0 netns mn
ip netns exec r sysctl -q net.ipv6.conf.all.forwarding=1
ip -n r address add 2001:db8:a::1/64 dev away nodad
ip -n r link set away up
ip -n mn link set lo up
ip -n mn link set eth0 up
echo 'interface away { AdvSendAdvert on; MinRtrAdvInterval 0.05; MaxRtrAdvInterval 0.1; MinDelayBetweenRAs 0.03; AdvDefaultLifetime 30; AdvIntervalOpt on; prefix 2001:db8:a::/64 { }; };' >"$work/radvd.conf"
chmod 644 "$work/radvd.conf"
ip netns exec r radvd -n -C "$work/radvd.conf" -p "$work/radvd.pid" -m stderr 2>"$work/radvd.log" &
until ip -n mn -6 address show dev eth0 scope global -tentative | grep -q 2001:db8:a:; do sleep 0.1; done

examples=/usr/share/doc/mipd/examples
cp "$examples/mobile-node.conf" "$work/mipd.conf"
install -m 0600 "$examples/mobile-node-1.keys.sample" "$work/mobile-node-1.keys"

# Prints milliseconds from exec to the first ESP, or Home Address option, to the home agent.
start() {
  local capture daemon began
  rm -rf /var/lib/mipd
  : >"$work/tcpdump"
  ip netns exec r tcpdump -tt -n -l -c 1 -i away 'dst host 2001:db8:1::1 and (ip6[6] = 50 or ip6[6] = 60)' \
    >"$work/first" 2>>"$work/tcpdump" &
  capture=$!
  until grep -q '^listening' "$work/tcpdump"; do sleep 0.05; done
  began=$(date +%s.%N)
  ip netns exec mn /usr/bin/mipd run --config "$work/mipd.conf" 2>"$work/mipd.log" &
  daemon=$!
  wait "$capture"
  kill "$daemon"
  wait "$daemon" || true
  awk -v began="$began" '{ printf "%.0f\n", ($1 - began) * 1000 }' "$work/first"
}

row() {
  sort -n "$2" | awk -v name="$1" '{ all[NR] = $1 } END { printf "| %s | %d | %d to %d |\n", name, all[int((NR + 1) / 2)], all[1], all[NR] }'
}

for ((round = 0; round < rounds; round++)); do
  start >>"$work/with"
  mv /usr/lib/mipd/mipd.jsa "$work/mipd.jsa"
  start >>"$work/without"
  mv "$work/mipd.jsa" /usr/lib/mipd/mipd.jsa
done
echo "machine: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(date -u +'%F %H:%M UTC'), load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "| from exec to the Binding Update, ms | median | least to most of $rounds |"
echo "|---|---|---|"
row "as installed" "$work/with"
row "without the archive of mipd's classes" "$work/without"
