# Shared by bin/uml and those that use it: the packages of a guest, and its life. Sourced, never started.
# shellcheck shell=bash

# Debian package : a file it brings.
GUEST_PACKAGES=(
  user-mode-linux:/usr/bin/linux.uml
  kmod:/usr/sbin/modprobe
)

# Prints the Debian packages that a guest needs and that are not there, one a line.
missing_guest_packages() {
  local entry
  for entry in "${GUEST_PACKAGES[@]}"; do
    [[ -e ${entry#*:} || -e ${entry#*:/usr} ]] || printf '%s\n' "${entry%%:*}"
  done
}

# Installs what a guest needs (as root, on Debian), or names it. Returns 1 if something is still missing.
ensure_guest() {
  local missing
  mapfile -t missing < <(missing_guest_packages)
  [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}" || return 1
  mapfile -t missing < <(missing_guest_packages)
  [[ ${#missing[@]} -eq 0 ]] || { say "still missing after the installation: ${missing[*]}"; return 1; }
}

# Holds one of as many places as there are CPUs, until this process ends. Sets slot_fd.
take_slot() {
  local folder=${MIPD_UML_SLOTS:-/tmp/mipd-uml-slots} count i told=false
  count=$(nproc)
  mkdir -p -m 1777 "$folder" 2>/dev/null || true
  while true; do
    for ((i = 1; i <= count; i++)); do
      # Opened for reading: also somebody else's file can be locked.
      [[ -e $folder/$i ]] || { : >"$folder/$i"; } 2>/dev/null || true
      exec {slot_fd}<"$folder/$i"
      flock -n "$slot_fd" && return 0
      exec {slot_fd}<&-
    done
    $told || say "$count guests run already, one for each CPU: waiting"
    told=true
    sleep 1
  done
}

# Runs a command in a guest as the variables of bin/uml say, and exits with its status.
run_in_guest() {
  take_slot
  job=$(mktemp -d "${TMPDIR:-/tmp}/mipd-uml-$$-XXXXXX")
  guest=
  guard=
  helpers=()
  asked=0
  trap end_guest EXIT
  trap 'ask_guest 130' INT
  trap 'ask_guest 143' TERM HUP

  write_job "$@"
  mkfifo "$job/out" "$job/err" "$job/control" "$job/kernel"
  # The guest makes its descriptors non-blocking, for all that share them: so it gets pipes of its own.
  cat <"$job/out" & local out=$!
  cat <"$job/err" >&2 & local err=$!
  cat <"$job/kernel" >"${kernel_log:-$job/kernel.log}" &
  helpers+=("$out" "$err" $!)
  exec {control}<>"$job/control"
  local input=/dev/null
  if $stdin; then
    mkfifo "$job/in"
    # Who gives no more wants no more, as with a terminal that is closed. The guest itself never sees the end: it would hang
    # up its terminal at once, for output too.
    { cat >"$job/in"; echo TERM >&"$control"; } <&0 &
    helpers+=($!)
    input=$job/in
  fi

  local words=(
    "mem=$memory" root=/dev/root rootfstype=hostfs rootflags=/ ro "init=$home/bin/uml-init" "job=$job"
    "umid=${job##*/}" "uml_dir=$job/" quiet panic=1 "hostname=$hostname"
    con=null con0=fd:0,fd:1 con1=null,fd:2 con2=fd:8,null con3=null,fd:9 console=tty3
  )
  local i=0 tap mac disk
  for disk in "${disks[@]}"; do
    words+=("ubd$i=$disk")
    i=$((i + 1))
  done
  i=0
  for tap in "${taps[@]}"; do
    mac=${tap#"${tap%%,*}"}
    words+=("vec$i:transport=tap,ifname=${tap%%,*},depth=64${mac:+,mac=${mac#,}}")
    i=$((i + 1))
  done
  # Its memory is a file: where there is room for it.
  local roomy
  roomy=$(df -m --output=avail /dev/shm 2>/dev/null | tail -n 1) || roomy=0
  [[ ${roomy:-0} -gt 1200 ]] || export TMPDIR="${TMPDIR:-/tmp}"
  setsid "$(command -v linux.uml || echo /usr/bin/linux.uml)" "${words[@]}" \
    <>"$input" >"$job/out" 2>"$job/err" 8<>"$job/control" 9>"$job/kernel" {control}>&- {slot_fd}<&- &
  guest=$!
  guard_guest $$ "$guest" "$limit" "$job" {control}>&- {slot_fd}<&- </dev/null &
  guard=$!

  local over=false
  while ! $over; do
    wait "$guest" 2>/dev/null || true
    kill -0 "$guest" 2>/dev/null || over=true
  done
  kill_guest
  wait "$out" "$err" 2>/dev/null || true
  [[ -e $job/over ]] && { say "not done within $limit s: ended"; exit 124; }
  [[ $asked -ne 0 ]] && exit "$asked"
  if [[ ! -s $job/status ]]; then
    say "the guest has ended before its command; the end of what its kernel said:"
    tail -n 20 "${kernel_log:-$job/kernel.log}" >&2
    exit 125
  fi
  exit "$(<"$job/status")"
}

# What the guest's first process reads: the command, its environment, its folders. One word each, quoted for bash.
write_job() {
  local name folder
  {
    printf 'command=('
    printf '%q ' "$@"
    printf ')\nfolder=%q\n' "$PWD"
    printf 'writable=('
    for folder in "${writable[@]}"; do
      mkdir -p "$folder"
      printf '%q ' "$(realpath -- "$folder")"
    done
    printf ')\nreadable=('
    for folder in "$home" "$PWD" "${readable[@]}"; do
      # What is under the guest's own folders would not be seen.
      [[ $folder =~ ^/(tmp|run|var/tmp|dev/shm)/ ]] && printf '%q ' "$folder"
    done
    printf ')\nstdin=%s\nenvironment=(' "$stdin"
    for name in CI JAVA_HOME LANG TZ HOME USER "${!MIPD_@}"; do
      [[ -n ${!name+x} ]] && printf '%q ' "$name=${!name}"
    done
    for name in "${environment[@]}"; do
      printf '%q ' "$name"
    done
    printf ')\n'
  } >"$job/job"
}

# Ends the guest when this process is gone, however it went, or when its time is over.
guard_guest() {
  local parent=$1 process=$2 until=$((SECONDS + $3)) folder=$4 own=$BASHPID now_parent
  trap '' INT HUP
  while kill -0 "$process" 2>/dev/null; do
    if [[ $SECONDS -ge $until ]]; then
      : >"$folder/over"
      break
    fi
    # A parent that died leaves us to another.
    read -r _ _ _ now_parent _ <"/proc/$own/stat"
    [[ $now_parent -eq $parent ]] || { rm -rf "$folder"; break; }
    sleep 1
  done
  kill -KILL -- "-$process" 2>/dev/null || true
}

# First politely, by the guest's first process to the command; the second time at once.
ask_guest() {
  if [[ $asked -ne 0 || -z $guest ]]; then
    asked=$1
    kill_guest
    return
  fi
  asked=$1
  echo TERM >&"$control"
}

kill_guest() {
  [[ -n $guest ]] && kill -KILL -- "-$guest" 2>/dev/null || true
}

end_guest() {
  kill_guest
  kill $guard "${helpers[@]}" 2>/dev/null || true
  rm -rf "$job"
}
