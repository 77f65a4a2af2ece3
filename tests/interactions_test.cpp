// From a log of ratings to matrices: filters, k-core and splits against naive ones.

#include <lae/data/interactions.hpp>
#include <lae/data/split.hpp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "catch.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Index;
using lae::Interaction;
using lae::Interactions;

namespace {

using Pair = std::pair<int, int>;

std::set<Pair> pairs(const Interactions& log) {
  std::set<Pair> all;
  for (const Interaction& i : log) all.insert({i.user, i.item});
  return all;
}

auto fields(const Interaction& i) {
  return std::make_tuple(i.user, i.item, i.rating, i.timestamp);
}

bool same(const Interactions& a, const Interactions& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return fields(x) == fields(y); });
}

lae::Catalog catalog_of(int users, int items) {
  lae::Catalog catalog;
  for (int user = 0; user < users; ++user) catalog.users.insert("u" + std::to_string(user));
  for (int item = 0; item < items; ++item) catalog.items.insert("i" + std::to_string(item));
  return catalog;
}

/// Each pair at most `repeats` times.
Interactions random_log(std::uint64_t seed, int users, int items, int size) {
  CAPTURE(seed);
  lae::Random random(seed);
  Interactions log;
  for (int i = 0; i < size; ++i) {
    log.push_back({static_cast<int>(random.below(users)), static_cast<int>(random.below(items)),
                   static_cast<float>(1 + random.below(5)), random.below(20)});
  }
  return log;
}

/// Takes away one user or item at a time.
std::set<Pair> naive_k_core(std::set<Pair> left, int k) {
  while (true) {
    std::map<int, int> of_user;
    std::map<int, int> of_item;
    for (const auto& [user, item] : left) {
      ++of_user[user];
      ++of_item[item];
    }
    std::set<Pair> next;
    const auto rare_user = std::find_if(of_user.begin(), of_user.end(),
                                        [=](const auto& entry) { return entry.second < k; });
    const auto rare_item = std::find_if(of_item.begin(), of_item.end(),
                                        [=](const auto& entry) { return entry.second < k; });
    if (rare_user == of_user.end() && rare_item == of_item.end()) return left;
    for (const Pair& pair : left) {
      const bool goes = rare_user != of_user.end() ? pair.first == rare_user->first
                                                   : pair.second == rare_item->first;
      if (!goes) next.insert(pair);
    }
    left = std::move(next);
  }
}

}  // namespace

TEST_CASE("Random numbers are those of the standard's generator, with 53 bits each") {
  for (const std::uint64_t seed : {std::uint64_t(0), std::uint64_t(1), ~std::uint64_t(0)}) {
    lae::Random random(seed);
    std::mt19937_64 expected(seed);
    std::size_t equal = 0;
    for (int i = 0; i < 2000; ++i) {
      equal += random.uniform() == static_cast<double>(expected() >> 11) * 0x1p-53 ? 1 : 0;
    }
    CHECK(equal == 2000);
  }
}

TEST_CASE("Ids are numbered as they come") {
  lae::IdIndex ids;
  CHECK(ids.insert("b") == 0);
  CHECK(ids.insert("a b") == 1);
  CHECK(ids.insert("b") == 0);
  CHECK(ids.insert("\xc3\xa9") == 2);
  for (int i = 0; i < 5000; ++i) CHECK(ids.insert("id " + std::to_string(i)) == i + 3);
  const lae::IdIndex moved = std::move(ids);
  CHECK(moved.size() == 5003);
  CHECK(moved.find("id 4999") == 5002);
  CHECK(moved.find("id 5000") == -1);
  CHECK(moved[1] == "a b");
}

TEST_CASE("Many ids at once get the numbers that they would get in turn") {
  lae::Random random(10);
  lae::IdIndex one_by_one;
  lae::IdIndex at_once;
  for (const int count : {0, 1, 5, 300, 20000, 3}) {
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) {
      ids.push_back(std::string(static_cast<std::size_t>(random.below(30)), 'x') +
                    std::to_string(random.below(3000)));
    }
    std::vector<std::int32_t> expected;
    for (const std::string& id : ids) expected.push_back(one_by_one.insert(id));
    std::vector<std::int32_t> numbers = {7};
    at_once.insert({ids.begin(), ids.end()}, numbers);
    CHECK(numbers == expected);
  }
  CHECK(at_once.size() == one_by_one.size());
  CHECK(at_once.size() > 15000);
}

