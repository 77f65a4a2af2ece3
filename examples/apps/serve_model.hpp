#pragma once

/// \file
/// A model file as `serve` serves it: mapped, checked, and ranked by what a request asks for.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <lae/blocks.hpp>
#include <lae/lae.hpp>
#include <lae/ranking/explain.hpp>
#include <lae/spectral.hpp>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "checksum.hpp"
#include "serve_catalogue.hpp"

namespace example {

/// What a request asks of a ranking.
struct Wish {
  WeightedItems history;
  Index k = 10;
  Index reasons = 0;  ///< items of the history to name for each item
  bool exclude_seen = true;
  double popularity = 0;  ///< p: scores are multiplied by max(1, users who have the item)^p
  double diversity = 0;   ///< d in [0, 1], see `diversified`
  double min_score = -std::numeric_limits<double>::infinity();

  // Filters.
  std::optional<std::vector<Index>> allow{};
  std::vector<Index> deny{};
  std::vector<std::string> title_words{};
  Index min_users = 0;
  Index max_users = std::numeric_limits<Index>::max();
};

/// An item of a list, and why it is there.
struct Recommended {
  Index item;
  double score;
  bool is_explained = false;  ///< whether the model can say why
  std::vector<lae::Reason<double>> reasons{};
  Index others = 0;
  double rest = 0;
};

/// The filters of a wish that lists of items do not express.
inline bool passes_filters(const Wish& wish, const Catalogue& catalogue, Index item) {
  if (!catalogue.matches(item, wish.title_words)) return false;
  if (catalogue.popularity() == nullptr) return true;
  const auto users = static_cast<Index>(catalogue.popularity()->users()[item]);
  return wish.min_users <= users && users <= wish.max_users;
}

/// Takes k of a list of candidates, best first, by maximal marginal relevance (Carbonell and
/// Goldstein, SIGIR 1998): each time the one with the largest
/// (1 - d)·score - d·(cosine to the most similar one taken), scores being scaled to [0, 1].
/// Cost: k·candidates cosines.
inline std::vector<Recommended> diversified(const std::vector<Recommended>& candidates, Index k,
                                            double diversity, const Catalogue& catalogue) {
  if (candidates.empty()) return {};
  const double best = candidates.front().score;
  const double range = std::max(best - candidates.back().score, 1e-30);
  std::vector<double> nearest(candidates.size(), -1);
  std::vector<bool> is_taken(candidates.size(), false);
  std::vector<Recommended> taken;
  const auto count = std::min(candidates.size(), static_cast<std::size_t>(k));
  while (taken.size() < count) {
    std::size_t next = candidates.size();
    double next_gain = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (is_taken[i]) continue;
      if (!taken.empty()) {
        const auto cosine = catalogue.similarity(candidates[i].item, taken.back().item);
        nearest[i] = std::max(nearest[i], static_cast<double>(cosine));
      }
      const double relevance = 1 - (best - candidates[i].score) / range;
      const double gain = (1 - diversity) * relevance - diversity * nearest[i];
      if (next == candidates.size() || gain > next_gain) {
        next = i;
        next_gain = gain;
      }
    }
    is_taken[next] = true;
    taken.push_back(candidates[next]);
  }
  return taken;
}

/// A scorer whose scores are another's, times max(1, users who have the item)^exponent: what the
/// refinement `target_exponent` does to a fit, done to its scores. Both must outlive it.
template <class Model>
class PopularityWeighted {
 public:
  using Scalar = lae::ScalarOf<Model>;

  PopularityWeighted(const Model& model, const lae::Popularity<float>& popularity, double exponent)
      : model_(model), popularity_(popularity), exponent_(static_cast<Scalar>(exponent)) {}

  Index items() const { return model_.items(); }

  void add_scores(const lae::History<Scalar>& history, Index begin,
                  lae::ScoreRow<Scalar> scores) const {
    using Row = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;
    Row own = Row::Zero(scores.size());
    model_.add_scores(history, begin, own);
    const auto users =
        popularity_.users().segment(begin, scores.size()).template cast<Scalar>().array();
    scores.array() += own.array() * (users.max(Scalar(1)).log() * exponent_).exp().transpose();
  }

 private:
  const Model& model_;
  const lae::Popularity<float>& popularity_;
  Scalar exponent_;
};

/// A model of any kind and Scalar. Answers are made on the calling thread alone.
class Ranker {
 public:
  Ranker() = default;
  Ranker(const Ranker&) = delete;
  Ranker& operator=(const Ranker&) = delete;
  virtual ~Ranker() = default;

  virtual Index items() const = 0;

