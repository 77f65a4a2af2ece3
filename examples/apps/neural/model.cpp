#include "model.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <unordered_map>

#include "bpr.hpp"
#include "gather.hpp"
#include "info_nce.hpp"
#include "mlp.hpp"
#include "parallel.hpp"
#include "random.hpp"

namespace neural {
namespace {

constexpr Index tile_nodes = 256;

/// How far the clean embeddings, which are a mean of three layers, stand behind the views, which
/// are their sum (as in RLMRec; SimGCL takes means of its layers, without the one before them).
constexpr double layers_of_sum = 3;

template <class Scalar>
class LightGcn : public Model<Scalar> {
 public:
  LightGcn(const Options& options, const lae::Csr<Scalar>& train, const Matrix<Scalar>* features,
           std::uint64_t seed)
      : Model<Scalar>(options, train, features, seed) {
    const Index d = options.dimensions;
    const Index users = this->graph_.users();
    const Index items = this->graph_.items();
    Matrix<Scalar> table(users + items, d);
    table.topRows(users) =
        uniform_start<Scalar>(users, d, xavier_bound(users, d), seed, user_start);
    table.bottomRows(items) =
        uniform_start<Scalar>(items, d, xavier_bound(items, d), seed, item_start);
    this->parameters_.push_back(
        {"embeddings", table, Matrix<Scalar>::Zero(table.rows(), table.cols())});
  }

  [[nodiscard]] Matrix<Scalar> embeddings() override {
    forward(table());
    return z_;
  }

 protected:
  void add_losses(const Batch& batch, const Choices<Scalar>& choices, Losses& losses) override {
    forward(table());
    by_z_.setZero(z_.rows(), z_.cols());
    losses.emplace_back("bpr", add_bpr(batch, this->graph_.users(), z_, by_z_));
    add_terms(batch, choices, losses);
    table_gradient() += smoothed(by_z_);
  }

  /// Adds other losses, and what they add to the gradient by the clean embeddings.
  virtual void add_terms(const Batch&, const Choices<Scalar>&, Losses&) {}

  [[nodiscard]] const Matrix<Scalar>& table() const { return this->parameters_[0].value; }
  [[nodiscard]] Matrix<Scalar>& table_gradient() { return this->parameters_[0].gradient; }

  void forward(const Matrix<Scalar>& table) {
    this->graph_.propagate(table, hop_);
    this->graph_.smooth(table, hop_, z_);
  }

  /// S values, which is how gradients go back.
  [[nodiscard]] const Matrix<Scalar>& smoothed(const Matrix<Scalar>& values) {
    this->graph_.propagate(values, back_hop_);
    this->graph_.smooth(values, back_hop_, back_);
    return back_;
  }

  Matrix<Scalar> hop_;   // A table
  Matrix<Scalar> z_;     // S table: the clean embeddings
  Matrix<Scalar> by_z_;  // the gradient by them

 private:
  // Which sequences of random numbers the two parts of the table start with, apart from those of
  // the parameters, which are numbered from 0.
  static constexpr std::uint64_t user_start = 1000;
  static constexpr std::uint64_t item_start = 1001;

  Matrix<Scalar> back_hop_;
  Matrix<Scalar> back_;
};

template <class Scalar>
class SimGcl : public LightGcn<Scalar> {
 public:
  using LightGcn<Scalar>::LightGcn;

 protected:
  void add_terms(const Batch& batch, const Choices<Scalar>& choices, Losses& losses) override {
    add_contrast(batch, choices, this->table(), this->hop_, this->by_z_, losses);
  }

  /// Holds two noisy views of the same node together, and those of different nodes apart.
  /// \param hop A table \param by_smoothed gets the gradient by S table
  void add_contrast(const Batch& batch, const Choices<Scalar>& choices, const Matrix<Scalar>& table,
                    const Matrix<Scalar>& hop, Matrix<Scalar>& by_smoothed, Losses& losses) {
    make_view(1, choices, table, hop, view1_);
    make_view(2, choices, table, hop, view2_);
    const double weight = this->options_.contrast_weight / static_cast<double>(batch.size());
    // Noise and signs are constant, so a view is 3 S table and something that has no gradient. Both
    // views' gradients go to the same rows: one backward pass serves all branches.
    const auto add = [&](const Merged& ids, Index first, Index count) {
      const InfoNceTerm<Scalar> term{ids, ids, Others::all, this->options_.contrast_temperature,
                                     layers_of_sum * weight};
      return add_info_nce<Scalar>(
          term, view1_.middleRows(first, count), view2_.middleRows(first, count),
          by_smoothed.middleRows(first, count), by_smoothed.middleRows(first, count));
    };
    const Index users = this->graph_.users();
    const double of_users = add(batch.users, 0, users);
    const double of_items = add(batch.positives, users, this->graph_.items());
    losses.emplace_back("contrast", weight * (of_users + of_items));
  }

