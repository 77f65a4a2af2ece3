#!/usr/bin/env bash
# Runs all tests, after installing what is missing for that:
#
# 1. optimised, with the default compiler: all of them;
# 2. with Clang, AddressSanitizer and UndefinedBehaviorSanitizer: all but the heavy ones.
#
# Warnings are errors in both. Ends with the line "N passed, N failed, N skipped".
set -euo pipefail
# shellcheck source=.ci/functions.sh
source "$(dirname "${BASH_SOURCE[0]}")/../.ci/functions.sh"

passed=0 failed=0 skipped=0

# run_tests preset: builds everything, runs the preset's tests and adds up their results.
run_tests() {
  local preset=$1 log all bad not_run
  say "building $preset (some minutes the first time)"
  build "$preset" all
  say "testing $preset"
  log=$root/build/$preset/tests.log
  (cd "$root" && ctest --preset "$preset" --no-tests=error --parallel "$(job_count)") |
    tee "$log" || true
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
  gnuplot-nox
run_tests tests
run_tests asan-ubsan
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
