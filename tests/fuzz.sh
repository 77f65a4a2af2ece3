#!/usr/bin/env bash
# Lets libFuzzer look for bytes that the readers cannot take, after installing and building what is
# missing for that:
#
#     tests/fuzz.sh MINUTES [NAME...]     all fuzzers of tests/fuzz, or these, for MINUTES together
#
# Prints a table of what each has run; coverage is in edges of the control flow. What was found
# worth keeping stays in build/fuzz/corpus and is where the next run begins. Ends with code 1 if
# anything crashed, leaked, took too long or too much memory, naming the file that does it:
# build/fuzz/tests/fuzz/fuzz_NAME FILE does it again.
set -euo pipefail
# shellcheck source=.ci/functions.sh
source "$(dirname "${BASH_SOURCE[0]}")/../.ci/functions.sh"

if (($# < 1)) || ! [[ $1 =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
  say "usage: tests/fuzz.sh MINUTES [NAME...]"
  exit 2
fi
minutes=$1
shift

install_packages clang libclang-rt-dev make cmake libeigen3-dev libzip-dev zlib1g-dev \
  libsimdjson-dev libcli11-dev libfmt-dev nlohmann-json3-dev libssl-dev python3
say "building the fuzzers"
build fuzz all
folder=$root/build/fuzz
mapfile -t names <"$folder/fuzzers"
if (($# > 0)); then names=("$@"); fi
"$root/tests/fuzz/seeds.py" "$folder/seeds"
jobs=$(job_count)
seconds=$(awk -v m="$minutes" -v n="${#names[@]}" -v j="$jobs" \
  'BEGIN { s = int(60 * m * (j < n ? j : n) / n); print s < 1 ? 1 : s }')

# run_one name: its log says how it went.
run_one() {
  local name=$1
  mkdir -p "$folder/corpus/$name" "$folder/findings" "$folder/logs"
  # What is refused for want of memory is thrown, as outside of sanitizers.
  ASAN_OPTIONS=allocator_may_return_null=0:detect_stack_use_after_return=0 \
    "$folder/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
    -malloc_limit_mb=1024 -max_len=4096 -dict="$root/tests/fuzz/words.dict" -print_final_stats=1 \
    -artifact_prefix="$folder/findings/$name-" "$folder/corpus/$name" "$folder/seeds/$name" \
    >"$folder/logs/$name" 2>&1 && echo 0 >"$folder/logs/$name.code" ||
    echo $? >"$folder/logs/$name.code"
}

say "running ${#names[@]} fuzzers for $seconds seconds each, $jobs at once"
running=0
for name in "${names[@]}"; do
  run_one "$name" &
  if ((++running >= jobs)); then
    wait -n
    running=$((running - 1))
  fi
done
wait

failed=0
printf '| fuzzer | executions | a second | coverage | corpus | result |\n'
printf '|---|---:|---:|---:|---:|---|\n'
for name in "${names[@]}"; do
  log=$folder/logs/$name
  stat() { sed -nE "s/^stat::$1: +([0-9]+)\$/\1/p" "$log" | tail -1; }
  result=fine
  if [[ $(<"$log.code") != 0 ]]; then
    failed=1
    result=$(grep -oE "$folder/findings/[^ ]+" "$log" | tail -1 || true)
    result="failed: ${result:-see $log}"
  fi
  printf '| %s | %s | %s | %s | %s | %s |\n' "$name" "$(stat number_of_executed_units)" \
    "$(stat average_exec_per_sec)" "$(grep -oE ' cov: [0-9]+' "$log" | tail -1 | cut -d' ' -f3)" \
    "$(find "$folder/corpus/$name" -type f | wc -l)" "$result"
done
exit "$failed"