 private:
  /// The sum of three layers, the upper two with noise of fixed length away from zero.
  void make_view(int number, const Choices<Scalar>& choices, const Matrix<Scalar>& table,
                 const Matrix<Scalar>& hop, Matrix<Scalar>& view) {
    const Graph<Scalar>& graph = this->graph_;
    const Index d = table.cols();
    layer_.resize(table.rows(), d);
    view.resize(table.rows(), d);
    using Row = Eigen::Array<Scalar, 1, Eigen::Dynamic>;
    const auto draw = [&](int layer, Index node, Row& noise) {
      choices.noise(number, layer, node, d, noise.data());
      noise *= static_cast<Scalar>(this->options_.noise) /
               std::max(noise.matrix().norm(), Scalar(1e-12));
    };
    for_each_range(graph.nodes(), tile_nodes, [&](Index first, Index length) {
      Row noise(d);
      for (Index node = first; node < first + length; ++node) {
        draw(1, node, noise);
        const auto clean = hop.row(node).array();
        layer_.row(node) = clean + clean.sign() * noise;
      }
    });
    for_each_range(graph.nodes(), tile_nodes, [&](Index first, Index length) {
      Row noise(d);
      for (Index node = first; node < first + length; ++node) {
        draw(2, node, noise);
        const std::int32_t* const others = graph.neighbours(node);
        const Scalar* const weights = graph.weights() + graph.begin(node);
        gather(
            layer_, graph.degree(node), [&](Index i) { return others[i]; },
            [&](Index i) { return weights[i]; },
            [&](Index column, const auto& sum) {
              const auto part = [&](auto&& values) {
                return values.row(node).segment(column, sum.size()).array();
              };
              part(view) =
                  part(table) + part(layer_) + sum + sum.sign() * noise.segment(column, sum.size());
            });
      }
    });
  }

  Matrix<Scalar> layer_;
  Matrix<Scalar> view1_;
  Matrix<Scalar> view2_;
};

/// The width between texts' dimensions and ours, as RLMRec has it.
Index rlmrec_hidden(const Options& options, Index features) {
  return (features + options.dimensions) / 2;
}

/// RLMRec has a language model describe users and items; the L3AE paper takes the items' text
/// embeddings and their means over a user's history instead.
template <class Scalar>
class RlmrecCon : public SimGcl<Scalar> {
 public:
  RlmrecCon(const Options& options, const lae::Csr<Scalar>& train, const Matrix<Scalar>* features,
            std::uint64_t seed)
      : SimGcl<Scalar>(options, train, features, seed),
        mlp_(this->parameters_, "mlp", features->cols(), rlmrec_hidden(options, features->cols()),
             options.dimensions, Mlp<Scalar>::Biases::by_inputs, seed) {}

 protected:
  void add_terms(const Batch& batch, const Choices<Scalar>& choices, Losses& losses) override {
    SimGcl<Scalar>::add_terms(batch, choices, losses);
    mlp_.forward(this->graph_, *this->features_, this->parameters_, texts_);
    by_texts_.setZero(texts_.rows(), texts_.cols());
    const double weight = this->options_.distill_weight / static_cast<double>(batch.size());
    const auto add = [&](const Merged& ids, Others others, Index first, Index count) {
      const InfoNceTerm<Scalar> term{ids, ids, others, this->options_.distill_temperature, weight};
      return add_info_nce<Scalar>(
          term, this->z_.middleRows(first, count), texts_.middleRows(first, count),
          this->by_z_.middleRows(first, count), by_texts_.middleRows(first, count));
    };
    const Index users = this->graph_.users();
    const Index items = this->graph_.items();
    const double of_users = add(batch.users, Others::all, 0, users);
    const double of_positives = add(batch.positives, Others::batch, users, items);
    const double of_negatives = add(batch.negatives, Others::batch, users, items);
    losses.emplace_back("distill", weight * (of_users + of_positives + of_negatives));
    mlp_.backward(by_texts_, this->graph_, *this->features_, this->parameters_);
  }

