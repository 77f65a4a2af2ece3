// paper_tables as a process: what it reports, that it goes on where it was, and its spectra.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <lae/data/prepare_features.hpp>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <nlohmann/json.hpp>
#include <regex>
#include <spectrum.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "naive.hpp"
#include "process.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::Matrix;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// A folder with a data set, where items of a topic have users and embeddings in common.
class Study {
 public:
  static constexpr Index users = 120;
  static constexpr Index items = 40;

  explicit Study(bool with_side_information = true) {
    fs::create_directory(data());
    RandomData random(400);
    Csr<double> parts[3];
    for (Csr<double>& part : parts) part.resize(users, items);
    Matrix<float> embeddings = random.dense(items, 6).cast<float>();
    Csr<double> tags(items, 5);
    for (Index item = 0; item < items; ++item) {
      embeddings(item, item % 4) += 2;
      tags.insert(item, item % 5) = 1;
      for (Index user = 0; user < users; ++user) {
        const bool is_taste = item % 4 == user % 4;
        if (random.uniform() > (is_taste ? 0.5 : 0.05)) continue;
        const double part = random.uniform();
        parts[part < 0.7 ? 0 : part < 0.85 ? 1 : 2].insert(user, item) = 1;
      }
    }
    const char* names[] = {"train.npz", "valid.npz", "test.npz"};
    for (int i = 0; i < 3; ++i) lae::save_npz(data() / names[i], parts[i]);
    train = parts[0];
    test = parts[2];
    if (!with_side_information) return;
    lae::save_npy(data() / "embeddings.npy", embeddings);
    lae::save_npz(data() / "tags.npz", tags);
    const Matrix<float> other = random.dense(items, 3).cast<float>();
    lae::save_npy(data() / "embeddings-other.npy", other);
  }

  fs::path data() const { return folder_ / "shop"; }
  fs::path output() const { return folder_ / "out"; }

