#!/usr/bin/env bash
# Compares the models of the library: builds examples/compare_models.cpp, after installing what is
# missing for that, and passes all arguments on to it.
#
#     examples/run.sh           on a small synthetic shop
#     examples/run.sh --help    says how to name a data set and a model
set -euo pipefail
# shellcheck source=.ci/functions.sh
source "$(dirname "${BASH_SOURCE[0]}")/../.ci/functions.sh"

install_packages g++ make cmake libeigen3-dev libzip-dev libcli11-dev libfmt-dev nlohmann-json3-dev
say "building compare_models (a minute or two the first time)"
build release compare_models
"$root/build/release/examples/compare_models" "$@"
