#!/usr/bin/env bash
# Runs the micro-benchmarks, after installing what is missing and building them. All arguments are
# passed on to Google Benchmark:
#
#     benchmarks/run.sh --benchmark_filter='invert_spd|eigen_llt|lapack'
#
# It also builds what benchmarks/compare.py runs. The rates of OpenBLAS are those of the kernel that
# it chooses; OPENBLAS_CORETYPE=Haswell, say, forces another (`compare.py textbook` tells which is
# the best).
set -euo pipefail
# shellcheck source=.ci/functions.sh
source "$(dirname "${BASH_SOURCE[0]}")/../.ci/functions.sh"

install_packages g++ make cmake libeigen3-dev libzip-dev libcli11-dev libfmt-dev \
  nlohmann-json3-dev zlib1g-dev libsimdjson-dev libssl-dev libbenchmark-dev libopenblas-dev \
  python3-numpy python3-scipy
say "building lae_benchmarks and others (some minutes the first time)"
for program in lae_benchmarks one_fit task_graph one_update one_search rating_files prepare_amazon; do
  build release "$program"
done
"$root/build/release/benchmarks/lae_benchmarks" --benchmark_counters_tabular=true "$@"