  Process::Words command(const Process::Words& more = {}) const {
    Process::Words words = {LAE_PAPER_TABLES, "--data", data(), "--output", output()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  std::string report() const { return read_bytes(output() / "report.md"); }

  json steps() const {
    return json::parse(read_bytes(output() / "report.json")).at("shop").at("steps");
  }

  Csr<double> train;
  Csr<double> test;

 private:
  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("paper_tables reports all models, and figures of what it measured") {
  const Study study;
  const Ending ending = run(study.command());
  CHECK(ending.err.empty());
  REQUIRE(ending.code == 0);
  CHECK_THAT(ending.out, ContainsSubstring("shop: L3AE, refined"));
  const std::string report = study.report();
  for (const char* text : {"## shop",
                           "120 users",
                           "| *interactions alone* |",
                           "| cosine |",
                           "| semantic EASE |",
                           "EASE",
                           "CEASE",
                           "Add-EASE",
                           "L3AE, refined",
                           "GF-CF",
                           "BSPM",
                           "SGFCF",
                           "LLM-CEASE",
                           "LLM-Add-EASE",
                           "L3AE, embeddings shuffled and EASE",
                           "95 % interval",
                           "Figure 1",
                           "Figure 2",
                           "Figure 3",
                           "Figure 4",
                           "Time and memory",
                           "Figure 5",
                           "embeddings-other",
                           "tags, latent semantic analysis"}) {
    INFO(text);
    CHECK_THAT(report, ContainsSubstring(text));
  }
  const json steps = study.steps();
  for (const char* step :
       {"ease", "cosine", "semantic-ease", "cease", "add-ease", "llm-cease", "llm-add-ease", "l3ae",
        "l3ae-refined", "l3ae-shuffled", "gfcf", "bspm", "sgfcf"}) {
    INFO(step);
    CHECK(steps.at(step).at("test").at("ndcg@20").get<double>() > 0);
    const json& cost = steps.at(step).at("cost");
    CHECK(cost.at("fit_seconds").get<double>() > 0);
    CHECK(cost.at("evaluate_seconds").get<double>() > 0);
    CHECK(cost.at("tuning_seconds").get<double>() > 0);
    CHECK(cost.at("fit_seconds").get<double>() + cost.at("tuning_seconds").get<double>() <
          steps.at(step).at("seconds").get<double>());
  }

  // The test metrics are those of the chosen hyper-parameters.
  const json& ease = steps.at("ease");
  const double lambda = ease.at("hyper_parameters").at("lambda");
  const auto model = lae::Ease<double>({lambda}).fit(study.train);
  const auto expected = lae::evaluate(model, study.train, study.test).all;
  CHECK(ease.at("test").at("ndcg@20").get<double>() == Approx(expected.ndcg[1]));
  CHECK(ease.at("test").at("recall@10").get<double>() == Approx(expected.recall[0]));
  // λ* is kept by the protocol.
  for (const json& trial : steps.at("l3ae").at("trials")) {
    CHECK(trial.at("lambda_x").get<double>() + trial.at("lambda_kd").get<double>() ==
          Approx(lambda));
  }
  // The refined model was chosen by the validation set, from the plain one on.
  CHECK(steps.at("l3ae-refined").at("valid").at("ndcg@20").get<double>() >=
        steps.at("l3ae").at("valid").at("ndcg@20").get<double>());

  // One page with everything inside: it asks for nothing else.
  const std::string page = read_bytes(study.output() / "report.html");
  CHECK_THAT(page, ContainsSubstring("<title>Closed-form recommenders compared</title>") &&
                       ContainsSubstring("<table>") && ContainsSubstring("LLM-CEASE") &&
                       !ContainsSubstring("http") && !ContainsSubstring("src=\"plots"));
  const auto headings = [](const std::string& text, const char* heading) {
    const std::regex regex(heading);
    return std::distance(std::sregex_iterator(text.begin(), text.end(), regex), {});
  };
  CHECK(headings(page, "<h3") == headings(report, "\n### "));
  CHECK(headings(page, "<li><a href=\"#part-") == headings(report, "\n### "));
  if (std::system("command -v gnuplot > /dev/null") == 0) {
    CHECK(headings(page, "<img alt=\"[^\"]+\" src=\"data:image/png;base64,iVBORw0KGgo") == 5);
    for (const char* figure : {"1-head-and-tail", "2-singular-values", "3-sensitivity",
                               "4-embeddings", "5-accuracy-and-time"}) {
      const fs::path picture =
          study.output() / "plots" / (std::string("shop-figure-") + figure + ".png");
      INFO(picture);
      CHECK(read_bytes(picture).substr(1, 3) == "PNG");
      CHECK_THAT(report, ContainsSubstring("plots/" + picture.filename().string()));
    }
  } else {
    WARN("skipped: no gnuplot");
  }
}

TEST_CASE("paper_tables does without embeddings, tags and gnuplot") {
  const Study study(false);
  const Ending ending =
      run(study.command({"--scalar", "float"}), [] { setenv("PATH", "/nonexistent", 1); });
  CHECK(ending.err.empty());
  REQUIRE(ending.code == 0);
  CHECK_THAT(ending.out, ContainsSubstring("there was no gnuplot"));
  CHECK_THAT(study.report(), ContainsSubstring("EASE") && ContainsSubstring("SGFCF") &&
                                 ContainsSubstring("shop-figure-2-singular-values.tsv") &&
                                 !ContainsSubstring("L3AE |"));
  CHECK_THAT(read_bytes(study.output() / "plots" / "shop-figure-2-singular-values.tsv"),
             ContainsSubstring("1\t1\t"));

  // One that is there, but does not draw, is not said to be missing; nor is half a picture kept.
  TemporaryFolder programs;
  std::ofstream(programs / "gnuplot") << "#!/bin/sh\nprintf PNG > \"$(printf %s \"$2\" | cut "
                                         "-d \"'\" -f 2)\"\n";
  fs::permissions(programs / "gnuplot", fs::perms::owner_all);
  const Ending failed = run(study.command({"--scalar", "float"}), [&] {
    setenv("PATH", ((programs / "").string() + ":/usr/bin:/bin").c_str(), 1);
  });
  REQUIRE(failed.code == 0);
  CHECK_THAT(failed.out, ContainsSubstring("plots were not drawn: gnuplot failed"));
  CHECK_THAT(study.report(),
             ContainsSubstring("shop-figure-2-singular-values.tsv) (not drawn: gnuplot failed)"));
  CHECK_FALSE(fs::exists(study.output() / "plots" / "shop-figure-2-singular-values.png"));
}

TEST_CASE("paper_tables goes on where it was interrupted, and does again what has changed") {
  const Study study;
  Process process(study.command());
  const fs::path first = study.output() / "steps" / "shop" / "ease.json";
  while (!fs::exists(first) && !process.has_ended()) continue;
  process.send(SIGINT);
  const Ending interrupted = process.wait();
  CHECK(interrupted.code == 130);
  CHECK_THAT(interrupted.err, ContainsSubstring("interrupted"));
  CHECK_FALSE(fs::exists(study.output() / "report.md"));
  const std::string kept = read_bytes(first);

  const Ending finished = run(study.command());
  REQUIRE(finished.code == 0);
  CHECK_THAT(finished.out, !ContainsSubstring("shop: EASE  "));
  CHECK_THAT(finished.out, ContainsSubstring("shop: singular values"));
  CHECK(read_bytes(first) == kept);

  const std::string report = study.report();
  const Ending again = run(study.command());
  REQUIRE(again.code == 0);
  CHECK_THAT(again.out, !ContainsSubstring(" s\n"));  // no step took any
  CHECK(study.report() == report);

  // Other tags: what was computed with them, and that alone, is computed again.
  RandomData random(401);
  lae::save_npz(study.data() / "tags.npz", random.interactions(Study::items, 6, 0.3));
  const Ending changed = run(study.command());
  REQUIRE(changed.code == 0);
  CHECK_THAT(changed.out, ContainsSubstring("shop: CEASE  "));
  CHECK_THAT(changed.out, !ContainsSubstring("shop: EASE  ") && !ContainsSubstring("shop: L3AE  "));
}

TEST_CASE("paper_tables tunes L3AE on the sources that are chosen, too") {
  const Study study;
  RandomData random(402);
  const Matrix<double> extra = random.dense(Study::items, 3);
  fs::create_directory(study.data() / "features");
  lae::save_npy(study.data() / "features/extra.npy", extra);
  const Ending ending = run(study.command(
      {"--source", "embeddings:unit", "--source", "extra:0.5:centered", "--source", "tags:gram"}));
  REQUIRE(ending.code == 0);
  const json steps = study.steps();
  const auto found = std::find_if(steps.begin(), steps.end(), [](const json& step) {
    return step.value("title", "") ==
           "L3AE on several sources: embeddings unit + 0.5 extra centered + tags in the Gram "
           "matrix";
  });
  REQUIRE(found != steps.end());
  const json& chosen = found->at("hyper_parameters");
  lae::Sources<double> sources;
  sources.add(lae::unit_length(lae::load_npy<double>(study.data() / "embeddings.npy")));
  sources.add(lae::centered(extra), 0.5);
  sources.add(lae::load_npz<double>(study.data() / "tags.npz"), 1, lae::SourceRole::gram);
  const lae::L3ae<double> solver({chosen.at("lambda_x").get<double>(),
                                  chosen.at("lambda_f").get<double>(),
                                  chosen.at("lambda_kd").get<double>()});
  const auto expected =
      lae::evaluate(solver.fit(study.train, sources), study.train, study.test).all;
  CHECK(found->at("test").at("ndcg@20").get<double>() == Approx(expected.ndcg[1]));
  CHECK(found->at("test").at("recall@10").get<double>() == Approx(expected.recall[0]));
}

TEST_CASE("paper_tables trains neural models if told to, and goes on within a training") {
  const auto on_one_thread = [] { setenv("OMP_NUM_THREADS", "1", 1); };
  const Study study;
  const Process::Words short_runs = {"--neural", "--neural-runs", "2", "--neural-epochs", "4"};
  REQUIRE(run(study.command(short_runs), on_one_thread).code == 0);
  const json steps = study.steps();
  const std::string report = study.report();
  for (const char* name : {"lightgcn", "simgcl", "rlmrec-con", "rlmrec-gen", "alpharec"}) {
    INFO(name);
    const json& step = steps.at(std::string("neural-") + name);
    const json& runs = step.at("runs");
    REQUIRE(runs.size() == 2);
    CHECK(runs[0].at("seed") == 2023);
    CHECK(runs[1].at("epochs") == 4);
    const double first = runs[0].at("test").at("ndcg@20");
    const double second = runs[1].at("test").at("ndcg@20");
    CHECK(step.at("test").at("ndcg@20").get<double>() == Approx((first + second) / 2));
    CHECK(step.at("deviation").at("ndcg@20").get<double>() ==
          Approx(std::abs(first - second) / std::sqrt(2)).margin(1e-12));
    // The significance is that of the same means.
    const auto values = lae::load_npy<double>(study.output() / "steps" / "shop" /
                                              ("neural-" + std::string(name) + ".npy"));
    CHECK(values.mean() == Approx((first + second) / 2));
    CHECK_THAT(report, ContainsSubstring("L3AE and " + step.at("title").get<std::string>()));
  }
  CHECK_THAT(report,
             ContainsSubstring("Trainings of the neural models") && ContainsSubstring(" ± "));
  const std::regex training(".*\\.training");
  const auto trainings = [&] {
    int count = 0;
    for (const auto& file : fs::directory_iterator(study.output() / "steps" / "shop")) {
      if (std::regex_match(file.path().filename().string(), training)) ++count;
    }
    return count;
  };
  CHECK(trainings() == 0);

  // Not again, and not without being told.
  CHECK_THAT(run(study.command(short_runs), on_one_thread).out, !ContainsSubstring(" s\n"));
  CHECK(run(study.command()).code == 0);
  CHECK_THAT(study.report(), !ContainsSubstring("neural models"));

  // Interrupted again and again, which leaves trainings that have begun, it ends as if it had not
  // been.
  const Process::Words long_runs = {"--neural", "--neural-runs", "1", "--neural-epochs", "30"};
  const Study same;
  REQUIRE(run(same.command(long_runs), on_one_thread).code == 0);
  int code = 130;
  bool was_within = false;
  for (int wait = 20; code == 130; wait += 20) {
    Process process(study.command(long_runs), on_one_thread);
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    process.send(SIGINT);
    code = process.wait().code;
    was_within = was_within || (code == 130 && trainings() > 0);
  }
  REQUIRE(code == 0);
  CHECK(was_within);
  CHECK(trainings() == 0);
  for (const auto& [name, step] : same.steps().items()) {
    INFO(name);
    if (step.contains("runs")) CHECK(study.steps().at(name).at("runs") == step.at("runs"));
  }

  CHECK(run(study.command({"--neural-runs", "2"})).code == 2);
}

TEST_CASE("paper_tables refuses what it cannot do") {
  const Study study;
  const auto refusal = [&](int code, const Process::Words& arguments) {
    const Ending ending = run(study.command(arguments));
    CHECK(ending.code == code);
    return ending.err;
  };
  CHECK_THAT(refusal(2, {"--data", study.data() / "missing"}), ContainsSubstring("missing"));
  CHECK_THAT(refusal(2, {"--data", study.data() / "."}), ContainsSubstring("same name"));
  RandomData random(402);
  const fs::path wrong = study.data() / "wrong.npy";
  lae::save_npy(wrong, random.dense(7, 2));
  CHECK_THAT(refusal(2, {"--embeddings", wrong}), ContainsSubstring("7 rows"));
  Ending ending = run({LAE_PAPER_TABLES, "--help"});
  CHECK(ending.code == 0);
  CHECK_THAT(ending.out, ContainsSubstring("--data") && ContainsSubstring("goes"));
}

TEST_CASE("Singular values equal those of a full decomposition") {
  RandomData random(404);
  for (const auto& [rows, columns] : {std::pair<Index, Index>{50, 20}, {20, 50}, {3, 1}}) {
    const Csr<double> x = random.interactions(rows, columns, 0.4);
    const Eigen::VectorXd expected = naive::singular_values(Eigen::MatrixXd(x));
    const auto values = example::largest_singular_values(x, 10);
    REQUIRE(!values.empty());
    for (std::size_t i = 0; i < values.size(); ++i) {
      CHECK(values[i] == Approx(expected[static_cast<Index>(i)]).margin(1e-6));
    }
  }
  const Matrix<double> f = random.dense(30, 6);
  const Eigen::VectorXd expected = naive::singular_values(f);
  const auto values = example::largest_singular_values(f, 4);
  REQUIRE(values.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(values[i] == Approx(expected[static_cast<Index>(i)]));
}

TEST_CASE("paper_tables tunes L3AE by blocks, beside dense models or without them") {
  const Study study;
  const Ending beside = run(study.command({"--neighbours", "100,3", "--tuning-users", "50"}));
  CHECK(beside.err.empty());
  REQUIRE(beside.code == 0);
  const json steps = study.steps();
  CHECK(steps.at("l3ae-blocks-3").at("hyper_parameters").at("neighbours") == 3);
  CHECK(steps.at("l3ae-blocks-3").at("trials").size() == steps.at("l3ae").at("trials").size());
  CHECK(steps.at("l3ae-blocks-3").at("inputs").at("tuning_users") == 50);
  // With all items as neighbours it is the same model.
  CHECK(steps.at("l3ae-blocks-100").at("test").at("ndcg@20").get<double>() ==
        Approx(steps.at("l3ae").at("test").at("ndcg@20").get<double>()).epsilon(0.03));
  CHECK_THAT(study.report(), ContainsSubstring("| L3AE, blocks k = 3 |") &&
                                 ContainsSubstring("L3AE, blocks k = 100 and L3AE"));

  const Study alone;
  const Ending ending = run(alone.command({"--form", "blocks"}));
  CHECK(ending.err.empty());
  REQUIRE(ending.code == 0);
  CHECK_THAT(ending.out, ContainsSubstring("only models by blocks and spectral ones"));
  const json all = alone.steps();
  CHECK(all.at("ease").at("title") == "EASE, blocks k = 200");
  CHECK(all.at("l3ae").at("title") == "L3AE, blocks k = 200");
  for (const char* dense : {"cease", "add-ease", "cosine", "l3ae-refined", "sensitivity"}) {
    CHECK(!all.contains(dense));
  }
}