 private:
  Mlp<Scalar> mlp_;
  Matrix<Scalar> texts_;  // nodes x dimensions
  Matrix<Scalar> by_texts_;
};

template <class Scalar>
class RlmrecGen : public SimGcl<Scalar> {
 public:
  RlmrecGen(const Options& options, const lae::Csr<Scalar>& train, const Matrix<Scalar>* features,
            std::uint64_t seed)
      : SimGcl<Scalar>(options, train, features, seed),
        token_(this->parameters_.size()),
        mlp_(add_token(options), "mlp", options.dimensions,
             rlmrec_hidden(options, features->cols()), features->cols(),
             Mlp<Scalar>::Biases::by_inputs, seed) {}

 protected:
  void add_losses(const Batch& batch, const Choices<Scalar>& choices, Losses& losses) override {
    const Index nodes = this->graph_.nodes();
    const auto count = static_cast<Index>(this->options_.mask_share * static_cast<double>(nodes));
    const std::vector<Index> masked = choices.masked(nodes, count);
    const bool is_all = this->options_.mask_all_branches;

    masked_table_ = this->table();
    for (const Index node : masked) masked_table_.row(node) = this->parameters_[token_].value;
    this->forward(is_all ? masked_table_ : this->table());
    if (is_all) {
      masked_hop_ = this->hop_;
    } else {
      this->graph_.propagate(masked_table_, masked_hop_);
    }

    this->by_z_.setZero(nodes, this->z_.cols());
    by_masked_.setZero(nodes, this->z_.cols());
    losses.emplace_back("bpr", add_bpr(batch, this->graph_.users(), this->z_, this->by_z_));
    this->add_contrast(batch, choices, masked_table_, masked_hop_, by_masked_, losses);
    add_reconstruction(masked, losses);

    // What comes by masked rows is the token's.
    if (is_all) {
      by_masked_ += this->by_z_;
    } else {
      this->table_gradient() += this->smoothed(this->by_z_);
    }
    by_masked_ = this->smoothed(by_masked_);
    for (const Index node : masked) {
      this->parameters_[token_].gradient += by_masked_.row(node);
      by_masked_.row(node).setZero();
    }
    this->table_gradient() += by_masked_;
  }

 private:
  Parameters<Scalar>& add_token(const Options& options) {
    this->parameters_.push_back({"mask_token", Matrix<Scalar>::Zero(1, options.dimensions),
                                 Matrix<Scalar>::Zero(1, options.dimensions)});
    return this->parameters_;
  }

  /// The texts of masked nodes should be told from one another by the nodes' embeddings.
  void add_reconstruction(const std::vector<Index>& masked, Losses& losses) {
    const auto count = static_cast<Index>(masked.size());
    if (count == 0) return;
    Matrix<Scalar> inputs(count, this->z_.cols());
    texts_.resize(count, this->features_->cols());
    for_each_tile(count, [&](Index i) {
      const Index node = masked[static_cast<std::size_t>(i)];
      inputs.row(i) = this->z_.row(node);
      set_text(node, i);
    });
    mlp_.forward(inputs, this->parameters_, reconstructed_);
    std::vector<Index> order(masked.size());
    std::iota(order.begin(), order.end(), Index(0));
    const Merged each(order, count);
    const double weight = this->options_.reconstruct_weight / static_cast<double>(count);
    const InfoNceTerm<Scalar> term{
        each, each, Others::all, this->options_.reconstruct_temperature, weight, 1e-8, 0};
    by_reconstructed_.setZero(count, this->features_->cols());
    Matrix<Scalar> constant;
    losses.emplace_back("reconstruct", weight * add_info_nce<Scalar>(term, reconstructed_, texts_,
                                                                     by_reconstructed_, constant));
    Matrix<Scalar> by_inputs;
    mlp_.backward(by_reconstructed_, inputs, this->parameters_, by_inputs);
    for (Index i = 0; i < count; ++i) {
      this->by_z_.row(masked[static_cast<std::size_t>(i)]) += by_inputs.row(i);
    }
  }

  /// An item's features, or the mean of those of a user's items.
  void set_text(Index node, Index row) {
    const Index users = this->graph_.users();
    if (node >= users) {
      texts_.row(row) = this->features_->row(node - users);
      return;
    }
    const std::int32_t* const items = this->graph_.neighbours(node);
    const Index degree = this->graph_.degree(node);
    const Scalar share = Scalar(1) / static_cast<Scalar>(std::max(degree, Index(1)));
    gather(
        *this->features_, degree, [&](Index i) { return items[i] - users; },
        [&](Index) { return share; },
        [&](Index column, const auto& sum) {
          texts_.row(row).segment(column, sum.size()) = sum.matrix();
        });
  }

