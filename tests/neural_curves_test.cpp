// The neural models on real data, beside the first epochs of the L3AE authors' own trainings.

#include <cstddef>
#include <fstream>
#include <lae/data/dataset.hpp>
#include <neural/model.hpp>
#include <neural/trainer.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "catch.hpp"
#include "test_data.hpp"
#include "threads.hpp"

using neural::Kind;

TEST_CASE("training on real data goes as the authors' does") {
  const auto folder = test_data("games-10core");
  const auto path = test_reference("neural-curves.json");
  if (!folder || !path) return;
  std::ifstream file(*path);
  const nlohmann::json curves = nlohmann::json::parse(file)["curves"];
  const auto data = lae::load_dataset<float>(*folder, {true, false, {}});
  constexpr Kind kinds[] = {Kind::light_gcn, Kind::sim_gcl, Kind::rlmrec_con, Kind::rlmrec_gen,
                            Kind::alpha_rec};
  for (std::size_t kind = 0; kind < 5; ++kind) {
    INFO(neural::title_of(kinds[kind]));
    const neural::Options options = neural::Options::of(kinds[kind]);
    const auto model = neural::make_model<float>(options, data.train, &*data.embeddings, 2023);
    neural::TrainOptions training;
    training.longest = kind == 0 ? 10 : 1;
    neural::Trainer<float> trainer(*model, data.train, data.valid, training);
    std::vector<neural::EpochReport> reports;
    with_threads(1, [&] {
      return trainer.run([&](const neural::EpochReport& report) {
        reports.push_back(report);
        return true;
      });
    });
    for (const auto& row : curves[kind]["rows"]) {
      const auto epoch = row["epoch"].get<std::size_t>();
      if (epoch > reports.size()) break;
      INFO("epoch " << epoch);
      const neural::EpochReport& report = reports[epoch - 1];
      if (row["train_loss"].is_number()) {
        // Of the first epoch, over which seeds differ little; AlphaRec's falls most.
        CHECK(neural::total(report.losses) ==
              Approx(row["train_loss"].get<double>()).epsilon(0.01));
      }
      // Over three seeds, validation recall differs by up to 0.01 in the first ten epochs.
      CHECK(report.valid_recall == Approx(row["valid_recall20"].get<double>()).margin(0.02));
      CHECK(report.valid_ndcg == Approx(row["valid_ndcg20"].get<double>()).margin(0.01));
    }
  }
}
