#!/usr/bin/env bash
# Builds and runs what uses most of C++ with other compilers, with OpenMP and without, warnings
# being errors; installs the compilers and what else is missing:
#
#     tests/compilers.sh clang-15 clang-16 g++-11
#
# The OpenMP libraries of different Clangs replace one another; tests/bare.sh "tests/compilers.sh
# ..." leaves this machine as it is.
set -euo pipefail
# shellcheck source=.ci/functions.sh
source "$(dirname "${BASH_SOURCE[0]}")/../.ci/functions.sh"

if (($# == 0)); then
  say "usage: tests/compilers.sh COMPILER... (Debian packages, such as clang-15 or g++-11)"
  exit 2
fi
install_packages make cmake catch2 libeigen3-dev libzip-dev libcli11-dev libfmt-dev \
  nlohmann-json3-dev

# try_with compiler openmp
try_with() {
  local folder=$root/build/compilers/$1-openmp-$2 suite
  quietly cmake -S "$root" -B "$folder" -D "CMAKE_CXX_COMPILER=${1/clang/clang++}" \
    -D CMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -D "LAE_OPENMP=$2" -D LAE_WERROR=ON \
    -D LAE_BUILD_BENCHMARKS=OFF || return
  quietly cmake --build "$folder" --parallel "$(job_count)" \
    --target model_tests ranking_tests io_tests compare_models || return
  for suite in model ranking io; do quietly "$folder/tests/${suite}_tests" || return; done
  quietly "$folder/examples/apps/compare_models" --help
}

failed=0
for compiler in "$@"; do
  install_packages "$compiler"
  if [[ $compiler == clang-* ]]; then install_packages "libomp-${compiler#clang-}-dev"; fi
  for openmp in ON OFF; do
    result=fine
    try_with "$compiler" "$openmp" || result=failed failed=1
    echo "$compiler, LAE_OPENMP=$openmp: $result"
  done
done
exit "$failed"
