#pragma once

/// \file
/// Ranked lists for many users at once, by any scorer (see lae/ranking/scorer.hpp).
///
/// \code
/// auto top = lae::recommend(model, histories, {20});
/// top.items(7, 0);  // the best item for the user in row 7
///
/// auto in_stock = lae::recommend(model, histories, {20}, [&](lae::Index user, lae::Index item) {
///   return stock[item] > 0 && ships_to(user, item);
/// });
///
/// lae::RecommendOptions options;         // lists for all or of each user, boosts, a minimum,
/// options.diversity = {&vectors, 0.3};   // lists of unlike items: any of them together
/// auto mixed = lae::recommend(model, histories, options);
/// \endcode

#include <type_traits>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/ranking/rank_users.hpp"
#include "lae/ranking/recommendations.hpp"
#include "lae/ranking/scorer.hpp"
#include "lae/ranking/top_k.hpp"

namespace lae {
inline namespace LAE_ABI {

/// The k best items for each row of `histories` (users x items, sparse). The users need not be
/// those of the training data: a model folds new ones in from what they interacted with.
///
/// Items come by falling score, of equal scores the lower index first; one with a score that is NaN
/// never comes. Users x items scores are never held: besides the lists, memory is a few kilobytes a
/// thread, or batch_users times that for models that score users together.
/// Cost: that of the scores (an ItemModel's: 2 n flops an interaction), spread over all threads;
/// the same bits for any number of them.
/// \throws std::invalid_argument if sizes differ, k < 1, an item of a list is out of range, a value
/// or boost is not finite, minimum_score is NaN, or diversity has no vectors for its weight.
template <class Model, class Derived>
[[nodiscard]] Recommendations<ScalarOf<Model>> recommend(
    const Model& model, const Eigen::SparseMatrixBase<Derived>& histories,
    const RecommendOptions& options = {}) {
  return detail::rank_rows<ScalarOf<Model>>(model, histories, options);
}

/// The same from candidates that differ from user to user.
/// \param allowed any callable bool(Index user, Index item), `user` a row of `histories`: false
/// leaves the item out. The lists of the options hold besides. It is called from several threads at
/// once, only for items that would otherwise enter the user's list (or the candidates of a diverse
/// one), and must give the same answer whenever it is asked; what it throws comes out.
template <class Model, class Derived, class Allowed>
[[nodiscard]] Recommendations<ScalarOf<Model>> recommend(
    const Model& model, const Eigen::SparseMatrixBase<Derived>& histories,
    const RecommendOptions& options, const Allowed& allowed) {
  static_assert(std::is_invocable_r_v<bool, const Allowed&, Index, Index>,
                "lae: `allowed` must be callable as bool(lae::Index user, lae::Index item), also "
                "when const");
  return detail::rank_rows<ScalarOf<Model>>(model, histories, options, allowed);
}

}  // namespace LAE_ABI
}  // namespace lae
