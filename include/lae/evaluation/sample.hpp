#pragma once

/// \file
/// Held-out items of some users, where those of all would take longer to measure than it takes to
/// know the mean well enough.
///
/// \code
/// const auto some = lae::sample_of_users(test, 20000);
/// const auto report = lae::evaluate(model, train, some);  // on 20,000 users
/// \endcode

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lae/core/random.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

/// The matrix (users x items, of the same size) with the rows of some of the users that have any,
/// chosen at random; the rows of others are empty, and so do not count in `evaluate`. All rows if
/// there are no more. Cost: a copy of what is kept, and 8 bytes a user.
/// \param seed the same users for the same seed, everywhere
/// \throws std::invalid_argument if users < 1.
template <class Scalar>
[[nodiscard]] Csr<Scalar> sample_of_users(const Csr<Scalar>& held_out, Index users,
                                          std::uint64_t seed = 1) {
  detail::require(users >= 1, "the sample must have a user or more, got ", users);
  detail::require(held_out.isCompressed(), "held_out must be compressed");
  const Index* const start = held_out.outerIndexPtr();
  std::vector<Index> chosen;
  for (Index user = 0; user < held_out.rows(); ++user) {
    if (start[user] < start[user + 1]) chosen.push_back(user);
  }
  if (static_cast<Index>(chosen.size()) > users) {
    Random(seed).shuffle(chosen);
    chosen.resize(static_cast<std::size_t>(users));
    std::sort(chosen.begin(), chosen.end());
  }
  Index entries = 0;
  for (const Index user : chosen) entries += start[user + 1] - start[user];
  Csr<Scalar> sample(held_out.rows(), held_out.cols());
  sample.resizeNonZeros(entries);
  Index next = 0;
  auto of_sample = chosen.begin();
  for (Index user = 0; user < held_out.rows(); ++user) {
    sample.outerIndexPtr()[user] = next;
    if (of_sample == chosen.end() || *of_sample != user) continue;
    ++of_sample;
    const Index length = start[user + 1] - start[user];
    std::copy_n(held_out.innerIndexPtr() + start[user], length, sample.innerIndexPtr() + next);
    std::copy_n(held_out.valuePtr() + start[user], length, sample.valuePtr() + next);
    next += length;
  }
  sample.outerIndexPtr()[held_out.rows()] = next;
  return sample;
}

}  // namespace LAE_ABI
}  // namespace lae
