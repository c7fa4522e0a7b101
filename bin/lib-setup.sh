# Shared by bin/check and bin/lab: what the machine needs, and the build. Sourced, never started.
# shellcheck shell=bash

# Debian package : a command it brings. A command found by another way (a JDK in /opt, say) is good enough.
SETUP_PACKAGES=(
  openjdk-17-jdk-headless:javac
  maven:mvn
  iproute2:ip
  iputils-ping:ping
  tshark:tshark
  tcpdump:tcpdump
  radvd:radvd
  nftables:nft
  iperf3:iperf3
  procps:sysctl
  kmod:modprobe
  ethtool:ethtool
  strace:strace
  chromium:chromium
)

say() { printf '[%s] %s\n' "${0##*/}" "$*" >&2; }

is_root() { [[ $(id -u) -eq 0 ]]; }

has_command() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

# Prints the Debian packages whose command is not there, one a line.
missing_packages() {
  local entry
  for entry in "${SETUP_PACKAGES[@]}"; do
    has_command "${entry#*:}" || printf '%s\n' "${entry%%:*}"
  done
}

# Installs packages (as root, on Debian), or names them. Returns 1 if that cannot be done.
install_packages() {
  if ! is_root; then
    say "missing, and only root can install: $*"
    return 1
  fi
  if ! has_command apt-get; then
    say "missing, and there is no apt-get here to install: $*"
    return 1
  fi
  say "installing: $*"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update >&2 && apt-get -q -y --no-install-recommends install "$@" >&2 || {
    say "apt-get failed"
    return 1
  }
}

# Installs what is missing, or names it. Returns 1 if something is still missing.
ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [[ ${#missing[@]} -eq 0 ]] && return 0
  install_packages "${missing[@]}" || return 1
  mapfile -t missing < <(missing_packages)
  [[ ${#missing[@]} -eq 0 ]] || { say "still missing after the installation: ${missing[*]}"; return 1; }
}

# Debian package : a file it brings. What key exchange is tested with.
IKE_PACKAGES=(
  strongswan-charon:/usr/lib/ipsec/charon
  strongswan-swanctl:/usr/sbin/swanctl
  libstrongswan-standard-plugins:/usr/lib/ipsec/plugins/libstrongswan-openssl.so
  openssl:/usr/bin/openssl
)

# Prints those of them that are not there, one a line.
missing_ike_packages() {
  local entry
  for entry in "${IKE_PACKAGES[@]}"; do
    [[ -e ${entry#*:} ]] || printf '%s\n' "${entry%%:*}"
  done
}

# Installs them, or names them. Returns 1 if something is still missing. The machine's own IKE daemon is not started.
ensure_ike() {
  local missing
  mapfile -t missing < <(missing_ike_packages)
  [[ ${#missing[@]} -eq 0 ]] && return 0
  install_packages "${missing[@]}" || return 1
  ! has_command systemctl || systemctl disable --now strongswan-starter >/dev/null 2>&1 || true
  mapfile -t missing < <(missing_ike_packages)
  [[ ${#missing[@]} -eq 0 ]] || { say "still missing after the installation: ${missing[*]}"; return 1; }
}

# True when the jars are there and nothing they are made of is newer.
is_built() {
  local module jar
  for module in xfrm-core policy-merger mipd sim; do
    jar=$(find "$module/target" -maxdepth 1 -name "$module-*.jar" 2>/dev/null | head -n 1)
    [[ -n $jar ]] || return 1
    [[ -z $(find pom.xml "$module/pom.xml" "$module/src/main" -newer "$jar" -print -quit) ]] || return 1
  done
  [[ -d sim/target/lib && -d mipd/target/lib ]]
}

# Builds the jars unless they are up to date. Tests are bin/check's business.
ensure_built() {
  is_built && return 0
  say "building (mvn package, without tests)"
  mvn -B -ntp -q -DskipTests -Dspotless.check.skip=true package >&2
  # Maven leaves a jar alone whose content did not change: say that it is as new as its sources.
  local module
  for module in xfrm-core policy-merger mipd sim; do
    touch -c "$module/target/$module"-*.jar
  done
}

# An archive of mipd's loaded classes, beside its jar: in a guest a daemon starts in two thirds of the time with it. Without
# it, or with one of another build, all goes on as usual.
ensure_archive() {
  local archive=mipd/target/mipd.jsa jar
  jar=$(find mipd/target -maxdepth 1 -name 'mipd-*.jar' | head -n 1)
  [[ -s $archive && ! $jar -nt $archive ]] && return 0
  rm -f "$archive"
  MIPD_JAVA_OPTS="-XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit=$archive -Xlog:cds=off -Xlog:cds+dynamic=off" \
    bin/mipd load-classes >/dev/null 2>&1 || say "no archive of classes; daemons start more slowly without it"
}