TEST_CASE("A log numbers its lines in their order, however many") {
  constexpr int batch = lae::InteractionLog::batch;
  for (const int count : {0, 1, batch, 2 * batch + 7}) {
    lae::Catalog catalog;
    lae::InteractionLog log(catalog);
    for (int i = 0; i < count; ++i) {
      // The strings are gone when the next line comes.
      const std::string user = "u" + std::to_string(i % 999);
      const std::string item = "i" + std::to_string(i % 1234);
      log.add({user, item, static_cast<float>(i % 5), i});
    }
    const Interactions interactions = log.take();
    REQUIRE(interactions.size() == static_cast<std::size_t>(count));
    bool all_right = true;
    for (int i = 0; i < count; ++i) {
      const Interaction& found = interactions[static_cast<std::size_t>(i)];
      all_right = all_right && fields(found) == fields({i % 999, i % 1234, float(i % 5), i});
    }
    CHECK(all_right);
    CHECK(catalog.users.size() == std::min(count, 999));
    CHECK(catalog.items.size() == std::min(count, 1234));
    CHECK(log.take().empty());
  }
}

TEST_CASE("Only ratings above the threshold stay") {
  Interactions log = {{0, 0, 3, 1}, {0, 1, 3.5F, 1}, {0, 2, 4, 1}, {0, 3, 0, 1}};
  lae::keep_ratings_above(log, 3);
  CHECK(pairs(log) == std::set<Pair>{{0, 1}, {0, 2}});
}

TEST_CASE("One interaction of each user and item stays, the latest") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Interactions log = random_log(seed, 6, 7, 150);
    std::map<Pair, Interaction> latest;
    for (const Interaction& i : log) {
      const auto [entry, is_new] = latest.insert({{i.user, i.item}, i});
      if (!is_new && i.timestamp >= entry->second.timestamp) entry->second = i;
    }
    Interactions expected;
    for (const auto& [pair, interaction] : latest) expected.push_back(interaction);
    Interactions kept = log;
    lae::keep_latest_of_each_pair(kept);
    CHECK(same(kept, expected));
    CHECK(kept.size() < log.size());
  }
}

TEST_CASE("The earliest of each pair; of several at once, the first in the log") {
  Interactions log;
  for (int round = 0; round < 3; ++round) {
    for (const Interaction& i : random_log(static_cast<std::uint64_t>(round), 12, 9, 150)) {
      log.push_back({i.user, i.item, static_cast<float>(log.size()), i.timestamp / 4});
    }
  }
  std::map<Pair, Interaction> earliest;
  for (const Interaction& i : log) {
    const auto [entry, is_new] = earliest.insert({{i.user, i.item}, i});
    if (!is_new && i.timestamp < entry->second.timestamp) entry->second = i;
  }
  Interactions expected;
  for (const auto& [pair, interaction] : earliest) expected.push_back(interaction);
  Interactions kept = log;
  lae::keep_earliest_of_each_pair(kept);
  CHECK(same(kept, expected));
  Interactions latest = log;
  lae::keep_latest_of_each_pair(latest);
  CHECK(!same(latest, expected));
}

TEST_CASE("k-core equals the naive one") {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    for (const int k : {1, 2, 4, 6, 12}) {
      CAPTURE(seed, k);
      Interactions log = random_log(seed, 60, 40, 500);
      lae::keep_latest_of_each_pair(log);
      const std::set<Pair> expected = naive_k_core(pairs(log), k);
      lae::keep_k_core(log, catalog_of(60, 40), k);
      CHECK(pairs(log) == expected);
      CHECK(log.size() == expected.size());
      const bool is_empty = expected.empty();
      CHECK(is_empty == (k == 12));
    }
  }
}

TEST_CASE("k-core goes on as long as it takes") {
  // A chain: each round takes one link off its end.
  Interactions log;
  for (int i = 0; i < 20; ++i) {
    log.push_back({i, i, 5, 0});
    log.push_back({i, i + 1, 5, 0});
  }
  CHECK(lae::keep_k_core(log, catalog_of(20, 21), 2) > 5);
  CHECK(log.empty());
}

