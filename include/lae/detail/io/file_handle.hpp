#pragma once

/// \file
/// A file that is closed by whoever lets go of it.

#include <cstdio>
#include <memory>

namespace lae::detail {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FileHandle = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace lae::detail
