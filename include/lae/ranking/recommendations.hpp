#pragma once

/// \file
/// What `recommend` is told, and what it returns (see lae/ranking/recommend.hpp).

#include <optional>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

struct RecommendOptions {
  Index k = 10;              ///< Length of each list, > 0; may exceed the number of items.
  bool exclude_seen = true;  ///< Leave out the items of the user's own history.
  std::optional<std::vector<Index>> allow{};  ///< If given, recommend only these items.
  std::vector<Index> deny{};                  ///< Never recommend these; they outrank `allow`.
  Index batch_users = 64;  ///< Users scored together by one thread, > 0. Changes speed alone.
};

/// One row a user, best item first.
template <class Scalar>
struct Recommendations {
  Matrix<Index> items;    ///< users x k, `no_item` (-1) where candidates ran out
  Matrix<Scalar> scores;  ///< users x k, -infinity where candidates ran out
};

}  // namespace LAE_ABI
}  // namespace lae
