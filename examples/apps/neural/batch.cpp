#include "batch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>

#include "random.hpp"

namespace neural {

Merged::Merged(const std::vector<Index>& column, Index range) {
  std::vector<Index> place(static_cast<std::size_t>(range), -1);
  of.reserve(column.size());
  for (const Index id : column) {
    Index& known = place[static_cast<std::size_t>(id)];
    if (known < 0) {
      known = size();
      ids.push_back(id);
      counts.push_back(0);
    }
    of.push_back(known);
    ++counts[static_cast<std::size_t>(known)];
  }
}

template <class Scalar>
Epoch<Scalar>::Epoch(const Graph<Scalar>& graph, std::uint64_t seed, Index epoch, Index batch_size)
    : graph_(graph), batch_size_(batch_size) {
  const Index interactions = graph.interactions();
  const auto turn = static_cast<std::uint64_t>(epoch);

  const Draw for_order(seed, Purpose::order, turn);
  order_.resize(static_cast<std::size_t>(interactions));
  std::iota(order_.begin(), order_.end(), Index(0));
  for (Index i = interactions; i > 1; --i) {
    std::swap(order_[static_cast<std::size_t>(i - 1)],
              order_[static_cast<std::size_t>(for_order.below(i, i))]);
  }

  const Draw for_negatives(seed, Purpose::negatives, turn);
  users_.reserve(order_.size());
  negatives_.reserve(order_.size());
  for (Index user = 0; user < graph.users(); ++user) {
    const Index known = graph.degree(user);
    const std::int32_t* const history = graph.neighbours(user);
    for (Index i = 0; i < known; ++i) {
      users_.push_back(user);
      if (known == graph.items()) {
        negatives_.push_back(history[i] - graph.users());
        continue;
      }
      // The item of that rank among those that are not in the history: it comes after the first
      // `low` items of it, of which each has its rank among all items, less those before it.
      const Index rank = for_negatives.below(graph.begin(user) + i, graph.items() - known);
      Index low = 0;
      for (Index high = known; low < high;) {
        const Index middle = (low + high) / 2;
        if (history[middle] - graph.users() - middle <= rank) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      negatives_.push_back(rank + low);
    }
  }
}

template <class Scalar>
Batch Epoch<Scalar>::batch(Index number) const {
  const Index first = number * batch_size_;
  const Index size = std::min(batch_size_, graph_.interactions() - first);
  std::vector<Index> users(static_cast<std::size_t>(size));
  std::vector<Index> positives(users.size());
  std::vector<Index> negatives(users.size());
  for (std::size_t place = 0; place < users.size(); ++place) {
    const Index edge = order_[static_cast<std::size_t>(first) + place];
    users[place] = users_[static_cast<std::size_t>(edge)];
    positives[place] = graph_.neighbours(0)[edge] - graph_.users();
    negatives[place] = negatives_[static_cast<std::size_t>(edge)];
  }
  return {Merged(users, graph_.users()), Merged(positives, graph_.items()),
          Merged(negatives, graph_.items())};
}

template class Epoch<float>;
template class Epoch<double>;

}  // namespace neural
