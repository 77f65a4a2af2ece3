#!/usr/bin/env bash
# The README's commands on a machine that has nothing yet: makes a minimal system of this machine's
# Debian release in a folder, copies the last commit into it, and runs them there.
#
#     tests/bare.sh                       examples/run.sh and tests/run.sh
#     tests/bare.sh COMMAND...            these, each an argument of its own:
#                                         tests/bare.sh "tests/compilers.sh clang-15 g++-11"
#
# Says which packages each had to install, how it ended and how long it took; its output goes to
# FOLDER.log. LAE_BARE_SYSTEM may name a folder where the system is kept and found again; what was
# installed there is not bare any more. LAE_TEST_DATA is passed on. Needs root, debootstrap and git.
set -euo pipefail
# shellcheck source=.ci/functions.sh
source "$(dirname "${BASH_SOURCE[0]}")/../.ci/functions.sh"

if (($# == 0)); then set -- examples/run.sh tests/run.sh; fi
if ((EUID != 0)); then
  say "only root can make a system"
  exit 2
fi
install_packages debootstrap git

system=${LAE_BARE_SYSTEM:-$(mktemp -d)}
mounts=()
# shellcheck disable=SC2317
clean_up() {
  local place
  for place in "${mounts[@]}"; do umount --lazy "$place" || return; done
  if [[ -z ${LAE_BARE_SYSTEM:-} ]]; then rm -rf --one-file-system "$system"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# mount_at place option...
mount_at() {
  mkdir -p "$system/$1"
  mount "${@:2}" "$system/$1"
  mounts=("$system/$1" "${mounts[@]}")
}

# From where this machine gets its packages.
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" \
  "Component: main" "Codename: $release" | head -n 1)
if [[ ! -x $system/usr/bin/apt-get ]]; then
  say "making a minimal $release"
  quietly debootstrap --variant=minbase "$release" "$system" "$mirror"
fi
mount_at proc -t proc proc
mount_at dev --bind /dev
mount_at dev/pts -t devpts devpts
mount_at dev/shm -t tmpfs tmpfs
mount_at tmp -t tmpfs tmpfs
cp /etc/resolv.conf "$system/etc/"
variables=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8)
for variable in http_proxy https_proxy no_proxy; do
  if [[ -n ${!variable:-} ]]; then variables+=("$variable=${!variable}"); fi
done
if [[ -n ${LAE_TEST_DATA:-} ]]; then
  mount_at srv/data --bind -o ro "$LAE_TEST_DATA"
  variables+=(LAE_TEST_DATA=/srv/data)
fi

rm -rf "$system/srv/lae"
git clone --quiet --no-hardlinks "$root" "$system/srv/lae"
failed=0
log=${LAE_BARE_SYSTEM:-$(mktemp -u)}.log
: >"$log"
for command in "$@"; do
  say "running $command"
  start=$SECONDS code=0 begin=$(($(wc -l <"$log") + 1))
  # shellcheck disable=SC2016
  nice chroot "$system" env -i "${variables[@]}" bash -c 'cd /srv/lae && $0' "$command" \
    >>"$log" 2>&1 || code=$?
  tail -n "+$begin" "$log" | sed -nE "s|^== installing |$command: installed |p"
  echo "$command: ended with $code after $((SECONDS - start)) s: $(tail -n 1 "$log")"
  if ((code != 0)); then failed=1; fi
done
say "all it printed: $log"
exit "$failed"
