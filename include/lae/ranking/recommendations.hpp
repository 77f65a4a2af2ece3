#pragma once

/// \file
/// What `recommend` is told, and what it returns (see lae/ranking/recommend.hpp).
///
/// \code
/// lae::RecommendOptions options;
/// options.k = 20;
/// options.deny = sold_out;                         // for nobody
/// options.user_deny = {{4, 9}, {}};                // of two users, for the first
/// options.boost = 0.1 * margins;                   // an Eigen vector, one number an item
/// options.minimum_score = 0.05;
/// const lae::ItemVectors vectors(embeddings);      // made once, for many calls
/// options.diversity = {&vectors, /*weight=*/0.3};  // lists of unlike items
/// \endcode

#include <limits>
#include <optional>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/ranking/diversity.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Any of these may be combined, and what is not used costs nothing. Where they leave fewer items
/// than k, lists are shorter.
struct RecommendOptions {
  Index k = 10;              ///< Length of each list, > 0; may exceed the number of items.
  bool exclude_seen = true;  ///< Leave out the items of the user's own history.
  std::optional<std::vector<Index>> allow{};  ///< If given, recommend only these items.
  std::vector<Index> deny{};                  ///< Never recommend these; they outrank `allow`.
  Index batch_users = 64;  ///< Users scored together by one thread, > 0. Changes speed alone.

  /// As `allow`, of single users: nothing, or for each row of the histories a list, or none if that
  /// user may have any item. Both hold.
  std::vector<std::optional<std::vector<Index>>> user_allow{};
  /// As `deny`, of single users: nothing, or for each row of the histories a list.
  std::vector<std::vector<Index>> user_deny{};
  /// Nothing, or a finite number for each item that is added to its scores.
  Vector<double> boost{};
  /// No item with a lower score (with its boost) is recommended. Not NaN.
  double minimum_score = -std::numeric_limits<double>::infinity();
  /// Lists of items that are unlike each other, at the expense of their scores.
  Diversity diversity{};
};

/// One row a user, best item first.
template <class Scalar>
struct Recommendations {
  Matrix<Index> items;    ///< users x k, `no_item` (-1) where candidates ran out
  Matrix<Scalar> scores;  ///< users x k, with boosts; -infinity where candidates ran out
};

}  // namespace LAE_ABI
}  // namespace lae
