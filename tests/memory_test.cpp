#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <peak_memory.hpp>
#include <string>

#include "catch.hpp"
#include "random_data.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LAE_TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LAE_TEST_SANITIZED
#endif
#endif

namespace {

/// The peak of what fit() adds to the process is what estimate said, but for this share of it.
template <class Fit>
void check_estimate(const std::string& name, const lae::FitCost& cost, Fit fit,
                    double share = 0.05) {
  INFO(name);
  const yardstick::PeakMemory memory;
  const auto model = fit();
  const auto peak = static_cast<double>(memory.added());
  CHECK(model.items() > 0);
  CHECK(static_cast<double>(cost.bytes) == Approx(peak).epsilon(share));
}

/// Whether memory can be measured here; if not, a warning: the test is to be left then.
bool memory_is_known() {
#ifdef LAE_TEST_SANITIZED
  WARN("skipped: no memory figures under a sanitizer");
  return false;
#else
  if (yardstick::PeakMemory::is_known()) return true;
  WARN("skipped: no /proc/self/status to measure memory with");
  return false;
#endif
}

}  // namespace

TEST_CASE("Fits take the memory that they estimate", "[models][memory]") {
  if (!memory_is_known()) return;
  RandomData random(80);
  const lae::Index items = 3600;
  const lae::Csr<double> few_users = random.interactions(600, items, 0.005);
  const lae::Csr<double> x = random.interactions(4000, items, 0.005);
  const lae::Csr<double> tags = random.interactions(items, 3000, 0.002);
  const lae::Matrix<float> f = random.dense(items, 500).cast<float>();
  const lae::Matrix<float> wide = random.dense(items, 4000).cast<float>();
  using namespace lae;
  const auto warm = L3ae<double>().fit(x, f);  // threads and their stacks
  CHECK(warm.items() == items);

  Sources<double> both;
  both.add(f).add(tags, 0.5);
  Sources<double> in_both_places;
  in_both_places.add(f).add(tags, 1, SourceRole::gram);
  const Ease<double> ease;
  const Ease<double> dual({100, {}, FitForm::dual});
  const FeatureEase<double> feature_ease;
  const Cease<double> cease;
  const AddEase<double> add_ease;
  const L3ae<double> l3ae;
  const Cosine<double> cosine;
  check_estimate("EASE", ease.estimate(problem_size(x)), [&] { return ease.fit(x); });
  check_estimate("EASE, dual", dual.estimate(problem_size(few_users)),
                 [&] { return dual.fit(few_users); });
  check_estimate("semantic EASE", feature_ease.estimate(feature_size(f)),
                 [&] { return feature_ease.fit(f); });
  check_estimate("CEASE", cease.estimate(problem_size(x, tags)),
                 [&] { return cease.fit(x, tags); });
  check_estimate("LLM-CEASE", cease.estimate(problem_size(x, f)), [&] { return cease.fit(x, f); });
  check_estimate("Add-EASE", add_ease.estimate(problem_size(x, tags)),
                 [&] { return add_ease.fit(x, tags); });
  check_estimate("LLM-Add-EASE", add_ease.estimate(problem_size(x, f)),
                 [&] { return add_ease.fit(x, f); });
  check_estimate("L3AE", l3ae.estimate(problem_size(x, f)), [&] { return l3ae.fit(x, f); });
  check_estimate("L3AE, more dimensions than items", l3ae.estimate(problem_size(x, wide)),
                 [&] { return l3ae.fit(x, wide); });
  check_estimate("L3AE on two sources", l3ae.estimate(problem_size(x, both)),
                 [&] { return l3ae.fit(x, both); });
  check_estimate("L3AE with tags in the Gram matrix",
                 l3ae.estimate(problem_size(x, in_both_places)),
                 [&] { return l3ae.fit(x, in_both_places); });
  check_estimate("cosine", cosine.estimate(feature_size(f)), [&] { return cosine.fit(f); });
}

