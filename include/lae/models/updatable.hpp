#pragma once

/// \file
/// Models that take in new data without a new fit: users who come, go or do something, and items
/// that come, with interactions or with features alone. With all that belongs to it, files too, it
/// is lae/updatable.hpp.
///
/// \code
/// auto model = lae::make_updatable(lae::L3ae<double>(), train, embeddings);
/// model.set_histories({17, 42}, histories);              // two users did something
/// model.add_items(embeddings_of_new_items);              // known by their texts alone
/// auto lists = lae::recommend(model, histories, {20});   // a scorer as any other
/// if (model.should_refit()) model.refit();               // once rounding errors have added up
/// lae::ItemModel<double> dense = model.model();          // as a fit on the data of now returns it
/// \endcode

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/detail/models/updatable_data.hpp"
#include "lae/detail/models/updatable_parts.hpp"
#include "lae/detail/models/updatable_state.hpp"
#include "lae/detail/models/updatable_traits.hpp"
#include "lae/detail/models/update_ledger.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/models/item_model.hpp"
#include "lae/models/solver.hpp"
#include "lae/models/update.hpp"
#include "lae/ranking/scorer.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"
#include "lae/recipe/sources.hpp"

namespace lae {
inline namespace LAE_ABI {

/// A fitted model that keeps P = (G + diag(Λ))⁻¹ instead of its weights, and the data that it was
/// made of. B = P diag(c) + Q diag(e) is never formed: scores are those of P and of thin factors, c
/// and e take O(n) to compute anew, and P follows every change of the data by one of low rank
/// (lae/detail/algebra/inverse_change.hpp): the dynamic EASE of Jeunen et al., UMUAI 2022, for all
/// models. It is what a fit on the data of now would be, to rounding: refinements, weights of users
/// and the semantic part included.
///
/// - A user whose history changes is two rows of X, the one that goes and the one that comes. One
///   who goes leaves an empty row, so that others keep their numbers.
/// - An item comes with features alone, or without; interactions with it are changes of users. One
///   that nobody has any more stays, with weights 0 (but those that features give it).
/// - Hyper-parameters that are relative to q (see lae/recipe/scaled.hpp) follow it, as those of a
///   fit would. λ_F does so for free. α of features in the Gram matrix gives all of them a new
///   weight whenever items come: rank d. A number for α spares that.
/// - With dropout, the ridge of every item that is touched changes, too, a rank each.
///
/// **Cost** of an update of rank r: about n² r + n r² flops, n r scalars, and as long as it takes
/// to read and write P, which is changed in place (copied, if items come). A prior of d dimensions
/// takes 4 n r d flops more, and some n d² if items come. Where a fit is cheaper, and where
/// rounding would take half of the digits, an update is a fit; `estimate_update` and reports tell.
///
/// Every function that changes the model either does so as a whole or, whatever it throws, not at
/// all; progress is asked before the change alone. Rounding errors of P add up over updates, but
/// slowly: `drift` measures them. A model is moved, not copied; `clone` copies. What is const may
/// be called from several threads at once.
template <class Scalar_>
class UpdatableModel {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;

  /// Fits on the data of the parts; or, if P is among them, goes on from there, the semantic part
  /// being computed anew. (See `make_updatable`, and lae/updatable.hpp for files.)
  /// \throws std::invalid_argument if sizes differ, a value is out of its range, interactions are
  /// not as `interactions()` gives them, or the recipe has no P; MemoryBudgetExceeded,
  /// NotPositiveDefinite, Cancelled.
  explicit UpdatableModel(UpdatableParts<Scalar> parts, const FitControl& control = {})
      : state_(state_of(std::move(parts), control)) {}

  UpdatableModel(UpdatableModel&&) noexcept = default;
  UpdatableModel& operator=(UpdatableModel&&) noexcept = default;
  UpdatableModel& operator=(const UpdatableModel&) = delete;

  /// A copy: n² scalars, and Z. Data are shared until one of the two changes.
  [[nodiscard]] UpdatableModel clone() const { return UpdatableModel(*this); }

  /// Number of items, n.
  [[nodiscard]] Index items() const { return state_.p().rows(); }
  /// Number of users, those who have gone included.
  [[nodiscard]] Index users() const { return interactions().rows(); }

  /// X, users x items: compressed, sorted, without duplicates and zeros.
  [[nodiscard]] const Csr<Scalar>& interactions() const { return *state_.data().x; }
  /// Empty: all 1.
  [[nodiscard]] const std::vector<double>& user_weights() const {
    return state_.data().user_weights;
  }
  /// Of the items; null if there are none.
  [[nodiscard]] const std::shared_ptr<const Sources<Scalar>>& sources() const {
    return state_.data().sources;
  }
  /// That of the solver; its form is whichever is faster.
  [[nodiscard]] const Recipe& recipe() const { return state_.recipe(); }

  /// P, n x n, symmetric to the bit.
  [[nodiscard]] const Matrix<Scalar>& inverse() const { return state_.p(); }
  /// The largest that each value of P's diagonal has been since the last fit. Rounding errors of P
  /// go by these; where they would matter, an update is a fit.
  [[nodiscard]] const Vector<Scalar>& peaks() const { return state_.terms().peaks; }
  /// Λ, a value for each item.
  [[nodiscard]] const Vector<Scalar>& ridge() const { return state_.terms().ridge; }
  /// Z = P V of a model with a prior, V Vᵀ being the product part of S; else empty.
  [[nodiscard]] const Matrix<Scalar>& inverse_features() const { return state_.terms().z; }

  /// Takes changes in.
  /// Cost: see `estimate_update`.
  /// \throws std::invalid_argument (a user, item or source that there is not, sizes that differ, a
  /// value that is not finite or whose square overflows), MemoryBudgetExceeded, Cancelled,
  /// NotPositiveDefinite; the model is then as it was.
  UpdateReport update(const Changes<Scalar>& changes, const FitControl& control = {}) {
    const detail::DataChange<Scalar> change(state_.data(), changes);
    const UpdateCost cost = estimate_update(change.size(weighs_length()));
    require_budget("update", cost.bytes, control);
    detail::UpdatableData<Scalar> next = change.changed();
    if (!cost.is_fit) {
      const auto report = state_.fold_in(next, changes.users, control.progress);
      if (report) return *report;
    }
    fit_to(std::move(next), control);
    return {0, true, 1};
  }

  /// The histories of some users become these, as they are now and over all items; of new ones with
  /// numbers from `users()` on, too. An empty row lets a user go.
  /// \param histories a row for each of `users`: any Eigen expression, sparse
  /// \throws as `update`
  template <class Derived>
  UpdateReport set_histories(const std::vector<Index>& users,
                             const Eigen::SparseMatrixBase<Derived>& histories,
                             const FitControl& control = {}) {
    Changes<Scalar> changes;
    changes.users = users;
    changes.histories = detail::canonical_sparse<Scalar>(histories, "histories");
    return update(changes, control);
  }

  /// New items of a model without features; interactions with them come by `set_histories`.
  /// \throws as `update`
  UpdateReport add_items(Index count, const FitControl& control = {}) {
    Changes<Scalar> changes;
    changes.new_items = count;
    return update(changes, control);
  }

  /// New items, known by their features: with L3AE, they are recommended, and recommend, at once.
  /// \param features a row for each: a matrix, dense or sparse, or Sources, as the model has them
  /// \throws as `update`
  template <class Derived>
  UpdateReport add_items(const Eigen::EigenBase<Derived>& features,
                         const FitControl& control = {}) {
    return add_items(detail::owned_sources<Scalar>(features), control);
  }
  template <class Other>
  UpdateReport add_items(const Sources<Other>& features, const FitControl& control = {}) {
    Changes<Scalar> changes;
    changes.features = detail::owned_sources<Scalar>(features);
    changes.new_items = changes.features.items();
    return update(changes, control);
  }

  /// What an update of this size costs, and up to how many users one is worth it.
  /// \throws std::invalid_argument for a negative size
  [[nodiscard]] UpdateCost estimate_update(const UpdateSize& size) const {
    for (const Index part : {size.users, size.new_users, size.entries, size.new_items}) {
      detail::require(part >= 0, "the size of an update must not be negative, got ", part);
    }
    return Ledger(recipe(), detail::size_of(state_.data())).update(size);
  }
  /// The size of changes. \throws std::invalid_argument as `update`
  [[nodiscard]] UpdateSize size_of(const Changes<Scalar>& changes) const {
    return detail::DataChange<Scalar>(state_.data(), changes).size(weighs_length());
  }

  /// How far rounding has taken P (and Z) from what a fit would make of them: the largest relative
  /// residual ||A P b - b|| / ||b|| of eight or fewer random b, always the same, where A is applied
  /// by the data. The relative error of P is at most about as large.
  /// Cost: some passes over P and the data, O(n² + entries + n d); n x 30 scalars.
  [[nodiscard]] double drift() const { return state_.drift(); }
  /// The same right after the last fit: what none would improve.
  [[nodiscard]] double drift_of_fit() const { return state_.drift_of_fit(); }

  /// Half the digits of Scalar.
  static double default_tolerance() {
    return std::sqrt(static_cast<double>(std::numeric_limits<Scalar>::epsilon()));
  }
  /// Whether `drift` has passed the tolerance, and ten times what it was after the last fit.
  [[nodiscard]] bool should_refit(double tolerance = default_tolerance()) const {
    return drift() > (std::max)(tolerance, 10 * drift_of_fit());
  }

  /// Computes all but the data anew. The old P is kept until the new one is there.
  /// \throws MemoryBudgetExceeded, NotPositiveDefinite, Cancelled; the model is then as it was.
  void refit(const FitControl& control = {}) { fit_to(state_.data(), control); }

  /// The model that a fit on these data returns, to rounding.
  /// Cost: n² scalars, and, with a semantic part, 2 n² d flops and 2 n d scalars.
  /// \throws MemoryBudgetExceeded, Cancelled
  [[nodiscard]] ItemModel<Scalar> model(const FitControl& control = {}) const {
    const Index rank = state_.terms().semantics ? state_.terms().semantics->v.cols() : 0;
    require_budget("model",
                   detail::dense_bytes<Scalar>(items(), items()) +
                       2 * detail::dense_bytes<Scalar>(items(), rank) +
                       (rank > 0 ? detail::product_bytes<Scalar>() : 0),
                   control);
    return ItemModel<Scalar>(state_.weights(control.progress));
  }

  /// Adds the scores of items [begin, begin + scores.size()) for one history. Nothing is checked.
  /// Cost: 2 flops for each of them and each item of the history, and 2 for each and each dimension
  /// of the semantic part; in batches, the latter at the rate of dense products.
  void add_scores(const History<Scalar>& history, Index begin, ScoreRow<Scalar> scores) const {
    Vector<Scalar> semantic;
    if (has_semantics()) {
      const Vector<Scalar> latent = this->latent(history);
      semantic.resize(scores.size());
      for (Index i = 0; i < scores.size(); ++i) {
        semantic[i] = detail::dot(latent.size(), latent.data(), &right()(begin + i, 0));
      }
    }
    add_scores(history, begin, semantic.data(), scores);
  }

  /// What users of a batch share (see lae/ranking/scorer.hpp).
  class Batch {
   public:
    Batch(const UpdatableModel& model, const HistoryBatch<Scalar>& histories)
        : model_(&model), histories_(histories) {
      if (!model.has_semantics()) return;
      latent_.resize(histories.size(), model.right().cols());
      for (Index user = 0; user < histories.size(); ++user) {
        latent_.row(user) = model.latent(histories[user]).transpose();
      }
    }

    void add_scores(Index begin, ScoreTile<Scalar> scores) const {
      Matrix<Scalar> semantic;
      if (model_->has_semantics()) {
        semantic = Matrix<Scalar>::Zero(scores.rows(), scores.cols());
        detail::add_product<Scalar>(
            semantic, 1, detail::plain(latent_),
            detail::transposed(model_->right().middleRows(begin, scores.cols())));
      }
      for (Index user = 0; user < scores.rows(); ++user) {
        model_->add_scores(histories_[user], begin, semantic.data() + user * semantic.cols(),
                           scores.row(user));
      }
    }

   private:
    const UpdatableModel* model_;
    HistoryBatch<Scalar> histories_;
    Matrix<Scalar> latent_;  // users x d: histories times Z or V
  };
  [[nodiscard]] Batch batch(const HistoryBatch<Scalar>& histories) const {
    return Batch(*this, histories);
  }

  /// As `lae::score`: a dense users x items matrix, one row for each row of `histories`.
  /// \throws std::invalid_argument if histories.cols() != items() or a value is not finite.
  template <class Derived>
  [[nodiscard]] Matrix<Scalar> score(const Eigen::SparseMatrixBase<Derived>& histories) const {
    return lae::score(*this, histories);
  }

 private:
  using Ledger = detail::UpdateLedger<Scalar>;
  using State = detail::UpdatableState<Scalar>;

  UpdatableModel(const UpdatableModel&) = default;

  static State state_of(UpdatableParts<Scalar> parts, const FitControl& control) {
    detail::require_valid(parts);
    detail::UpdatableData<Scalar> data{std::move(parts.interactions), std::move(parts.user_weights),
                                       std::move(parts.sources)};
    const Ledger ledger(parts.recipe, detail::size_of(data));
    if (parts.inverse.size() > 0) {
      require_budget("semantic part", ledger.semantics_bytes(), control);
      return State(parts.recipe, std::move(data), std::move(parts.ridge), std::move(parts.inverse),
                   std::move(parts.peaks), std::move(parts.inverse_features), parts.drift_of_fit);
    }
    require_budget("fit", ledger.fit().bytes, control);
    return State(parts.recipe, std::move(data), control);
  }

  static void require_budget(const char* what, std::uint64_t bytes, const FitControl& control) {
    if (bytes > control.memory_budget) {
      throw MemoryBudgetExceeded(what, bytes, control.memory_budget);
    }
  }

  void fit_to(detail::UpdatableData<Scalar> data, const FitControl& control) {
    require_budget("fit", Ledger(recipe(), detail::size_of(data)).fit().bytes, control);
    state_ = State(recipe(), std::move(data), control);
  }

  bool weighs_length() const { return recipe().refinements.user_exponent != 0; }
  bool has_semantics() const { return state_.terms().semantics != nullptr; }
  const Matrix<Scalar>& right() const { return state_.terms().semantics->v; }

  /// The history times the left factor of Q.
  Vector<Scalar> latent(const History<Scalar>& history) const {
    const Matrix<Scalar>& left = state_.left();
    Vector<Scalar> sum = Vector<Scalar>::Zero(left.cols());
    for (const auto& [item, value] : history) {
      detail::add_scaled(sum.size(), value, &left(item, 0), sum.data());
    }
    return sum;
  }

  /// \param semantic the history times columns of Q; not read if there is no semantic phase
  void add_scores(const History<Scalar>& history, Index begin, const Scalar* semantic,
                  ScoreRow<Scalar> scores) const {
    using Row = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;
    const auto& [of_p, of_q, diagonal] = state_.terms().factors;
    Row sum = Row::Zero(scores.size());
    detail::add_history_rows(history, state_.p(), begin, sum);
    detail::add_products(scores.size(), &of_p[begin], sum.data(), scores.data());
    if (has_semantics()) {
      detail::add_products(scores.size(), &of_q[begin], semantic, scores.data());
    }
    for (const auto& [item, value] : history) {
      const Index place = item - begin;
      if (place >= 0 && place < scores.size()) scores[place] += value * state_.terms().excess[item];
    }
  }

  State state_;
};

/// Fits a solver's model on interactions, users x items, so that it can be updated.
/// Cost: that of `solver.fit`, with P, Z and copies of the data instead of B. (The form among the
/// options is not asked for: it is whichever is faster.)
/// \param user_weights a weight >= 0 for each user; empty: all 1
/// \throws as `solver.fit`; std::invalid_argument also for a model without a P to be updated
template <class Options, class Scalar, class Interactions>
[[nodiscard]] UpdatableModel<Scalar> make_updatable(
    const Solver<Options, Scalar>& solver,
    const Eigen::SparseMatrixBase<Interactions>& interactions,
    const std::vector<double>& user_weights, const FitControl& control = {}) {
  static_assert(Options::inputs == Inputs::interactions, "lae: this model needs item features");
  return UpdatableModel<Scalar>(
      detail::parts_to_fit<Scalar>(solver.recipe(), problem_size(interactions), interactions,
                                   user_weights, control),
      control);
}
template <class Options, class Scalar, class Interactions>
[[nodiscard]] UpdatableModel<Scalar> make_updatable(
    const Solver<Options, Scalar>& solver,
    const Eigen::SparseMatrixBase<Interactions>& interactions, const FitControl& control = {}) {
  return make_updatable(solver, interactions, std::vector<double>(), control);
}

/// The same on interactions and side information: embeddings, tags, or Sources.
template <class Options, class Scalar, class Interactions, class Features,
          std::enable_if_t<detail::is_features<Features>, int> = 0>
[[nodiscard]] UpdatableModel<Scalar> make_updatable(
    const Solver<Options, Scalar>& solver,
    const Eigen::SparseMatrixBase<Interactions>& interactions, const Features& features,
    const std::vector<double>& user_weights, const FitControl& control = {}) {
  static_assert(Options::inputs == Inputs::interactions_and_features,
                "lae: this model is not fitted on both interactions and features");
  detail::require_features_of(interactions.cols(), features);
  UpdatableParts<Scalar> parts = detail::parts_to_fit<Scalar>(
      solver.recipe(), problem_size(interactions, features), interactions, user_weights, control);
  parts.sources = std::make_shared<const Sources<Scalar>>(detail::owned_sources<Scalar>(features));
  return UpdatableModel<Scalar>(std::move(parts), control);
}
template <class Options, class Scalar, class Interactions, class Features,
          std::enable_if_t<detail::is_features<Features>, int> = 0>
[[nodiscard]] UpdatableModel<Scalar> make_updatable(
    const Solver<Options, Scalar>& solver,
    const Eigen::SparseMatrixBase<Interactions>& interactions, const Features& features,
    const FitControl& control = {}) {
  return make_updatable(solver, interactions, features, std::vector<double>(), control);
}

}  // namespace LAE_ABI
}  // namespace lae
