#!/usr/bin/env bash
# From review files to recommendations people can read, after installing and building what is
# missing for that:
#
#     examples/run.sh                                    on a made-up category
#     examples/run.sh X.jsonl.gz meta_X.jsonl.gz [...]   on files of Amazon Reviews 2023; further
#                                                        options go to prepare_amazon
#     examples/run.sh --data DIR [...]                   compares models on a data-set folder alone;
#                                                        all options go to compare_models
#     examples/run.sh paper_tables --data DIR [...]      tunes models and reports like the paper
#
# The first two make the data-set folder lae-data/X in the current folder, anew each time.
set -euo pipefail
# shellcheck source=.ci/functions.sh
source "$(dirname "${BASH_SOURCE[0]}")/../.ci/functions.sh"

# Shows a command of one of the example programs, and runs it.
step() {
  printf '\n$ %s\n' "$*"
  "$root/build/release/examples/apps/$1" "${@:2}"
}

# from_reviews REVIEWS ITEMS [option...]
from_reviews() {
  local reviews=$1 items=$2 name
  name=$(basename "$reviews")
  local folder=lae-data/${name%%.*}
  step prepare_amazon --reviews "$reviews" --items "$items" --output "$folder" --replace "${@:3}"
  step encode_items --data "$folder" --built-in
  step compare_models --data "$folder"
  step recommend --data "$folder" --sample 5 --k 5
}

packages=(g++ make cmake libeigen3-dev libzip-dev libcli11-dev libfmt-dev nlohmann-json3-dev
  zlib1g-dev libsimdjson-dev libssl-dev libcpp-httplib-dev)
programs=(synthetic_category prepare_amazon encode_items compare_models recommend)
if [[ ${1:-} == paper_tables ]]; then
  packages+=(libboost-dev libmd4c-html0-dev libssl-dev gnuplot-nox)
  programs=(paper_tables)
fi
install_packages "${packages[@]}"
say "building ${programs[*]} (some minutes the first time)"
for program in "${programs[@]}"; do build release "$program"; done

if [[ ${1:-} == paper_tables ]]; then
  "$root/build/release/examples/apps/paper_tables" "${@:2}"
elif (($# == 0)); then
  step synthetic_category --output lae-data/raw
  from_reviews lae-data/raw/Synthetic.jsonl lae-data/raw/meta_Synthetic.jsonl
elif [[ $1 == -* ]]; then
  "$root/build/release/examples/apps/compare_models" "$@"
elif (($# == 1)); then
  say "the file of items is missing: examples/run.sh X.jsonl.gz meta_X.jsonl.gz"
  exit 2
else
  from_reviews "$@"
fi
