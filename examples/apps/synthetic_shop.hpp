#pragma once

/// \file
/// A made-up shop, for trying the models without any data set.
///
/// Every item is about two topics. Its text is drawn from their words (the tags are the words it
/// holds), its embedding is what a text encoder would make of it: the topics, blurred. Popularity
/// follows a power law, so most items have few interactions, and users buy mostly what belongs to
/// their favourite topics. Text therefore tells what the few interactions of a rare item do not.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "dataset.hpp"
#include "lae/core/random.hpp"
#include "lae/core/types.hpp"

namespace example {
namespace detail {

using lae::Index;
using lae::Random;

/// Draws indices in proportion to weights.
class Categorical {
 public:
  Categorical() = default;
  explicit Categorical(std::vector<double> weights) {
    for (const double weight : weights) add(static_cast<Index>(indices_.size()), weight);
  }

  /// Of indices that come in rising order, one perhaps several times; others have none.
  void add(Index index, double weight) {
    if (!indices_.empty() && indices_.back() == index) {
      last_weight_ += weight;
      cumulative_.back() = before_ + last_weight_;
      return;
    }
    before_ = cumulative_.empty() ? 0 : cumulative_.back();
    last_weight_ = weight;
    indices_.push_back(index);
    cumulative_.push_back(before_ + weight);
  }

  Index draw(Random& random) const {
    const double target = random.uniform() * cumulative_.back();
    const auto place = std::upper_bound(cumulative_.begin(), cumulative_.end(), target);
    return indices_[static_cast<std::size_t>(place - cumulative_.begin())];
  }

 private:
  std::vector<Index> indices_;
  std::vector<double> cumulative_;
  double before_ = 0;
  double last_weight_ = 0;
};

}  // namespace detail

/// What a synthetic shop is made of.
struct ShopOptions {
  lae::Index users = 2000;
  lae::Index items = 800;
  lae::Index topics = 40;
  lae::Index dimensions = 64;  ///< of the embeddings
  lae::Index words_per_topic = 15;
  lae::Index common_words = 60;  ///< words that say nothing about topics
  lae::Index words_per_text = 8;
  double common_share = 0.3;      ///< of the words of a text
  double main_topic_share = 0.7;  ///< of an item's two topics
  double embedding_noise = 0.7;   ///< length of the blur, where a topic has length 1
  double taste_share = 0.8;       ///< of a user's choices that follow taste, not popularity
  double popularity_offset = 15;  ///< the item of popularity rank r weighs 1 / (r + offset)
  double shortest_history = 6;    ///< lengths follow a power law from here ...
  double longest_history = 80;    ///< ... up to here, ...
  double history_offset = 0;      ///< ... and are shorter by that
};

/// A shop of another size, with about that many interactions: popularity and lengths of histories,
/// from 1 on, follow power laws as in categories of Amazon's, whose most popular items have one
/// interaction in a few thousand; topics have more items in larger shops, but there are more, too.
inline ShopOptions shop_of_size(lae::Index users, lae::Index items, lae::Index interactions) {
  ShopOptions options;
  const double growth = std::sqrt(static_cast<double>(items) / static_cast<double>(options.items));
  options.users = users;
  options.items = items;
  options.topics = std::clamp(static_cast<lae::Index>(40 * growth), lae::Index(1), items);
  options.popularity_offset *= growth;
  options.longest_history = std::clamp(std::floor(static_cast<double>(items) / 10), 1.0, 1000.0);
  // A history has r items or more with probability (s / (s + r - 1))², s as the mean wants it.
  const double wanted = static_cast<double>(interactions) / static_cast<double>(users);
  double low = 0;
  double high = 1e6;
  for (int step = 0; step < 60; ++step) {
    const double s = (low + high) / 2;
    double mean = 0;
    for (double r = 1; r <= options.longest_history; ++r) mean += std::pow(s / (s + r - 1), 2);
    (mean < wanted ? low : high) = s;
  }
  options.shortest_history = high;
  options.history_offset = high - 1;
  return options;
}

/// What a shop sells, and to whom.
struct SyntheticShop {
  ShopOptions options;
  std::vector<lae::Index> main_topics;              ///< one for each item
  std::vector<std::set<lae::Index>> texts;          ///< the words that an item's text holds
  lae::Matrix<double> embeddings;                   ///< items x dimensions
  std::vector<std::pair<int, int>> interactions{};  ///< users and items, in random order