TEST_CASE("Numbers anew, without ids that no log holds") {
  const lae::Catalog catalog = catalog_of(5, 6);
  Interactions first = {{1, 4, 5, 0}, {3, 2, 5, 0}};
  Interactions second = {{3, 5, 5, 0}};
  const lae::Catalog kept = lae::renumber(catalog, {&first, &second});
  REQUIRE(kept.users.size() == 2);
  REQUIRE(kept.items.size() == 3);
  CHECK(kept.users[0] == "u1");
  CHECK(kept.users[1] == "u3");
  CHECK(kept.items[0] == "i2");
  CHECK(kept.items[2] == "i5");
  CHECK(pairs(first) == std::set<Pair>{{0, 1}, {1, 0}});
  CHECK(pairs(second) == std::set<Pair>{{1, 2}});
}

TEST_CASE("Pairs of an earlier log are taken away") {
  Interactions log = random_log(5, 10, 10, 60);
  Interactions earlier = random_log(6, 10, 10, 60);
  lae::keep_latest_of_each_pair(log);
  lae::keep_latest_of_each_pair(earlier);
  std::set<Pair> expected = pairs(log);
  for (const Pair& pair : pairs(earlier)) expected.erase(pair);
  const std::size_t before = log.size();
  const Index removed = lae::remove_pairs(log, earlier);
  CHECK(pairs(log) == expected);
  CHECK(removed == static_cast<Index>(before - expected.size()));
  CHECK(removed > 0);
}

TEST_CASE("The matrix of a log") {
  Interactions log = random_log(7, 12, 9, 50);
  lae::keep_latest_of_each_pair(log);
  lae::Matrix<double> expected = lae::Matrix<double>::Zero(13, 9);
  for (const Interaction& i : log) expected(i.user, i.item) = 1;
  lae::Random(8).shuffle(log);
  const lae::Csr<double> matrix = lae::interaction_matrix<double>(log, 13, 9);
  CHECK(lae::Matrix<double>(matrix) == expected);
  CHECK(lae::interaction_matrix<float>({}, 2, 3).nonZeros() == 0);
  CHECK_THROWS_WITH(lae::interaction_matrix<double>(log, 12, 3), ContainsSubstring("3 items"));
  log.push_back(log.front());
  CHECK_THROWS_WITH(lae::interaction_matrix<double>(log, 13, 9), ContainsSubstring("twice"));
}

TEST_CASE("Splits are disjoint, complete, of the right size, and the same for the same seed") {
  Interactions log = random_log(9, 50, 80, 1500);
  lae::keep_latest_of_each_pair(log);
  const auto check = [&](auto split_with) {
    const lae::Split split = split_with(std::uint64_t(3));
    std::set<Pair> all = pairs(split.train);
    for (const Interactions* part : {&split.valid, &split.test}) {
      for (const Pair& pair : pairs(*part)) CHECK(all.insert(pair).second);
    }
    CHECK(all == pairs(log));
    CHECK(split.train.size() + split.valid.size() + split.test.size() == log.size());
    const lae::Split again = split_with(std::uint64_t(3));
    CHECK(same(split.train, again.train));
    CHECK(same(split.valid, again.valid));
    CHECK(same(split.test, again.test));
    CHECK(pairs(split_with(std::uint64_t(4)).test) != pairs(split.test));
    return split;
  };
  SECTION("of all interactions") {
    const lae::Split split =
        check([&](std::uint64_t seed) { return lae::random_split(log, seed); });
    CHECK(split.train.size() == log.size() * 8 / 10);
    CHECK(split.train.size() + split.valid.size() == log.size() * 9 / 10);
  }
  SECTION("of each user") {
    const lae::Split split =
        check([&](std::uint64_t seed) { return lae::split_of_each_user(log, seed); });
    std::map<int, std::vector<double>> counts;
    const Interactions* parts[] = {&split.train, &split.valid, &split.test};
    for (std::size_t part = 0; part < 3; ++part) {
      for (const Interaction& i : *parts[part]) {
        counts.try_emplace(i.user, 3, 0.0).first->second[part] += 1;
      }
    }
    for (const auto& [user, count] : counts) {
      const double size = count[0] + count[1] + count[2];
      CHECK(count[0] >= 1);
      CHECK(std::abs(count[0] - 0.8 * size) <= 1);
      CHECK(std::abs(count[1] - 0.1 * size) <= 1);
      CHECK(std::abs(count[2] - 0.1 * size) <= 1);
    }
  }
  SECTION("with other shares") {
    const lae::Split split = check([&](std::uint64_t seed) {
      return lae::random_split(log, seed, {1, 1, 2});
    });
    CHECK(split.train.size() == log.size() / 4);
  }
}

