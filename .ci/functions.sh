# shellcheck shell=bash
# What examples/run.sh and tests/run.sh share. To be sourced by them. Everything it says goes to
# stderr, so that the output of a program stays its own.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '== %s\n' "$*" >&2; }

# Runs a command, and shows what it prints only if it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 || status=$?
  if ((status != 0)); then
    cat "$log" >&2
    say "failed: $*"
  fi
  rm -f "$log"
  return "$status"
}

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# install_packages package...: the Debian packages that are missing, as root or through sudo.
install_packages() {
  if ! command -v apt-get >/dev/null; then
    say "no apt-get here; needed is what these Debian packages hold: $*"
    return
  fi
  local package missing=() as_root=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then return; fi
  say "installing ${missing[*]}"
  if ((EUID != 0)); then as_root=(sudo); fi
  quietly "${as_root[@]}" apt-get update
  quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "${missing[@]}"
}

# How many compilers run at once: one a processor, but no more than memory allows, since each may
# take 2 GB for Eigen's templates.
job_count() {
  local processors available
  processors=$(getconf _NPROCESSORS_ONLN)
  available=$(awk '/^MemAvailable:/ {print int($2 / 2e6)}' /proc/meminfo 2>/dev/null || true)
  if [[ -n $available ]] && ((available < processors)); then
    echo $((available > 0 ? available : 1))
  else
    echo "$processors"
  fi
}

# configure preset [option...]
configure() {
  (cd "$root" && quietly cmake --preset "$@")
}

# build preset target...: configures the preset, as it was configured before, and builds the
# targets.
build() {
  local preset=$1
  shift
  configure "$preset"
  (cd "$root" && quietly cmake --build --preset "$preset" --target "$@" --parallel "$(job_count)")
}
