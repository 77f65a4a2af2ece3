#pragma once

/// \file
/// Random numbers that are the same on every platform.
///
///     lae::Random random(/*seed=*/1);
///     double u = random.uniform();
///     random.shuffle(ids);

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/mersenne_twister.hpp"

namespace lae {
inline namespace LAE_ABI {

/// The numbers of std::mt19937_64, which the C++ standard fixes; its distributions it does not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// In [0, 1).
  [[nodiscard]] double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

  /// In [0, count).
  [[nodiscard]] Index below(Index count) {
    return static_cast<Index>(uniform() * static_cast<double>(count));
  }

  /// Close to normal with mean 0 and deviation 1, without functions that differ in the last bit.
  [[nodiscard]] double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

  template <class Value>
  void shuffle(std::vector<Value>& values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1], values[static_cast<std::size_t>(below(static_cast<Index>(i)))]);
    }
  }

 private:
  detail::MersenneTwister engine_;
};

}  // namespace LAE_ABI
}  // namespace lae
