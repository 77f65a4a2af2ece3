#pragma once

/// \file
/// A loop over the lines of a file, of which bad ones may be counted instead of thrown.

#include "lae/detail/core/abi.hpp"
#include "lae/io/text.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Calls take(record) for each record that next(record) gives until it returns false. A BadLine
/// that `next` throws is counted if there is `skipped`.
template <class Record, class Next, class Take>
void read_each(Next&& next, Take&& take, SkippedLines* skipped) {
  while (true) {
    Record record;
    try {
      if (!next(record)) return;
    } catch (const BadLine& error) {
      if (skipped == nullptr) throw;
      skipped->add(error);
      continue;
    }
    take(record);
  }
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
