#include "graph.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "gather.hpp"
#include "parallel.hpp"

namespace neural {
namespace {

/// Nodes whose rows of a product are one thread's at a time.
constexpr Index tile_nodes = 256;

}  // namespace

template <class Scalar>
Graph<Scalar>::Graph(const lae::Csr<Scalar>& train) : users_(train.rows()), items_(train.cols()) {
  if (users_ < 1 || items_ < 1) {
    throw std::invalid_argument("train must have users and items, got " + std::to_string(users_) +
                                " x " + std::to_string(items_));
  }
  if (nodes() > std::numeric_limits<std::int32_t>::max()) {
    throw std::invalid_argument("train has too many users and items: " + std::to_string(nodes()));
  }
  start_.push_back(0);
  for (Index user = 0; user < users_; ++user) {
    for (typename lae::Csr<Scalar>::InnerIterator entry(train, user); entry; ++entry) {
      if (entry.value() != Scalar(0)) {
        neighbours_.push_back(static_cast<std::int32_t>(users_ + entry.col()));
      }
    }
    const auto row = neighbours_.begin() + start_.back();
    std::sort(row, neighbours_.end());
    neighbours_.erase(std::unique(row, neighbours_.end()), neighbours_.end());
    start_.push_back(static_cast<Index>(neighbours_.size()));
  }
  if (neighbours_.empty()) throw std::invalid_argument("train is empty: nothing to learn from");

  // The items' neighbours, by counting: users come rising.
  const Index edges = interactions();
  start_.resize(static_cast<std::size_t>(nodes()) + 1, 0);
  for (Index edge = 0; edge < edges; ++edge) {
    ++start_[static_cast<std::size_t>(neighbours_[static_cast<std::size_t>(edge)]) + 1];
  }
  for (Index item = users_; item < nodes(); ++item) {
    start_[static_cast<std::size_t>(item) + 1] += start_[static_cast<std::size_t>(item)];
  }
  neighbours_.resize(2 * static_cast<std::size_t>(edges));
  std::vector<Index> next(start_.begin() + users_, start_.end() - 1);
  for (Index user = 0; user < users_; ++user) {
    for (Index edge = begin(user); edge < begin(user + 1); ++edge) {
      const Index item = neighbours_[static_cast<std::size_t>(edge)] - users_;
      const auto place = static_cast<std::size_t>(next[static_cast<std::size_t>(item)]++);
      neighbours_[place] = static_cast<std::int32_t>(user);
    }
  }

  weights_.resize(neighbours_.size());
  for (Index node = 0; node < nodes(); ++node) {
    inverse_degree_.push_back(degree(node) > 0 ? Scalar(1) / static_cast<Scalar>(degree(node))
                                               : Scalar(0));
    for (Index edge = begin(node); edge < begin(node + 1); ++edge) {
      const auto place = static_cast<std::size_t>(edge);
      const auto product =
          static_cast<double>(degree(node)) * static_cast<double>(degree(neighbours_[place]));
      weights_[place] = static_cast<Scalar>(1 / std::sqrt(product));
    }
  }
}

template <class Scalar>
void Graph<Scalar>::propagate(const Matrix<Scalar>& z, Matrix<Scalar>& product) const {
  product.resize(z.rows(), z.cols());
  for_each_range(nodes(), tile_nodes, [&](Index first, Index length) {
    for (Index node = first; node < first + length; ++node) {
      const std::int32_t* const others = neighbours(node);
      const Scalar* const weights = weights_.data() + begin(node);
      gather(
          z, degree(node), [&](Index i) { return others[i]; }, [&](Index i) { return weights[i]; },
          [&](Index column, const auto& sum) {
            product.row(node).segment(column, sum.size()) = sum.matrix();
          });
    }
  });
}

template <class Scalar>
void Graph<Scalar>::smooth(const Matrix<Scalar>& z, const Matrix<Scalar>& hop,
                           Matrix<Scalar>& product) const {
  product.resize(z.rows(), z.cols());
  for_each_range(nodes(), tile_nodes, [&](Index first, Index length) {
    for (Index node = first; node < first + length; ++node) {
      const std::int32_t* const others = neighbours(node);
      const Scalar* const weights = weights_.data() + begin(node);
      gather(
          hop, degree(node), [&](Index i) { return others[i]; },
          [&](Index i) { return weights[i]; },
          [&](Index column, const auto& sum) {
            const auto part = [&](auto&& values) {
              return values.row(node).segment(column, sum.size()).array();
            };
            part(product) = (part(z) + part(hop) + sum) * Scalar(1.0 / 3);
          });
    }
  });
}

template <class Scalar>
void Graph<Scalar>::average(Matrix<Scalar>& values) const {
  for_each_range(users_, tile_nodes, [&](Index first, Index length) {
    for (Index user = first; user < first + length; ++user) {
      const std::int32_t* const items = neighbours(user);
      const Scalar share = inverse_degree_[static_cast<std::size_t>(user)];
      gather(
          values, degree(user), [&](Index i) { return items[i]; }, [&](Index) { return share; },
          [&](Index column, const auto& sum) {
            values.row(user).segment(column, sum.size()) = sum.matrix();
          });
    }
  });
}

template <class Scalar>
void Graph<Scalar>::add_adjoint_average(Matrix<Scalar>& values) const {
  for_each_range(items_, tile_nodes, [&](Index first, Index length) {
    for (Index item = users_ + first; item < users_ + first + length; ++item) {
      const std::int32_t* const users = neighbours(item);
      gather(
          values, degree(item), [&](Index i) { return users[i]; },
          [&](Index i) { return inverse_degree_[static_cast<std::size_t>(users[i])]; },
          [&](Index column, const auto& sum) {
            values.row(item).segment(column, sum.size()) += sum.matrix();
          });
    }
  });
}

template class Graph<float>;
template class Graph<double>;

}  // namespace neural
