#pragma once

// A shop of made-up people and items, large enough for examples that measure something.

#include <lae/core/random.hpp>
#include <lae/lae.hpp>
#include <set>

/// Items have one topic of eight, and the first ones are the most popular; people have two
/// favourite topics, from which comes most of what they have.
struct MadeUpShop {
  static constexpr int users = 400;
  static constexpr int items = 120;
  static constexpr int topics = 8;

  lae::Interactions log;           // sorted by user and item, each pair once
  lae::Matrix<double> embeddings;  // items x topics, noisy: as a language model might see them
};

inline MadeUpShop make_up_shop() {
  lae::Random random(1);
  MadeUpShop shop;
  const auto favours = [&](int item, lae::Index topic) {
    return item % MadeUpShop::topics == topic;
  };
  for (int user = 0; user < MadeUpShop::users; ++user) {
    const lae::Index first = random.below(MadeUpShop::topics);
    const lae::Index second = random.below(MadeUpShop::topics);
    std::set<int> bought;
    while (bought.size() < 10) {
      const int item = static_cast<int>(MadeUpShop::items * random.uniform() * random.uniform());
      if (favours(item, first) || favours(item, second) || random.uniform() < 0.1) {
        bought.insert(item);
      }
    }
    for (const int item : bought) shop.log.push_back({user, item, 5, 0});
  }
  shop.embeddings.resize(MadeUpShop::items, MadeUpShop::topics);
  for (int item = 0; item < MadeUpShop::items; ++item) {
    for (int topic = 0; topic < MadeUpShop::topics; ++topic) {
      shop.embeddings(item, topic) = 0.3 * random.normal() + (favours(item, topic) ? 1 : 0);
    }
  }
  return shop;
}