  /// The best items for a history that is not empty, or the most popular ones for an empty one (if
  /// the catalogue knows them).
  virtual std::vector<Recommended> rank(const Wish& wish, const Catalogue& catalogue) const = 0;
};

template <class Model>
class RankerBy final : public Ranker {
 public:
  using Scalar = lae::ScalarOf<Model>;

  explicit RankerBy(Model model) : model_(std::move(model)) {}

  Index items() const override { return model_.items(); }

  std::vector<Recommended> rank(const Wish& wish, const Catalogue& catalogue) const override {
    if (wish.history.items.empty()) return rank_by(*catalogue.popularity(), wish, catalogue);
    if (wish.popularity == 0) return rank_by(model_, wish, catalogue);
    return rank_by(PopularityWeighted(model_, *catalogue.popularity(), wish.popularity), wish,
                   catalogue);
  }

 private:
  template <class By>
  std::vector<Recommended> rank_by(const By& by, const Wish& wish,
                                   const Catalogue& catalogue) const {
    using ByScalar = lae::ScalarOf<By>;
    lae::Csr<ByScalar> history(1, items());
    for (std::size_t i = 0; i < wish.history.items.size(); ++i) {
      history.insert(0, wish.history.items[i]) = static_cast<ByScalar>(wish.history.values[i]);
    }
    history.makeCompressed();

    lae::RecommendOptions options;
    const bool diversifies = wish.diversity > 0;
    options.k = std::min(diversifies ? std::max(Index(100), 5 * wish.k) : wish.k, items());
    options.exclude_seen = wish.exclude_seen;
    options.allow = wish.allow;
    options.deny = wish.deny;
    const auto lists = lae::recommend(by, history, options, [&](Index, Index item) {
      return passes_filters(wish, catalogue, item);
    });
    std::vector<Recommended> ranked;
    for (Index rank = 0; rank < options.k && lists.items(0, rank) != lae::no_item; ++rank) {
      const auto score = static_cast<double>(lists.scores(0, rank));
      if (score < wish.min_score) break;
      ranked.push_back({lists.items(0, rank), score});
    }
    if (diversifies) ranked = diversified(ranked, wish.k, wish.diversity, catalogue);
    if constexpr (!std::is_same_v<Model, lae::SgfcfModel<Scalar>>) {
      if (wish.reasons > 0) {
        for (Recommended& one : ranked) explain(by, history, wish.reasons, one);
      }
    }
    return ranked;
  }

  template <class By, class ByScalar>
  static void explain(const By& by, const lae::Csr<ByScalar>& history, Index reasons,
                      Recommended& one) {
    const auto why = lae::explain(by, history, one.item, reasons);
    one.is_explained = true;
    for (const auto& reason : why.reasons) {
      one.reasons.push_back({reason.item, static_cast<double>(reason.value)});
    }
    one.others = why.others;
    one.rest = static_cast<double>(why.rest);
  }

  Model model_;
};

/// A file that is being served.
struct ServedModel {
  lae::ModelInfo info;
  std::string sha256;
  std::unique_ptr<const Ranker> ranker;
};

namespace detail {

template <class Model>
std::unique_ptr<const Ranker> ranker_by(Model model) {
  return std::make_unique<RankerBy<Model>>(std::move(model));
}

template <class Scalar>
std::unique_ptr<const Ranker> open_ranker(const std::filesystem::path& path) {
  switch (lae::kind_of_model(path)) {
    case lae::ModelKind::spectral:
      return ranker_by(lae::load_model<lae::SpectralModel<Scalar>>(path));
    case lae::ModelKind::sgfcf:
      return ranker_by(lae::load_model<lae::SgfcfModel<Scalar>>(path));
    case lae::ModelKind::sparse_low_rank:
      return ranker_by(lae::view_model<lae::SparseLowRankModel<Scalar>>(path));
    default:
      return ranker_by(lae::view_model<Scalar>(path));
  }
}

}  // namespace detail

/// Opens a model file after all of it was found whole.
/// \throws lae::FileError if it cannot be read, is no model or damaged, or is replaced meanwhile
inline ServedModel open_model(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code gone;
  const auto written = fs::last_write_time(path, gone);
  lae::verify_model(path);
  static const std::atomic<bool> never{false};
  ServedModel model{lae::load_model_info(path), sha256_of_file(path, never), nullptr};
  try {
    model.ranker = detail::open_ranker<float>(path);
  } catch (const lae::FileError&) {  // of a whole file: one in double
    model.ranker = detail::open_ranker<double>(path);
  }
  if (fs::last_write_time(path, gone) != written) {
    throw lae::FileError(path, "was replaced while it was read");
  }
  return model;
}

}  // namespace example
