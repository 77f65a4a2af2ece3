#pragma once

/// \file
/// The version of the library: major.minor.patch as semver.org means them. While major is 0, a new
/// minor version may change the interface (README lists the changes).
///
///     static_assert(LAE_VERSION_MAJOR == 0 && LAE_VERSION_MINOR == 2);

#define LAE_VERSION_MAJOR 0
#define LAE_VERSION_MINOR 2
#define LAE_VERSION_PATCH 0
#define LAE_VERSION_STRING "0.2.0"