TEST_CASE("Spectral fits take the memory that they estimate", "[models][spectral][memory]") {
  if (!memory_is_known()) return;
  RandomData random(83);
  using namespace lae;
  const Csr<double> tall = random.interactions(12000, 7000, 0.001);
  const auto warm = Sgfcf<double>({200}).fit(tall);
  CHECK(warm.items() == 7000);
  const GfCf<double> gf_cf;
  const Bspm<double> bspm;
  const Sgfcf<double> sgfcf({300});
  // Panels of some MB are freed before the vectors come, which malloc may put in their place.
  const double share = 0.1;
  const ProblemSize size = problem_size(tall);
  check_estimate(
      "GF-CF", gf_cf.estimate(size), [&] { return gf_cf.fit(tall); }, share);
  check_estimate(
      "BSPM", bspm.estimate(size), [&] { return bspm.fit(tall); }, share);
  check_estimate(
      "SGFCF", sgfcf.estimate(size), [&] { return sgfcf.fit(tall); }, share);
}

TEST_CASE("Searches keep to their memory budget", "[tuning][memory]") {
  if (!memory_is_known()) return;
  RandomData random(82);
  const lae::Index users = 60000;
  const lae::Csr<double> train = random.interactions(users, 60, 0.05);
  const lae::Csr<double> valid = random.interactions(users, 60, 0.03);
  const auto points =
      lae::vary(std::vector<lae::EaseOptions>(1), "lambda",
                {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20});
  // Less than two metrics of 20 points at 2 cutoffs for every user would take, 38 MB.
  const auto search = [&](std::uint64_t budget) {
    lae::FitControl control;
    control.memory_budget = budget;
    const yardstick::PeakMemory memory;
    const auto found = lae::grid_search<lae::Ease<float>>(points, train, valid, {}, control);
    CHECK(found.trials.size() == 20);
    CHECK(memory.added() <= budget);
  };
  search(30000000);

  // Both searches of the protocol fit where two square matrices would not.
  const lae::Index items = 3000;
  const lae::Csr<double> x = random.interactions(4000, items, 0.004);
  const lae::Csr<double> held_out = random.interactions(4000, items, 0.0005);
  const lae::Matrix<double> f = random.dense(items, 40);
  lae::L3aeProtocol protocol;
  protocol.lambda = {50, 100};
  protocol.lambda_f = {10, 20};
  protocol.lambda_kd = {50, 100};
  lae::FitControl control;
  control.memory_budget = items * items * sizeof(double) * 5 / 4;
  const yardstick::PeakMemory memory;
  const auto tuned = lae::tune_l3ae<double>(x, f, held_out, protocol, {}, control);
  CHECK(tuned.l3ae.trials.size() == 4);
  CHECK(memory.added() <= control.memory_budget);
}

TEST_CASE("Ranking never holds the scores of users x items", "[recommend][evaluate][memory]") {
  if (!memory_is_known()) return;
  RandomData random(81);
  const lae::Index users = 20000;
  const lae::Index items = 1000;
  lae::Csr<double> train(users, items);
  lae::Csr<double> test(users, items);
  train.reserve(users);
  test.reserve(users);
  for (lae::Index user = 0; user < users; ++user) {
    train.startVec(user);
    train.insertBack(user, random.below(items / 2)) = 1;
    test.startVec(user);
    test.insertBack(user, items / 2 + random.below(items / 2)) = 1;
  }
  train.finalize();
  test.finalize();
  const lae::ItemModel<double> model(random.dense(items, items));
  const double scores = static_cast<double>(users) * items * sizeof(double);  // 160 MB
  {
    const yardstick::PeakMemory memory;
    CHECK(lae::recommend(model, train, {10}).items.rows() == users);
    CHECK(static_cast<double>(memory.added()) < scores / 10);
  }
  const yardstick::PeakMemory memory;
  CHECK(lae::evaluate(model, train, test).all.users.size() == static_cast<std::size_t>(users));
  CHECK(static_cast<double>(memory.added()) < scores / 5);
}
