#include "info_nce.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "parallel.hpp"

namespace neural {
namespace {

constexpr Index strip_anchors = 64;   // whose scores of all targets are held at a time
constexpr Index chunk_targets = 512;  // scored at a time, so that they stay in the cache
constexpr Index parts = 8;            // into which anchors are cut for threads
constexpr Index tile_rows = 512;

/// Rows scaled to unit length, and how gradients go back through that.
template <class Scalar>
struct UnitRows {
  Matrix<Scalar> rows;
  std::vector<Scalar> scale;  // 1 / length

  /// \param ids which rows; null: all
  UnitRows(const Eigen::Ref<const Matrix<Scalar>>& values, const Merged* ids, double epsilon)
      : rows(ids ? ids->size() : values.rows(), values.cols()),
        scale(static_cast<std::size_t>(rows.rows())) {
    for_each_range(rows.rows(), tile_rows, [&](Index first, Index length) {
      for (Index i = first; i < first + length; ++i) {
        const auto row = values.row(ids ? ids->ids[static_cast<std::size_t>(i)] : i);
        Scalar& factor = scale[static_cast<std::size_t>(i)];
        factor = Scalar(1) / std::sqrt(std::max(static_cast<Scalar>(epsilon) + row.squaredNorm(),
                                                Scalar(1e-24)));
        rows.row(i) = factor * row;
      }
    });
  }

  /// Adds weight * the gradient by the values, given that by a row.
  template <class Gradient, class Sum>
  void add_back(Index i, Scalar weight, const Gradient& by_row, Sum&& sum) const {
    const auto unit = rows.row(i);
    const Scalar along = by_row.dot(unit);
    sum += weight * scale[static_cast<std::size_t>(i)] * (by_row - along * unit);
  }
};

/// The places of a batch by the row of their anchor.
struct PlacesByAnchor {
  std::vector<Index> start;
  std::vector<Index> places;

