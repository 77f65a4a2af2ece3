#pragma once

/// \file
/// The data of an updatable model, and what changes make of them.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/borrowed.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/recipe/feature_set.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/detail/recipe/regularization.hpp"
#include "lae/models/update.hpp"
#include "lae/ranking/history.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"
#include "lae/recipe/sources.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// What a model is fitted on, owned. Copies share the matrices.
template <class Scalar>
struct UpdatableData {
  std::shared_ptr<const Csr<Scalar>> x;
  std::vector<double> user_weights;                ///< empty: all 1
  std::shared_ptr<const Sources<Scalar>> sources;  ///< null: none

  /// Must not outlive this.
  FitData<Scalar> for_fit(const Recipe& recipe) const {
    FitData<Scalar> data{Borrowed<Csr<Scalar>>::of(*x), user_weights};
    if (sources) add_features(*sources, recipe, data);
    return data;
  }

  /// Rows of X, weighed.
  Borrowed<Csr<Scalar>> rows(const Recipe& recipe) const {
    return weigh_users(*x, user_weights, recipe.refinements.user_exponent);
  }
};

/// Any features as sources of their own.
template <class Scalar, class Derived>
Sources<Scalar> owned_sources(const Eigen::EigenBase<Derived>& features) {
  Sources<Scalar> sources;
  sources.add(features);
  return sources;
}
template <class Scalar, class Other>
Sources<Scalar> owned_sources(const Sources<Other>& features) {
  Sources<Scalar> sources;
  for (const Source<Other>& source : features) {
    std::visit([&](const auto& matrix) { sources.add(matrix, source.weight, source.role); },
               source.features);
  }
  return sources;
}

template <class Scalar>
ProblemSize size_of(const UpdatableData<Scalar>& data) {
  return data.sources ? problem_size(*data.x, *data.sources) : problem_size(*data.x);
}

/// One update's changes of some data: checked, measured, made.
template <class Scalar>
class DataChange {
 public:
  /// Both must outlive this.
  /// \throws std::invalid_argument unless they fit each other
  DataChange(const UpdatableData<Scalar>& data, const Changes<Scalar>& changes)
      : data_(data),
        changes_(changes),
        histories_(borrow_sparse<Scalar>(changes.histories, "histories")) {
    require(changes.new_items >= 0, "new_items must not be negative, got ", changes.new_items);
    set_rows();
    require_weights();
    require_features();
  }

  /// \param weighs_length whether a user's weight depends on how long their history is
  UpdateSize size(bool weighs_length) const {
    UpdateSize size;
    size.new_users = users_ - data_.x->rows();
    size.users = static_cast<Index>(changes_.users.size()) - size.new_users;
    size.new_items = changes_.new_items;
    std::vector<char> is_touched(static_cast<std::size_t>(items()), 0);
    for (std::size_t row = 0; row < changes_.users.size(); ++row) {
      const Index user = changes_.users[row];
      const History<Scalar> now(*histories_, static_cast<Index>(row));
      const History<Scalar> then = known_history(user);
      size.entries += now.size() + then.size();
      const bool is_weighed_anew =
          (weighs_length && now.size() != then.size()) ||
          (!changes_.user_weights.empty() && changes_.user_weights[row] != known_weight(user));
      for_differences(then, now, is_weighed_anew,
                      [&](Index item) { is_touched[static_cast<std::size_t>(item)] = 1; });
    }
    size.touched_items = std::count(is_touched.begin(), is_touched.end(), 1);
    return size;
  }

  /// The data as they become.
  UpdatableData<Scalar> changed() const {
    UpdatableData<Scalar> next;
    next.x = std::make_shared<const Csr<Scalar>>(interactions());
    next.user_weights = user_weights();
    next.sources = changes_.new_items > 0 && data_.sources
                       ? std::make_shared<const Sources<Scalar>>(sources())
                       : data_.sources;
    return next;
  }

 private:
  Index items() const { return data_.x->cols() + changes_.new_items; }

  /// Finds which user has which row of the histories.
  void set_rows() {
    const auto count = static_cast<Index>(changes_.users.size());
    require(histories_->rows() == count, "histories has ", histories_->rows(),
            " rows, but there are ", count, " users");
    require(count == 0 || histories_->cols() == items(), "histories has ", histories_->cols(),
            " columns, but the model will have ", items(), " items");
    const Index known = data_.x->rows();
    users_ = known;
    for (const Index user : changes_.users) {
      require(user >= 0, "users holds user ", user);
      if (user >= known) ++users_;
    }
    row_of_.assign(static_cast<std::size_t>(users_), -1);
    for (Index row = 0; row < count; ++row) {
      const Index user = changes_.users[static_cast<std::size_t>(row)];
      require(user < users_, "users holds user ", user, ", but the model has ", known,
              " users, and new ones are numbered from there without a gap");
      Index& place = row_of_[static_cast<std::size_t>(user)];
      require(place < 0, "users holds user ", user, " twice");
      place = row;
    }
  }

