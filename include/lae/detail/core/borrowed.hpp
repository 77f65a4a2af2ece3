#pragma once

/// \file
/// A matrix that is either the caller's or our own.

#include <memory>
#include <utility>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Saves a copy where what the caller holds can be used as it is. A borrowed matrix must outlive
/// this. Copies of this share a matrix of our own; moving it never copies the matrix, as moving an
/// Eigen::SparseMatrix of version 3.4 would.
template <class Matrix>
class Borrowed {
 public:
  static Borrowed of(const Matrix& matrix) {
    Borrowed borrowed;
    borrowed.other_ = &matrix;
    return borrowed;
  }

  Borrowed() = default;
  Borrowed(Matrix matrix)  // NOLINT(google-explicit-constructor)
      : own_(std::make_shared<Matrix>()) {
    own_->swap(matrix);
  }

  const Matrix& operator*() const { return own_ ? *own_ : *other_; }
  const Matrix* operator->() const { return &**this; }

  /// The matrix itself, copied unless it is ours alone.
  Matrix take() && {
    Matrix matrix;
    if (own_ && own_.use_count() == 1) {
      matrix.swap(*own_);
    } else {
      matrix = **this;
    }
    return matrix;
  }

 private:
  const Matrix* other_ = nullptr;
  std::shared_ptr<Matrix> own_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