TEST_CASE("The last ones are left out") {
  Interactions log = random_log(11, 40, 30, 260);
  lae::keep_latest_of_each_pair(log);
  for (Interaction& i : log) i.timestamp /= 100;  // so that many are of the same time
  lae::Random(12).shuffle(log);
  // Straight from the definition: by time, and by place in the log where that is the same.
  std::map<int, std::vector<std::pair<std::int64_t, std::size_t>>> histories;
  for (std::size_t i = 0; i < log.size(); ++i) {
    histories[log[i].user].emplace_back(log[i].timestamp, i);
  }
  std::set<Pair> train;
  std::set<Pair> valid;
  std::set<Pair> test;
  for (auto& [user, history] : histories) {
    std::sort(history.begin(), history.end());
    for (std::size_t i = 0; i < history.size(); ++i) {
      const Interaction& of = log[history[i].second];
      (i + 1 == history.size()   ? test
       : i + 2 == history.size() ? valid
                                 : train)
          .insert({of.user, of.item});
    }
  }
  const lae::Split split = lae::split_last_out(log);
  CHECK(pairs(split.train) == train);
  CHECK(pairs(split.valid) == valid);
  CHECK(pairs(split.test) == test);
  CHECK(test.size() == histories.size());
  CHECK(lae::split_last_out({{3, 1, 5, 0}}).test.size() == 1);
  CHECK(lae::split_last_out({}).test.empty());
}

TEST_CASE("A split by time") {
  const lae::TimeBorders official;
  Interactions log = {{0, 0, 5, official.valid - 1},
                      {0, 1, 5, official.valid},
                      {1, 0, 5, official.test - 1},
                      {1, 1, 5, official.test},
                      {2, 0, 5, -5}};
  const lae::Split split = lae::split_by_time(log);
  CHECK(pairs(split.train) == std::set<Pair>{{0, 0}, {2, 0}});
  CHECK(pairs(split.valid) == std::set<Pair>{{0, 1}, {1, 0}});
  CHECK(pairs(split.test) == std::set<Pair>{{1, 1}});
  CHECK(lae::split_by_time(log, {-5, -5}).test.size() == 5);
  CHECK_THROWS_AS(lae::split_by_time(log, {2, 1}), std::invalid_argument);
}

TEST_CASE("A split of each user keeps the shares of the whole even for short histories") {
  Interactions log;
  for (int user = 0; user < 20000; ++user) {
    for (int item = 0; item < 3; ++item) log.push_back({user, item, 5, 0});
  }
  const lae::Split split = lae::split_of_each_user(log, 1);
  const double size = static_cast<double>(log.size());
  CHECK(std::abs(static_cast<double>(split.train.size()) / size - 0.8) < 0.01);
  CHECK(std::abs(static_cast<double>(split.valid.size()) / size - 0.1) < 0.01);
}

TEST_CASE("Splits that cannot be") {
  CHECK_THROWS_AS(lae::random_split({}, 1, {0, 1, 1}), std::invalid_argument);
  CHECK_THROWS_AS(lae::random_split({}, 1, {1, -1, 1}), std::invalid_argument);
  CHECK_THROWS_AS(lae::split_of_each_user({{1, 0, 5, 0}, {0, 0, 5, 0}}, 1), std::invalid_argument);
  CHECK(lae::random_split({}, 1).train.empty());
  const Interactions single = {{0, 0, 5, 0}};
  CHECK(lae::split_of_each_user(single, 1).train.size() == 1);
}

TEST_CASE("A split is these very interactions, on every platform") {
  Interactions log;
  for (int item = 0; item < 20; ++item) log.push_back({0, item, 5, 0});
  const auto items = [](const Interactions& part) {
    std::vector<int> all;
    for (const Interaction& i : part) all.push_back(i.item);
    return all;
  };
  const lae::Split split = lae::random_split(log, 1);
  CHECK(items(split.valid) == std::vector<int>{0, 8});
  CHECK(items(split.test) == std::vector<int>{2, 19});
}
