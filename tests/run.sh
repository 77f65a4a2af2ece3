#!/usr/bin/env bash
# Runs tests, after installing and building what is missing for that:
#
#     tests/run.sh              all: optimised, with the default compiler; then with Clang,
#                               AddressSanitizer and UndefinedBehaviorSanitizer those of what touches
#                               memory and bytes
#     tests/run.sh SUITE...     these suites alone, optimised
#
# Warnings are errors in both. Ends with the line "N passed, N failed, N skipped". The environment
# variable LAE_TEST_DATA may name the folder with data/ and reference/ that some tests read.
set -euo pipefail
# shellcheck source=.ci/functions.sh
source "$(dirname "${BASH_SOURCE[0]}")/../.ci/functions.sh"

passed=0 failed=0 skipped=0

# prepare preset: so that the build knows its suites.
prepare() {
  configure "$1" ${LAE_TEST_DATA:+-D "LAE_TEST_DATA=$LAE_TEST_DATA"}
}

# run_tests preset [suite...]: builds and runs the suites, or all, and adds up their results.
run_tests() {
  local preset=$1 targets=(all) chosen=() log all bad not_run
  shift
  if (($# > 0)); then
    targets=("${@/%/_tests}")
    chosen=(--label-regex "^($(IFS='|' && echo "$*"))\$")
  fi
  say "building $preset (some minutes the first time)"
  build "$preset" "${targets[@]}"
  say "testing $preset"
  log=$root/build/$preset/tests.log
  (cd "$root" && ctest --preset "$preset" --no-tests=error --parallel "$(job_count)" \
    "${chosen[@]}") | tee "$log" || true
  read -r bad all < <(sed -nE 's/.* ([0-9]+) tests failed out of ([0-9]+)$/\1 \2/p' "$log")
  not_run=$(grep -cE '^\s+[0-9]+ - .* \(Skipped\)$' "$log" || true)
  passed=$((passed + all - bad - not_run))
  failed=$((failed + bad))
  skipped=$((skipped + not_run))
  grep -oE 'skipped: no .*' "$root/build/$preset/Testing/Temporary/LastTest.log" | sort -u || true
}

install_packages g++ clang libclang-rt-dev libomp-dev make cmake catch2 libeigen3-dev libzip-dev \
  libcli11-dev libfmt-dev nlohmann-json3-dev zlib1g-dev libsimdjson-dev libssl-dev \
  libcpp-httplib-dev libopenblas-dev libbenchmark-dev python3-numpy python3-scipy libboost-dev \
  libmd4c-html0-dev gnuplot-nox doxygen chromium
prepare tests
for suite in "$@"; do
  known=$root/build/tests/test_suites
  if ! grep -qxF -e "$suite" "$known"; then
    say "no suite $suite; there are: $(paste -sd ' ' "$known")"
    exit 2
  fi
done
run_tests tests "$@"
if (($# == 0)); then
  prepare asan-ubsan
  run_tests asan-ubsan
fi
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