  std::size_t token_;  // which parameter
  Mlp<Scalar> mlp_;
  Matrix<Scalar> masked_table_;
  Matrix<Scalar> masked_hop_;
  Matrix<Scalar> by_masked_;
  Matrix<Scalar> texts_;  // masked nodes x features
  Matrix<Scalar> reconstructed_;
  Matrix<Scalar> by_reconstructed_;
};

/// The L3AE authors' class draws negatives and inherits a table of embeddings, and uses neither;
/// here is neither. AlphaRec's own code differs: 256 sampled negatives a user, 64 dimensions,
/// another width of the hidden layer, and items normalised when they are ranked.
template <class Scalar>
class AlphaRec : public Model<Scalar> {
 public:
  AlphaRec(const Options& options, const lae::Csr<Scalar>& train, const Matrix<Scalar>* features,
           std::uint64_t seed)
      : Model<Scalar>(options, train, features, seed),
        mlp_(this->parameters_, "adapter", features->cols(),
             std::max(features->cols() / 2, Index(1)), options.dimensions,
             Mlp<Scalar>::Biases::zero, seed) {}

  [[nodiscard]] Matrix<Scalar> embeddings() override {
    forward();
    Matrix<Scalar> z = z_;
    if (this->options_.cosine_scores) {
      for (Index node = 0; node < z.rows(); ++node) {
        z.row(node) /= std::max(z.row(node).norm(), Scalar(1e-12));
      }
    }
    return z;
  }

 protected:
  void add_losses(const Batch& batch, const Choices<Scalar>&, Losses& losses) override {
    forward();
    by_z_.setZero(z_.rows(), z_.cols());
    const double weight = 1 / static_cast<double>(batch.size());
    const Index users = this->graph_.users();
    const Index items = this->graph_.items();
    const InfoNceTerm<Scalar> term{batch.users, batch.positives, Others::batch,
                                   this->options_.contrast_temperature, weight};
    losses.emplace_back(
        "softmax", weight * add_info_nce<Scalar>(term, z_.topRows(users), z_.bottomRows(items),
                                                 by_z_.topRows(users), by_z_.bottomRows(items)));
    this->graph_.propagate(by_z_, hop_);
    this->graph_.smooth(by_z_, hop_, start_);
    mlp_.backward(start_, this->graph_, *this->features_, this->parameters_);
  }

 private:
  void forward() {
    mlp_.forward(this->graph_, *this->features_, this->parameters_, start_);
    this->graph_.propagate(start_, hop_);
    this->graph_.smooth(start_, hop_, z_);
  }

  Mlp<Scalar> mlp_;
  Matrix<Scalar> start_;  // what is smoothed; backwards the gradient by it
  Matrix<Scalar> hop_;
  Matrix<Scalar> z_;
  Matrix<Scalar> by_z_;
};

void require(bool holds, const std::string& message) {
  if (!holds) throw std::invalid_argument(message);
}

}  // namespace

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::light_gcn:
      return "lightgcn";
    case Kind::sim_gcl:
      return "simgcl";
    case Kind::rlmrec_con:
      return "rlmrec-con";
    case Kind::rlmrec_gen:
      return "rlmrec-gen";
    case Kind::alpha_rec:
      return "alpharec";
  }
  throw std::invalid_argument("there is no such kind of model");
}

const char* title_of(Kind kind) {
  switch (kind) {
    case Kind::light_gcn:
      return "LightGCN";
    case Kind::sim_gcl:
      return "SimGCL";
    case Kind::rlmrec_con:
      return "RLMRec-Con";
    case Kind::rlmrec_gen:
      return "RLMRec-Gen";
    case Kind::alpha_rec:
      return "AlphaRec";
  }
  throw std::invalid_argument("there is no such kind of model");
}

Options Options::of(Kind kind, Setting setting) {
  // Games, Toys, Books.
  const auto pick = [&](double games, double toys, double books) {
    return setting == Setting::games ? games : setting == Setting::toys ? toys : books;
  };
  Options options;
  options.kind = kind;
  options.regularizer = pick(1e-6, 1e-8, 0);
  options.contrast_temperature =
      kind == Kind::alpha_rec ? pick(0.25, 0.15, 0.1) : pick(0.2, 0.15, 0.15);
  // RLMRec's files say 0.9, but a default of 0.1 overrules them.
  options.noise = kind == Kind::sim_gcl ? pick(0.01, 0.1, 0.01) : 0.1;
  options.distill_weight = pick(0.01, 0.02, 0.01);
  options.distill_temperature = pick(0.2, 0.2, 0.1);
  options.reconstruct_weight = pick(0.1, 0.05, 0.01);
  options.cosine_scores = kind == Kind::alpha_rec && setting == Setting::books;
  return options;
}

