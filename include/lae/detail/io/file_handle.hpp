#pragma once

/// \file
/// A file that is closed by whoever lets go of it.

#include <cstdio>
#include <memory>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FileHandle = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