  lae::Index word_count() const {
    return options.common_words + options.topics * options.words_per_topic;
  }
};

/// Makes a shop: the same one for the same seed, on every platform.
inline SyntheticShop make_synthetic_shop(std::uint64_t seed, const ShopOptions& options = {}) {
  using lae::Index;
  lae::Random random(seed);
  const auto size = [](Index count) { return static_cast<std::size_t>(count); };

  lae::Matrix<double> topic_vectors(options.topics, options.dimensions);
  const double component = 1 / std::sqrt(static_cast<double>(options.dimensions));
  for (Index topic = 0; topic < options.topics; ++topic) {
    for (Index d = 0; d < options.dimensions; ++d) {
      topic_vectors(topic, d) = component * random.normal();
    }
  }

  std::vector<Index> popularity_rank(size(options.items));
  std::iota(popularity_rank.begin(), popularity_rank.end(), Index(0));
  random.shuffle(popularity_rank);

  // How often an item is chosen by someone who looks for a topic, and by someone who just looks.
  std::vector<detail::Categorical> items_of_topic(size(options.topics));
  std::vector<double> weight(size(options.items));

  SyntheticShop shop{options, {}, {}, lae::Matrix<double>(options.items, options.dimensions)};
  for (Index item = 0; item < options.items; ++item) {
    const Index main_topic = item % options.topics;  // no topic is without items
    const Index second_topic = random.below(options.topics);
    shop.main_topics.push_back(main_topic);

    weight[size(item)] =
        1 / (static_cast<double>(popularity_rank[size(item)]) + options.popularity_offset);
    items_of_topic[size(main_topic)].add(item, options.main_topic_share * weight[size(item)]);
    items_of_topic[size(second_topic)].add(item,
                                           (1 - options.main_topic_share) * weight[size(item)]);

    std::set<Index>& words = shop.texts.emplace_back();
    for (Index word = 0; word < options.words_per_text; ++word) {
      if (random.uniform() < options.common_share) {
        words.insert(random.below(options.common_words));
      } else {
        const Index topic = random.uniform() < options.main_topic_share ? main_topic : second_topic;
        words.insert(options.common_words + topic * options.words_per_topic +
                     random.below(options.words_per_topic));
      }
    }

    for (Index d = 0; d < options.dimensions; ++d) {
      const double value = options.main_topic_share * topic_vectors(main_topic, d) +
                           (1 - options.main_topic_share) * topic_vectors(second_topic, d) +
                           options.embedding_noise * component * random.normal();
      // Compilers may round the sum differently in the last bits; this hides them.
      shop.embeddings(item, d) = std::round(value * 4096) / 4096;
    }
  }

  const detail::Categorical all_items(std::move(weight));

  const detail::Categorical favourite({6, 3, 1});
  for (Index user = 0; user < options.users; ++user) {
    const Index topics[] = {random.below(options.topics), random.below(options.topics),
                            random.below(options.topics)};
    const double length = std::min(
        options.longest_history,
        options.shortest_history / std::sqrt(1 - random.uniform()) - options.history_offset);
    std::set<Index> history;
    while (static_cast<double>(history.size() + 1) <= length) {
      const bool by_taste = random.uniform() < options.taste_share;
      history.insert(by_taste ? items_of_topic[size(topics[favourite.draw(random)])].draw(random)
                              : all_items.draw(random));
    }
    for (const Index item : history) {
      shop.interactions.emplace_back(static_cast<int>(user), static_cast<int>(item));
    }
  }
  random.shuffle(shop.interactions);
  return shop;
}

/// The shop as data to compare models on: the last two tenths of the interactions become `valid`
/// and `test`, the words of an item's text its tags.
template <class Scalar>
Dataset<Scalar> shop_dataset(const SyntheticShop& shop) {
  using lae::Index;
  const ShopOptions& options = shop.options;
  const auto part = [&](std::size_t first_tenth, std::size_t last_tenth) {
    const auto place = [&](std::size_t tenth) { return shop.interactions.size() * tenth / 10; };
    std::vector<Eigen::Triplet<Scalar, Index>> entries;
    for (std::size_t i = place(first_tenth); i < place(last_tenth); ++i) {
      entries.emplace_back(shop.interactions[i].first, shop.interactions[i].second, Scalar(1));
    }
    lae::Csr<Scalar> matrix(options.users, options.items);
    matrix.setFromTriplets(entries.begin(), entries.end());
    return matrix;
  };
  Dataset<Scalar> data{{part(0, 8), part(8, 9), part(9, 10)}, ""};
  data.embeddings = shop.embeddings.template cast<Scalar>();
  std::vector<Eigen::Triplet<Scalar, Index>> tags;
  for (Index item = 0; item < options.items; ++item) {
    for (const Index word : shop.texts[static_cast<std::size_t>(item)]) {
      tags.emplace_back(item, word, Scalar(1));
    }
  }
  data.tags.emplace(options.items, shop.word_count());
  data.tags->setFromTriplets(tags.begin(), tags.end());
  return data;
}

}  // namespace example
