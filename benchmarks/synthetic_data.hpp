#pragma once

/// \file
/// Seeded inputs of any size, made fast enough not to be noticed beside a fit.

#include <cmath>
#include <cstdint>
#include <lae/core/threads.hpp>
#include <lae/core/types.hpp>
#include <vector>

namespace synthetic {

/// Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  /// In [0, 1).
  double uniform() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_;
};

/// Ones: users alike, items with popularities that fall with the square of their rank's share.
/// A few of `interactions` fall on the same cell and count once.
inline lae::Csr<float> interactions(lae::Index users, lae::Index items, lae::Index interactions,
                                    std::uint64_t seed = 1) {
  SplitMix64 random(seed);
  std::vector<Eigen::Triplet<float, lae::Index>> ones;
  ones.reserve(static_cast<std::size_t>(interactions));
  for (lae::Index i = 0; i < interactions; ++i) {
    const double user = random.uniform() * static_cast<double>(users);
    const double item = std::pow(random.uniform(), 3) * static_cast<double>(items);
    ones.emplace_back(static_cast<lae::Index>(user), static_cast<lae::Index>(item), 1.0f);
  }
  lae::Csr<float> x(users, items);
  x.setFromTriplets(ones.begin(), ones.end(), [](float, float) { return 1.0f; });
  return x;
}

/// Rows of about unit length.
inline lae::Matrix<float> embeddings(lae::Index items, lae::Index dimensions,
                                     std::uint64_t seed = 2) {
  lae::Matrix<float> f(items, dimensions);
  const double scale = std::sqrt(12.0 / static_cast<double>(dimensions));
  lae::detail::parallel_tiles(items, 64, [&](lae::Index first, lae::Index rows) {
    SplitMix64 random(seed + static_cast<std::uint64_t>(first) * 0x100000000U);
    for (lae::Index i = first; i < first + rows; ++i) {
      for (lae::Index j = 0; j < dimensions; ++j) {
        f(i, j) = static_cast<float>(scale * (random.uniform() - 0.5));
      }
    }
  });
  return f;
}

}  // namespace synthetic