  explicit PlacesByAnchor(const Merged& anchors) : start(1, 0), places(anchors.of.size()) {
    for (const Index count : anchors.counts) start.push_back(start.back() + count);
    std::vector<Index> next(start.begin(), start.end() - 1);
    for (std::size_t place = 0; place < places.size(); ++place) {
      Index& at = next[static_cast<std::size_t>(anchors.of[place])];
      places[static_cast<std::size_t>(at++)] = static_cast<Index>(place);
    }
  }
};

}  // namespace

template <class Scalar>
double add_info_nce(const InfoNceTerm<Scalar>& term,
                    const Eigen::Ref<const Matrix<Scalar>>& anchors,
                    const Eigen::Ref<const Matrix<Scalar>>& targets,
                    Eigen::Ref<Matrix<Scalar>> anchors_gradient,
                    Eigen::Ref<Matrix<Scalar>> targets_gradient) {
  const bool in_batch = term.others == Others::batch;
  const bool has_targets_gradient = targets_gradient.size() > 0;
  const UnitRows<Scalar> a(anchors, &term.anchor_ids, term.length_epsilon);
  const UnitRows<Scalar> c(targets, in_batch ? &term.target_ids : nullptr, term.length_epsilon);
  const PlacesByAnchor by_anchor(term.anchor_ids);
  const Index count = a.rows.rows();
  const Index others = c.rows.rows();
  const Index width = a.rows.cols();

  // All scores are at most 1 / tau, so e^((a . c - 1) / tau) cannot overflow, and the sums need no
  // first pass that looks for the largest.
  const auto per_tau = static_cast<Scalar>(1 / term.temperature);
  const double epsilon_scaled = term.epsilon * std::exp(-1 / term.temperature);
  Eigen::Array<Scalar, 1, Eigen::Dynamic> times;
  if (in_batch) {
    times.resize(others);
    for (Index j = 0; j < others; ++j) {
      times[j] = static_cast<Scalar>(term.target_ids.counts[static_cast<std::size_t>(j)]);
    }
  }
  const auto target_of = [&](Index place) {
    return in_batch ? term.target_ids.of[static_cast<std::size_t>(place)]
                    : term.target_ids.at(place);
  };

  const Index strips = (count + strip_anchors - 1) / strip_anchors;
  const Index part_strips = (strips + parts - 1) / parts;
  const Index used_parts = (strips + part_strips - 1) / part_strips;
  std::vector<Matrix<Scalar>> by_targets(static_cast<std::size_t>(used_parts));
  std::vector<double> losses(static_cast<std::size_t>(strips), 0);

  for_each_tile(used_parts, [&](Index part) {
    Matrix<Scalar>& by_target = by_targets[static_cast<std::size_t>(part)];
    if (has_targets_gradient) by_target.setZero(others, width);
    const Index row_length = (others + 15) / 16 * 16;  // rows begin where vectors do
    Matrix<Scalar> scores(strip_anchors, row_length);
    Matrix<Scalar> scaled(strip_anchors, width);  // anchors / tau, then weighed
    Matrix<Scalar> by_anchor_row(strip_anchors, width);
    for (Index strip = part * part_strips; strip < std::min(strips, (part + 1) * part_strips);
         ++strip) {
      const Index first = strip * strip_anchors;
      const Index length = std::min(strip_anchors, count - first);
      auto mine = scaled.topRows(length);
      auto by_mine = by_anchor_row.topRows(length);
      mine = a.rows.middleRows(first, length) * per_tau;
      by_mine.setZero();

      // The powers, their sums, and the means of targets that they weigh.
      double sums[strip_anchors] = {};
      for (Index begin = 0; begin < others; begin += chunk_targets) {
        const Index some = std::min(chunk_targets, others - begin);
        auto tile = scores.block(0, begin, length, some);
        tile.noalias() = mine * c.rows.middleRows(begin, some).transpose();
        for (Index i = 0; i < length; ++i) {
          auto row = tile.row(i).array();
          row = (row - per_tau).exp();
          if (in_batch) row *= times.segment(begin, some);
          sums[i] += static_cast<double>(row.sum());
        }
        by_mine.noalias() += tile * c.rows.middleRows(begin, some);
      }

      for (Index i = 0; i < length; ++i) {
        const auto row = static_cast<std::size_t>(first + i);
        const double denominator = sums[i] + epsilon_scaled;
        const double log_denominator = std::log(denominator);
        // By how much the places of this anchor count: each by 1, less where epsilon holds it down.
        double weight = 0;
        Eigen::Matrix<Scalar, 1, Eigen::Dynamic> own =
            Eigen::Matrix<Scalar, 1, Eigen::Dynamic>::Zero(width);
        for (Index at = by_anchor.start[row]; at < by_anchor.start[row + 1]; ++at) {
          const Index target = target_of(by_anchor.places[static_cast<std::size_t>(at)]);
          const double score =
              (static_cast<double>(mine.row(i).dot(c.rows.row(target))) - 1 / term.temperature) -
              log_denominator;
          double part_of_weight = 1;
          if (term.epsilon > 0) {
            const double ratio = std::exp(score);
            losses[static_cast<std::size_t>(strip)] -= std::log(ratio + term.epsilon);
            part_of_weight = ratio / (ratio + term.epsilon);
          } else {
            losses[static_cast<std::size_t>(strip)] -= score;
          }
          weight += part_of_weight;
          own += static_cast<Scalar>(part_of_weight) * c.rows.row(target);
          if (has_targets_gradient) {
            by_target.row(target) -= static_cast<Scalar>(part_of_weight) * mine.row(i);
          }
        }
        const auto share = static_cast<Scalar>(weight / denominator);
        by_mine.row(i) = per_tau * (share * by_mine.row(i) - own);
        mine.row(i) *= share;
        a.add_back(first + i, static_cast<Scalar>(term.weight), by_mine.row(i),
                   anchors_gradient.row(term.anchor_ids.ids[row]));
      }

      if (!has_targets_gradient) continue;
      for (Index begin = 0; begin < others; begin += chunk_targets) {
        const Index some = std::min(chunk_targets, others - begin);
        by_target.middleRows(begin, some).noalias() +=
            scores.block(0, begin, length, some).transpose() * mine;
      }
    }
  });

  if (has_targets_gradient) {
    for_each_range(others, tile_rows, [&](Index first, Index length) {
      for (Index j = first; j < first + length; ++j) {
        auto sum = by_targets.front().row(j);
        for (std::size_t part = 1; part < by_targets.size(); ++part) {
          sum += by_targets[part].row(j);
        }
        c.add_back(
            j, static_cast<Scalar>(term.weight), sum,
            targets_gradient.row(in_batch ? term.target_ids.ids[static_cast<std::size_t>(j)] : j));
      }
    });
  }
  double loss = 0;
  for (const double part : losses) loss += part;
  return loss;
}

template double add_info_nce(const InfoNceTerm<float>&, const Eigen::Ref<const Matrix<float>>&,
                             const Eigen::Ref<const Matrix<float>>&, Eigen::Ref<Matrix<float>>,
                             Eigen::Ref<Matrix<float>>);
template double add_info_nce(const InfoNceTerm<double>&, const Eigen::Ref<const Matrix<double>>&,
                             const Eigen::Ref<const Matrix<double>>&, Eigen::Ref<Matrix<double>>,
                             Eigen::Ref<Matrix<double>>);

}  // namespace neural
