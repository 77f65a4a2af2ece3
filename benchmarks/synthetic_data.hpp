#pragma once

/// \file
/// Seeded inputs of any size, made fast enough not to be noticed beside a fit.

#include <algorithm>
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

/// Ones, in the way of a large shop: lengths of histories and popularities of items fall by power
/// laws, and most of a history comes from two of some items / 500 topics.
inline lae::Csr<float> category(lae::Index users, lae::Index items, lae::Index interactions,
                                std::uint64_t seed = 1) {
  using lae::Index;
  SplitMix64 random(seed);
  const Index topics = (std::max)(items / 500, Index(1));
  const Index of_topic = items / topics;
  const double mean = static_cast<double>(interactions) / static_cast<double>(users);
  const auto scaled = [](double share, Index size) {
    return (std::min)(static_cast<Index>(share * static_cast<double>(size)), size - 1);
  };
  lae::Csr<float> x(users, items);
  x.reserve(interactions + interactions / 8);
  std::vector<Index> history;
  for (Index user = 0; user < users; ++user) {
    x.startVec(user);
    const double length = 0.55 * mean * std::pow(1 - random.uniform(), -1 / 2.2);
    const auto clicks = static_cast<Index>((std::min)(length, 2000.0) + random.uniform()) + 1;
    const Index mine[] = {scaled(random.uniform() * random.uniform(), topics),
                          scaled(random.uniform() * random.uniform(), topics)};
    history.clear();
    for (Index click = 0; click < clicks; ++click) {
      const double where = random.uniform();
      const double share = random.uniform();
      if (where < 0.3) {
        const double rank = std::pow(static_cast<double>(items), std::pow(share, 0.75)) - 1;
        history.push_back((std::min)(static_cast<Index>(rank), items - 1));
      } else {
        const Index topic = mine[where < 0.8 ? 0 : 1];
        history.push_back(topic + topics * scaled(std::pow(share, 2.5), of_topic));
      }
    }
    std::sort(history.begin(), history.end());
    history.erase(std::unique(history.begin(), history.end()), history.end());
    for (const Index item : history) x.insertBack(user, item) = 1;
  }
  x.finalize();
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
