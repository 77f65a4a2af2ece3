#pragma once

// Seeded random inputs, the same on every platform.

#include <cstdint>
#include <lae/lae.hpp>
#include <random>

#include "catch.hpp"

/// While it lives, failures print its seed.
class RandomData {
 public:
  explicit RandomData(std::uint64_t seed)
      : engine_(seed),
        info_(Catch::MessageBuilder("INFO", CATCH_INTERNAL_LINEINFO, Catch::ResultWas::Info)
              << "random seed " << seed) {}

  /// In [0, 1).
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

  /// In [0, size).
  lae::Index below(lae::Index size) {
    return static_cast<lae::Index>(uniform() * static_cast<double>(size));
  }

  /// Zeros and ones, users x items: popular items first, about `density` of the cells.
  lae::Csr<double> interactions(lae::Index users, lae::Index items, double density = 0.15);

  /// Values in [-1, 1).
  lae::Matrix<double> dense(lae::Index rows, lae::Index columns);

  /// AAᵀ + I.
  template <class Scalar>
  lae::Matrix<Scalar> positive_definite(lae::Index size) {
    const lae::Matrix<double> a = dense(size, size);
    lae::Matrix<double> spd = a * a.transpose();
    spd.diagonal().array() += 1;
    return spd.cast<Scalar>();
  }

 private:
  std::mt19937_64 engine_;
  Catch::ScopedMessage info_;
};
