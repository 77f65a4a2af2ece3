#pragma once

/// \file
/// The neural models of the paper on one data set, each trained several times with other seeds. A
/// training is kept on disk and goes on where it was.

#include <cstdint>
#include <filesystem>
#include <lae/core/types.hpp>
#include <neural/model.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "terminal.hpp"

namespace example {

/// What neural models are trained and measured on, in float whatever the other models take.
struct NeuralData {
  lae::Csr<float> train;
  lae::Csr<float> valid;
  lae::Csr<float> test;
  std::optional<lae::Matrix<float>> embeddings{};
};

struct NeuralSettings {
  lae::Index runs = 0;  ///< with seeds 2023, 2024, ... (the authors' scripts take 2023); 0: none
  lae::Index longest = 3000;  ///< epochs of a run that does not end earlier
  neural::Setting setting = neural::Setting::games;
};

/// All of them, in the order of the paper.
inline constexpr neural::Kind neural_kinds[] = {neural::Kind::light_gcn, neural::Kind::sim_gcl,
                                                neural::Kind::rlmrec_con, neural::Kind::rlmrec_gen,
                                                neural::Kind::alpha_rec};

/// The name of a model's step.
inline std::string neural_step(neural::Kind kind) {
  return std::string("neural-") + neural::name_of(kind);
}

/// What a model's results depend on besides the data: its options and those of its training.
nlohmann::ordered_json neural_inputs(neural::Kind kind, const NeuralSettings& settings);

/// The trainings of one model.
class NeuralStudy {
 public:
  /// \param data outlives the study
  /// \param states folder of the files that unfinished trainings are kept in
  NeuralStudy(neural::Kind kind, const NeuralSettings& settings, const NeuralData& data,
              std::filesystem::path states)
      : kind_(kind), settings_(settings), data_(data), states_(std::move(states)) {}

  /// Trains and measures. "test" and "valid" are means over the runs, in the form of other models,
  /// "deviation" has the standard deviations of "test" (none of a single run), and "runs" tells of
  /// each run.
  /// \throws lae::Cancelled after Ctrl-C; started again, all goes on where it was.
  nlohmann::ordered_json run(StatusLine& status, const std::string& task);

  /// NDCG@20 of each user with held-out items of the test set, the mean over the runs.
  [[nodiscard]] const lae::Matrix<double>& user_ndcg() const { return user_ndcg_; }

  /// Removes the trainings, once the result is kept elsewhere.
  void forget() const;

 private:
  [[nodiscard]] std::uint64_t seed(lae::Index run) const;
  [[nodiscard]] std::filesystem::path state(lae::Index run) const;

  neural::Kind kind_;
  NeuralSettings settings_;
  const NeuralData& data_;
  std::filesystem::path states_;
  lae::Matrix<double> user_ndcg_;
};

}  // namespace example
