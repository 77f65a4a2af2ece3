#pragma once

/// \file
/// One interaction of a user with an item, and logs of them.
///
///     lae::Interactions log = {{/*user=*/0, /*item=*/3, /*rating=*/5, /*timestamp=*/1546300800000}};

#include <cstdint>
#include <vector>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// One rating, of a user and an item that an IdIndex knows by these numbers. 24 bytes.
struct Interaction {
  std::int32_t user = 0;
  std::int32_t item = 0;
  float rating = 0;
  std::uint32_t place = 0;     ///< in the log, where steps need it; else of no meaning
  std::int64_t timestamp = 0;  ///< milliseconds since 1970, or before it

  Interaction() = default;
  Interaction(std::int32_t user_, std::int32_t item_, float rating_, std::int64_t timestamp_)
      : user(user_), item(item_), rating(rating_), timestamp(timestamp_) {}
};

using Interactions = std::vector<Interaction>;

}  // namespace LAE_ABI
}  // namespace lae
