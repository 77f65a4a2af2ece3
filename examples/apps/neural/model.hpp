#pragma once

/// \file
/// The neural models that the L3AE paper compares with, as the L3AE authors' code trains them: the
/// losses and gradients of a batch, and the embeddings that score.
///
///     const auto options = neural::Options::of(neural::Kind::sim_gcl);
///     auto model = neural::make_model<float>(options, train, nullptr, /*seed=*/2023);
///     neural::Trainer<float> trainer(*model, train, valid, {});  // neural/trainer.hpp
///
/// Where the paper and that code differ, the code is followed, since the figures in the paper are
/// the code's; what differs says so below.

#include <cstdint>
#include <lae/core/types.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "batch.hpp"
#include "graph.hpp"
#include "parameter.hpp"

namespace neural {

enum class Kind {
  light_gcn,   ///< He et al., SIGIR 2020
  sim_gcl,     ///< Yu et al., SIGIR 2022, without its augmentation by a changed graph
  rlmrec_con,  ///< Ren et al., WWW 2024: SimGCL, and embeddings held close to those of texts
  rlmrec_gen,  ///< Ren et al., WWW 2024: SimGCL, and texts reconstructed from masked embeddings
  alpha_rec    ///< Sheng et al., ICLR 2025: embeddings are a perceptron's of those of texts
};

/// Whether a model needs features of the items.
[[nodiscard]] constexpr bool needs_features(Kind kind) {
  return kind == Kind::rlmrec_con || kind == Kind::rlmrec_gen || kind == Kind::alpha_rec;
}

/// A name for files: "lightgcn", "simgcl", "rlmrec-con", "rlmrec-gen", "alpharec".
[[nodiscard]] const char* name_of(Kind kind);
/// A name for people: "LightGCN".
[[nodiscard]] const char* title_of(Kind kind);

/// The data set whose scripts by the L3AE authors the options are taken from: those for embeddings
/// by NV-Embed-v2 (the paper's Table 2).
enum class Setting { games, toys, books };

/// The defaults are those for Games. All models have two layers: the files that say three are
/// overruled by a default of two.
struct Options {
  Kind kind = Kind::light_gcn;
  Index dimensions = 32;
  double regularizer = 1e-6;  ///< rho >= 0, of the sum of squares of all parameters

  double contrast_weight = 0.02;      ///< lambda_cl >= 0, of all but LightGCN and AlphaRec
  double contrast_temperature = 0.2;  ///< tau; of AlphaRec, too
  double noise = 0.1;                 ///< epsilon >= 0, the length of the noise of a view

  double distill_weight = 0.01;      ///< lambda_kd >= 0, of RLMRec-Con
  double distill_temperature = 0.2;  ///< tau_kd > 0

  double mask_share = 0.1;               ///< of the nodes, 0 ... 1, of RLMRec-Gen
  double reconstruct_weight = 0.1;       ///< lambda_rec >= 0
  double reconstruct_temperature = 0.1;  ///< tau_rec > 0
  /// RLMRec hides masked embeddings in all branches. The L3AE authors' code hides them in the two
  /// contrastive views only: ranking and, oddly, the reconstruction see them. False: as there.
  bool mask_all_branches = false;

  /// Of AlphaRec: items are normalised when they are ranked, as they are when it is trained. The
  /// scripts set it for Books only.
  bool cosine_scores = false;

  [[nodiscard]] static Options of(Kind kind, Setting setting = Setting::games);

  /// \throws std::invalid_argument that names an option out of its range.
  void check() const;
};

/// The random choices of one step.
template <class Scalar>
class Choices {
 public:
  virtual ~Choices() = default;
  /// Numbers uniform in [0, 1) for the noise of a node in layer 1 or 2 of view 1 or 2.
  virtual void noise(int view, int layer, Index node, Index dimensions, Scalar* row) const = 0;
  /// `count` of the nodes, each at most once.
  [[nodiscard]] virtual std::vector<Index> masked(Index nodes, Index count) const = 0;
};

/// Those of a step of a training.
template <class Scalar>
class SeededChoices : public Choices<Scalar> {
 public:
  SeededChoices(std::uint64_t seed, std::int64_t step) : seed_(seed), step_(step) {}
  void noise(int view, int layer, Index node, Index dimensions, Scalar* row) const override;
  [[nodiscard]] std::vector<Index> masked(Index nodes, Index count) const override;

 private:
  std::uint64_t seed_;
  std::int64_t step_;
};

/// The parts of a loss, as they count in it: divided by the size of the batch, and weighted.
using Losses = std::vector<std::pair<std::string, double>>;
[[nodiscard]] double total(const Losses& losses);

template <class Scalar>
class Model {
 public:
  virtual ~Model() = default;

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Graph<Scalar>& graph() const { return graph_; }
  /// What the items are described by; null where the kind takes nothing.
  [[nodiscard]] const Matrix<Scalar>* features() const { return features_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }  ///< of what the parameters start as
  /// What is trained; its values may be changed.
  [[nodiscard]] Parameters<Scalar>& parameters() { return parameters_; }
  [[nodiscard]] const Parameters<Scalar>& parameters() const { return parameters_; }

  /// The losses of a batch; the gradients of the parameters are set to those of their sum.
  ///
  /// Cost, for N nodes, d dimensions, q positives, f features and a hidden width h: LightGCN takes
  /// four products with the graph, 16 * nnz * d flops, and work of order (N + q) * d. Views add two
  /// products, 4 * N * d random numbers, and 6 * q * N * d flops and q * N exponentials at most
  /// (see info_nce.hpp). RLMRec-Con adds that for the distillation and 4 * n * f * h flops,
  /// RLMRec-Gen 6 * M * h * (d + f) + 4 * M^2 * f for M masked nodes, and two products more.
  /// AlphaRec takes 4 * n * f * h and 6 * q^2 * d at most. Memory: some ten matrices N x d, and
  /// N x h for the perceptron's activations.
  Losses differentiate(const Batch& batch, const Choices<Scalar>& choices);

  /// The embeddings, nodes x dimensions, of which the scores are products: user . item.
  [[nodiscard]] virtual Matrix<Scalar> embeddings() = 0;

 protected:
  Model(const Options& options, const lae::Csr<Scalar>& train, const Matrix<Scalar>* features,
        std::uint64_t seed)
      : options_(options), graph_(train), features_(features), seed_(seed) {}

  /// Adds gradients to those of the parameters, and the losses but for the regulariser.
  virtual void add_losses(const Batch& batch, const Choices<Scalar>& choices, Losses& losses) = 0;

  Options options_;
  Graph<Scalar> graph_;
  const Matrix<Scalar>* features_;
  std::uint64_t seed_;
  Parameters<Scalar> parameters_;
};

/// \param train users x items; entries that are not zero count alike
/// \param features items x any, where the kind needs them, taken as they are; must outlive the model
/// \throws std::invalid_argument if options are out of range, train has no entries, or features
/// are missing, not finite, or not one row an item.
template <class Scalar>
[[nodiscard]] std::unique_ptr<Model<Scalar>> make_model(const Options& options,
                                                        const lae::Csr<Scalar>& train,
                                                        const Matrix<Scalar>* features,
                                                        std::uint64_t seed);

}  // namespace neural
