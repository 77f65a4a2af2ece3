#pragma once

/// \file
/// Trains a neural model until it no longer gets better on a validation set, and can stop after any
/// epoch and go on in another process.
///
///     auto model = neural::make_model<float>(neural::Options::of(kind), train, &features, seed);
///     neural::Trainer<float> trainer(*model, train, valid, {});
///     trainer.resume("training.state");             // if there is one
///     trainer.run([&](const neural::EpochReport&) {
///       trainer.save("training.state");
///       return !stop_was_pressed;
///     });
///     trainer.take_best();                          // the model is the best that was seen

#include <cstdint>
#include <filesystem>
#include <functional>
#include <lae/core/types.hpp>
#include <string>
#include <vector>

#include "model.hpp"
#include "parameter.hpp"

namespace neural {

struct TrainOptions {
  Index batch_size = 4096;      ///< > 0
  double learning_rate = 1e-3;  ///< > 0
  /// Epochs without a better validation Recall@20 after which training ends, > 0. The paper says
  /// 50; the files that its scripts run with say 20, with which LightGCN may end far from its best.
  Index patience = 50;
  Index longest = 3000;       ///< epochs, > 0
  std::uint64_t seed = 2023;  ///< of the order, the negatives, noise and masks

  /// \throws std::invalid_argument that names an option out of its range.
  void check() const;
};

/// What an epoch did.
struct EpochReport {
  Index epoch = 0;          ///< how many have been done, from 1
  Losses losses{};          ///< means over its batches, each at the parameters before its step
  double valid_recall = 0;  ///< at 20, on the validation set
  double valid_ndcg = 0;    ///< at 20
  Index best_epoch = 0;     ///< that of the best validation recall, this one or earlier
};

/// Called after each epoch; false ends the run there, to be gone on with.
using EpochCallback = std::function<bool(const EpochReport&)>;

/// All that is random depends on the seed and on the epoch alone, and all sums have a fixed order:
/// a training gives the same bits for any number of threads, and if it is interrupted and resumed.
template <class Scalar>
class Trainer {
 public:
  /// \param model outlives the trainer, which trains it in place
  /// \param train that of the model \param valid users x items, the same users and items
  /// \throws std::invalid_argument for options out of range, other sizes, or no validation item.
  Trainer(Model<Scalar>& model, const lae::Csr<Scalar>& train, lae::Csr<Scalar> valid,
          const TrainOptions& options);

  [[nodiscard]] Index epoch() const { return epoch_; }            ///< how many have been done
  [[nodiscard]] Index best_epoch() const { return best_epoch_; }  ///< 0: none yet
  [[nodiscard]] double best_recall() const { return best_recall_; }
  [[nodiscard]] bool is_done() const {
    return epoch_ >= options_.longest || epoch_ - best_epoch_ >= options_.patience;
  }

  /// Trains one epoch and measures it; a best one, by strictly higher validation Recall@20, is
  /// remembered.
  EpochReport run_epoch();

  /// Trains until it is done or the callback returns false.
  /// \return whether it is done
  bool run(const EpochCallback& callback = nullptr);

  /// Makes the model what it was after the best epoch (or leaves it, before the first). Going on
  /// with the training from there would not be the same training.
  void take_best();

  /// Writes all that a training needs to go on: parameters, the optimiser's moments, the best
  /// parameters and where it stands. The file is replaced as a whole or left as it was.
  /// \throws lae::FileError
  void save(const std::filesystem::path& path) const;

  /// Goes on where `save` was called, with the same bits as if nothing had happened.
  /// \return false if there is no such file
  /// \throws lae::FileError if it is damaged, or that of another training: of another model, scalar,
  /// data, options or seed (patience and the longest training may be others).
  bool resume(const std::filesystem::path& path);

 private:
  /// What a state file must agree with.
  [[nodiscard]] std::string identity() const;
  /// Everything that is saved of a trainer, in order: visit(pointer, bytes).
  template <class Self, class Visit>
  static void visit_state(Self& self, Visit&& visit);

  Model<Scalar>& model_;
  lae::Csr<Scalar> histories_;
  lae::Csr<Scalar> valid_;
  TrainOptions options_;
  Adam<Scalar> adam_;
  std::vector<Matrix<Scalar>> best_;
  std::int64_t epoch_ = 0;
  std::int64_t best_epoch_ = 0;
  double best_recall_ = -1;
};

}  // namespace neural
