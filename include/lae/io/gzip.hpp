#pragma once

/// \file
/// Text files that may be compressed with gzip. Needs zlib (CMake target lae::gzip).
///
///     lae::LineReader lines(lae::open_gzip("reviews.jsonl.gz"));

#include <filesystem>
#include <memory>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/io/gzip_text.hpp"
#include "lae/io/text_source.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Opens a text file, whether compressed with gzip or not: what it begins with tells, not its name.
/// \throws FileError if it cannot be opened; reading throws it if the compressed data are damaged
/// or end early.
[[nodiscard]] inline TextSourcePtr open_gzip(const std::filesystem::path& path) {
  return std::make_unique<detail::GzipText>(path);
}

}  // namespace LAE_ABI
}  // namespace lae