  void require_weights() const {
    const std::vector<double>& weights = changes_.user_weights;
    require(weights.empty() || weights.size() == changes_.users.size(), "user_weights has ",
            weights.size(), " values, but there are ", changes_.users.size(), " users");
    for (std::size_t row = 0; row < weights.size(); ++row) {
      require(std::isfinite(weights[row]) && weights[row] >= 0, "user_weights holds ", weights[row],
              " for user ", changes_.users[row], "; weights must be finite and not negative");
    }
  }

  void require_features() const {
    const Sources<Scalar>& added = changes_.features;
    const std::size_t sources = data_.sources ? data_.sources->size() : 0;
    const std::size_t expected = changes_.new_items > 0 ? sources : 0;
    require(added.size() == expected, "features has ", added.size(), " sources, but the model has ",
            sources, " and there are ", changes_.new_items, " new items");
    for (std::size_t i = 0; i < expected; ++i) {
      const Source<Scalar>& source = (*data_.sources)[i];
      require(added[i].rows() == changes_.new_items, "features has ", added[i].rows(),
              " rows, but there are ", changes_.new_items, " new items");
      require(
          added[i].cols() == source.cols() && added[i].features.index() == source.features.index(),
          "source ", i, " of features is ", kind_of(added[i]), " of ", added[i].cols(),
          " columns, but that of the model is ", kind_of(source), " of ", source.cols());
    }
  }

  static const char* kind_of(const Source<Scalar>& source) {
    return std::holds_alternative<Csr<Scalar>>(source.features) ? "sparse" : "dense";
  }

  /// Empty of new users.
  History<Scalar> known_history(Index user) const {
    return user < data_.x->rows() ? History<Scalar>(*data_.x, user)
                                  : History<Scalar>(nullptr, nullptr, 0);
  }
  double known_weight(Index user) const {
    const bool is_known = user < data_.x->rows() && !data_.user_weights.empty();
    return is_known ? data_.user_weights[static_cast<std::size_t>(user)] : 1;
  }

  /// Calls body(item) for those that the two do not have alike; or for all.
  template <class Body>
  static void for_differences(const History<Scalar>& a, const History<Scalar>& b, bool all,
                              const Body& body) {
    Index i = 0;
    Index j = 0;
    while (i < a.size() || j < b.size()) {
      if (j == b.size() || (i < a.size() && a[i].item < b[j].item)) {
        body(a[i++].item);
      } else if (i == a.size() || b[j].item < a[i].item) {
        body(b[j++].item);
      } else {
        if (all || a[i].value != b[j].value) body(a[i].item);
        ++i;
        ++j;
      }
    }
  }

  History<Scalar> history(Index user) const {
    const Index row = row_of_[static_cast<std::size_t>(user)];
    return row < 0 ? known_history(user) : History<Scalar>(*histories_, row);
  }

  Csr<Scalar> interactions() const {
    Csr<Scalar> x(users_, items());
    Index entries = 0;
    for (Index user = 0; user < users_; ++user) entries += history(user).size();
    x.resizeNonZeros(entries);
    Index end = 0;
    for (Index user = 0; user < users_; ++user) {
      const History<Scalar> now = history(user);
      std::copy_n(now.items(), now.size(), x.innerIndexPtr() + end);
      std::copy_n(now.values(), now.size(), x.valuePtr() + end);
      end += now.size();
      x.outerIndexPtr()[user + 1] = end;
    }
    return x;
  }

  std::vector<double> user_weights() const {
    std::vector<double> weights = data_.user_weights;
    if (weights.empty() && changes_.user_weights.empty()) return weights;
    weights.resize(static_cast<std::size_t>(data_.x->rows()), 1);  // where there were none
    weights.resize(static_cast<std::size_t>(users_), 1);
    for (std::size_t row = 0; row < changes_.user_weights.size(); ++row) {
      weights[static_cast<std::size_t>(changes_.users[row])] = changes_.user_weights[row];
    }
    return weights;
  }

  Sources<Scalar> sources() const {
    Sources<Scalar> all;
    for (std::size_t i = 0; i < data_.sources->size(); ++i) {
      const Source<Scalar>& known = (*data_.sources)[i];
      if (const auto* tags = std::get_if<Csr<Scalar>>(&known.features)) {
        all.add(stacked_rows(*tags, std::get<Csr<Scalar>>(changes_.features[i].features)),
                known.weight, known.role);
      } else {
        Matrix<Scalar> features(items(), known.cols());
        features << std::get<Matrix<Scalar>>(known.features),
            std::get<Matrix<Scalar>>(changes_.features[i].features);
        all.add(std::move(features), known.weight, known.role);
      }
    }
    return all;
  }

  const UpdatableData<Scalar>& data_;
  const Changes<Scalar>& changes_;
  Borrowed<Csr<Scalar>> histories_;
  Index users_ = 0;            // with the new ones
  std::vector<Index> row_of_;  // each user's in the histories; -1: they are as before
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
