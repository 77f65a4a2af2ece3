#pragma once

/// \file
/// Compiles what takes longest once for a whole program: fits (by blocks, too), searches, rankings
/// of fitted models and singular vectors, in float and in double. One file of the program makes
/// them,
///
///     #define LAE_INSTANTIATE
///     #include <lae/instances.hpp>
///
/// and the others include this header, too, which tells the compiler that they are there. Each of
/// those files then takes about as long as one that fits nothing. All must be compiled with the
/// same options, or linking fails (see README.md).

#include "lae/detail/instances.hpp"
#include "lae/lae.hpp"
