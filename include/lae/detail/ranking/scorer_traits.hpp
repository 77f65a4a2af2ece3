#pragma once

/// \file
/// What a type must have to be a scorer, found out at compile time, and what the compiler says of
/// one that has not (see lae/ranking/scorer.hpp).

#include <type_traits>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/ranking/history.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The scorer's Scalar, or void.
template <class Model, class = void>
struct DeclaredScalar {
  using type = void;
};
template <class Model>
struct DeclaredScalar<Model, std::void_t<typename Model::Scalar>> {
  using type = typename Model::Scalar;
};

template <class Model>
inline constexpr bool has_scalar = is_supported_scalar<typename DeclaredScalar<Model>::type>;

/// Stands in for a Scalar that is missing, so that the compiler goes on to a message about that.
template <class Model>
using ScalarOrDouble =
    std::conditional_t<has_scalar<Model>, typename DeclaredScalar<Model>::type, double>;

template <class Model, class = void>
inline constexpr bool has_items = false;
template <class Model>
inline constexpr bool
    has_items<Model, std::void_t<decltype(std::declval<const Model&>().items())>> =
        std::is_convertible_v<decltype(std::declval<const Model&>().items()), Index>;

template <class Model, class = void>
inline constexpr bool has_add_scores = false;
template <class Model>
inline constexpr bool
    has_add_scores<Model, std::void_t<decltype(std::declval<const Model&>().add_scores(
                              std::declval<const History<ScalarOrDouble<Model>>&>(), Index(),
                              std::declval<ScoreRow<ScalarOrDouble<Model>>>()))>> = true;

/// Whether users can be scored together.
template <class Model, class = void>
inline constexpr bool has_batch = false;
template <class Model>
inline constexpr bool has_batch<
    Model,
    std::void_t<decltype(std::declval<const Model&>()
                             .batch(std::declval<const HistoryBatch<ScalarOrDouble<Model>>&>())
                             .add_scores(Index(),
                                         std::declval<ScoreTile<ScalarOrDouble<Model>>>()))>> =
    true;

/// False for a scorer that says of itself that it is not linear in the history.
template <class Model, class = void>
inline constexpr bool is_linear = true;
template <class Model>
inline constexpr bool is_linear<Model, std::void_t<decltype(Model::is_linear)>> = Model::is_linear;

/// Instantiated with a type that is no scorer, it does not compile, and says why not.
template <class Model>
struct RequireScorer {
  static_assert(has_scalar<Model>,
                "lae: this is not a scorer: it needs `using Scalar = float;` or `double` "
                "(see lae/ranking/scorer.hpp)");
  static_assert(has_items<Model>,
                "lae: this is not a scorer: it needs `lae::Index items() const` "
                "(see lae/ranking/scorer.hpp)");
  static_assert(has_add_scores<Model>,
                "lae: this is not a scorer: it needs `void add_scores(const lae::History<Scalar>& "
                "history, lae::Index begin, lae::ScoreRow<Scalar> scores) const` "
                "(see lae/ranking/scorer.hpp)");
  using Scalar = ScalarOrDouble<Model>;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
