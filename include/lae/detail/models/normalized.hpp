#pragma once

/// \file
/// Interactions divided by powers of how often users and items occur, and sums over those users who
/// share items with a history: rows of NᵀN, which itself is never formed.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/sparse_panels.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/ranking/history.hpp"
#include "lae/recipe/spectral_recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// N and its transpose, both compressed with sorted rows.
template <class Scalar>
struct NormalizedInteractions {
  Csr<Scalar> users;  ///< users x items
  Csr<Scalar> items;  ///< items x users

  explicit NormalizedInteractions(Csr<Scalar> n) {
    users.swap(n);
    items = users.transpose();
  }
};

/// d^exponent; 0 for what does not occur.
inline double power_or_zero(double d, double exponent) {
  return d > 0 ? std::pow(d, exponent) : 0;
}

template <class Scalar>
[[nodiscard]] Vector<double> column_sums(const Csr<Scalar>& x) {
  Vector<double> sums = Vector<double>::Zero(x.cols());
  for (Index entry = 0; entry < x.nonZeros(); ++entry) {
    sums[x.innerIndexPtr()[entry]] += double(x.valuePtr()[entry]);
  }
  return sums;
}

/// X becomes N. \param item_sums D_I
template <class Scalar>
void normalize(Csr<Scalar>& x, const Vector<double>& item_sums, const SpectralRecipe& recipe) {
  const auto factor = [&](double sum) {
    return sum > 0 ? power_or_zero(sum + recipe.shift, -recipe.exponent) : 0;
  };
  Vector<double> of_items(x.cols());
  for (Index item = 0; item < x.cols(); ++item) of_items[item] = factor(item_sums[item]);
  for (Index user = 0; user < x.rows(); ++user) {
    const Index begin = x.outerIndexPtr()[user];
    const Index end = x.outerIndexPtr()[user + 1];
    double sum = 0;
    for (Index entry = begin; entry < end; ++entry) sum += double(x.valuePtr()[entry]);
    const double of_user = factor(sum);
    for (Index entry = begin; entry < end; ++entry) {
      Scalar& value = x.valuePtr()[entry];
      value = static_cast<Scalar>(of_user * double(value) * of_items[x.innerIndexPtr()[entry]]);
    }
  }
}

/// The users who share items with a history, and how much they weigh. For one history after the
/// other, on one thread.
template <class Scalar>
class Neighbours {
 public:
  explicit Neighbours(const NormalizedInteractions<Scalar>& n)
      : n_(n), weight_(Vector<Scalar>::Zero(n.users.rows())) {}

  /// scores += Σ_i x_i · scale_i · G(i, ·), the scales 1 where there are none.
  void add_gram_rows(const History<Scalar>& history, const Vector<Scalar>* scales, Scalar* scores) {
    const Csr<Scalar>& items = n_.items;
    for (const auto& [item, value] : history) {
      const Scalar scaled = scales ? value * (*scales)[item] : value;
      for (Index e = items.outerIndexPtr()[item]; e < items.outerIndexPtr()[item + 1]; ++e) {
        const Index user = items.innerIndexPtr()[e];
        if (weight_[user] == Scalar(0)) touched_.push_back(user);
        weight_[user] += scaled * items.valuePtr()[e];
      }
    }
    const Csr<Scalar>& users = n_.users;
    for (const Index user : touched_) {
      const Scalar weight = std::exchange(weight_[user], Scalar(0));
      for (Index e = users.outerIndexPtr()[user]; e < users.outerIndexPtr()[user + 1]; ++e) {
        scores[users.innerIndexPtr()[e]] += weight * users.valuePtr()[e];
      }
    }
    touched_.clear();
  }

 private:
  const NormalizedInteractions<Scalar>& n_;
  Vector<Scalar> weight_;
  std::vector<Index> touched_;  ///< some twice, where a weight came back to zero: then it is zero
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