void Options::check() const {
  static_cast<void>(name_of(kind));
  require(dimensions > 0, "dimensions must be positive, got " + std::to_string(dimensions));
  const auto not_negative = [](double value, const char* name) {
    require(std::isfinite(value) && value >= 0,
            std::string(name) + " must not be negative, got " + std::to_string(value));
  };
  const auto temperature = [](double value, const char* name) {
    // 2 / tau is the range of the logarithms that are summed: what float holds ends at 87.
    require(std::isfinite(value) && value >= 0.025,
            std::string(name) + " must be at least 0.025, got " + std::to_string(value));
  };
  not_negative(regularizer, "regularizer");
  not_negative(contrast_weight, "contrast_weight");
  temperature(contrast_temperature, "contrast_temperature");
  not_negative(noise, "noise");
  not_negative(distill_weight, "distill_weight");
  temperature(distill_temperature, "distill_temperature");
  not_negative(mask_share, "mask_share");
  require(mask_share <= 1, "mask_share must be at most 1, got " + std::to_string(mask_share));
  not_negative(reconstruct_weight, "reconstruct_weight");
  temperature(reconstruct_temperature, "reconstruct_temperature");
}

template <class Scalar>
void SeededChoices<Scalar>::noise(int view, int layer, Index node, Index dimensions,
                                  Scalar* row) const {
  const auto layers = static_cast<std::uint64_t>(step_) * 4;
  const auto which = static_cast<std::uint64_t>(2 * (view - 1) + layer - 1);
  const Draw draw(seed_, Purpose::noise, layers + which);
  for (Index k = 0; k < dimensions; ++k) row[k] = draw.uniform<Scalar>(node * dimensions + k);
}

/// The first places of a shuffle, of which only the moved ones are stored.
template <class Scalar>
std::vector<Index> SeededChoices<Scalar>::masked(Index nodes, Index count) const {
  const Draw draw(seed_, Purpose::mask, static_cast<std::uint64_t>(step_));
  std::unordered_map<Index, Index> moved;
  const auto at = [&](Index place) {
    const auto found = moved.find(place);
    return found == moved.end() ? place : found->second;
  };
  std::vector<Index> chosen;
  for (Index i = 0; i < count; ++i) {
    const Index j = i + draw.below(i, nodes - i);
    chosen.push_back(at(j));
    moved[j] = at(i);
  }
  return chosen;
}

double total(const Losses& losses) {
  double sum = 0;
  for (const auto& [name, value] : losses) sum += value;
  return sum;
}

template <class Scalar>
Losses Model<Scalar>::differentiate(const Batch& batch, const Choices<Scalar>& choices) {
  for (Parameter<Scalar>& each : parameters_) each.gradient.setZero();
  Losses losses;
  add_losses(batch, choices, losses);
  losses.emplace_back("regularizer", add_regularizer(options_.regularizer, parameters_));
  return losses;
}

template <class Scalar>
std::unique_ptr<Model<Scalar>> make_model(const Options& options, const lae::Csr<Scalar>& train,
                                          const Matrix<Scalar>* features, std::uint64_t seed) {
  options.check();
  if (needs_features(options.kind)) {
    require(features != nullptr, std::string(title_of(options.kind)) + " needs features");
    require(features->rows() == train.cols() && features->cols() > 0,
            "features is " + std::to_string(features->rows()) + " x " +
                std::to_string(features->cols()) + ", but train has " +
                std::to_string(train.cols()) + " items");
    require(features->allFinite(), "features holds a value that is not finite");
  }
  switch (options.kind) {
    case Kind::light_gcn:
      return std::make_unique<LightGcn<Scalar>>(options, train, nullptr, seed);
    case Kind::sim_gcl:
      return std::make_unique<SimGcl<Scalar>>(options, train, nullptr, seed);
    case Kind::rlmrec_con:
      return std::make_unique<RlmrecCon<Scalar>>(options, train, features, seed);
    case Kind::rlmrec_gen:
      return std::make_unique<RlmrecGen<Scalar>>(options, train, features, seed);
    case Kind::alpha_rec:
      return std::make_unique<AlphaRec<Scalar>>(options, train, features, seed);
  }
  return nullptr;
}

template class SeededChoices<float>;
template class SeededChoices<double>;
template class Model<float>;
template class Model<double>;
template std::unique_ptr<Model<float>> make_model(const Options&, const lae::Csr<float>&,
                                                  const Matrix<float>*, std::uint64_t);
template std::unique_ptr<Model<double>> make_model(const Options&, const lae::Csr<double>&,
                                                   const Matrix<double>*, std::uint64_t);

}  // namespace neural
