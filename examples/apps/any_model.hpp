#pragma once

/// \file
/// What a fit of any model of the table returns, or a file holds, behind one face: dense, spectral,
/// or fitted by blocks.

#include <filesystem>
#include <lae/blocks.hpp>
#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace example {

/// A scorer.
template <class Scalar_>
class AnyModel {
 public:
  using Scalar = Scalar_;

  template <class Model, class = std::enable_if_t<!std::is_same_v<std::decay_t<Model>, AnyModel>>>
  AnyModel(Model&& model) : model_(std::forward<Model>(model)) {}

  /// Calls body(model) with the model itself.
  template <class Body>
  decltype(auto) visit(Body&& body) const {
    return std::visit(std::forward<Body>(body), model_);
  }

  lae::Index items() const {
    return visit([](const auto& model) { return model.items(); });
  }

  void add_scores(const lae::History<Scalar>& history, lae::Index begin,
                  lae::ScoreRow<Scalar> scores) const {
    visit([&](const auto& model) { model.add_scores(history, begin, scores); });
  }

  std::string remark{};  ///< what is to be said of the fit, in a few words

  class Batch;
  Batch batch(const lae::HistoryBatch<Scalar>& histories) const { return Batch(*this, histories); }

 private:
  std::variant<lae::ItemModel<Scalar>, lae::SpectralModel<Scalar>, lae::SgfcfModel<Scalar>,
               lae::SparseLowRankModel<Scalar>>
      model_;
};

template <class Scalar>
class AnyModel<Scalar>::Batch {
 public:
  Batch(const AnyModel& model, const lae::HistoryBatch<Scalar>& histories) : histories_(histories) {
    model.visit([&](const auto& one) {
      if constexpr (lae::is_batch_scorer_v<std::decay_t<decltype(one)>>) {
        using Prepared = decltype(one.batch(histories));
        prepared_.template emplace<Prepared>(one.batch(histories));
      } else {
        prepared_ = &one;
      }
    });
  }

  void add_scores(lae::Index begin, lae::ScoreTile<Scalar> scores) const {
    std::visit(
        [&](const auto& prepared) {
          if constexpr (std::is_pointer_v<std::decay_t<decltype(prepared)>>) {
            for (lae::Index user = 0; user < histories_.size(); ++user) {
              prepared->add_scores(histories_[user], begin, scores.row(user));
            }
          } else {
            prepared.add_scores(begin, scores);
          }
        },
        prepared_);
  }

 private:
  lae::HistoryBatch<Scalar> histories_;
  std::variant<const lae::ItemModel<Scalar>*, typename lae::SpectralModel<Scalar>::Batch,
               typename lae::SgfcfModel<Scalar>::Batch,
               typename lae::SparseLowRankModel<Scalar>::Batch>
      prepared_{static_cast<const lae::ItemModel<Scalar>*>(nullptr)};
};

template <class Scalar>
void save_model(const std::filesystem::path& path, const AnyModel<Scalar>& model,
                const lae::ModelInfo& info) {
  model.visit([&](const auto& one) { lae::save_model(path, one, info); });
}

/// Whatever kind the file holds. \throws FileError as lae::load_model
template <class Scalar>
AnyModel<Scalar> load_any_model(const std::filesystem::path& path) {
  switch (lae::kind_of_model(path)) {
    case lae::ModelKind::spectral:
      return lae::load_model<lae::SpectralModel<Scalar>>(path);
    case lae::ModelKind::sgfcf:
      return lae::load_model<lae::SgfcfModel<Scalar>>(path);
    case lae::ModelKind::sparse_low_rank:
      return lae::load_model<lae::SparseLowRankModel<Scalar>>(path);
    default:
      return lae::load_model<Scalar>(path);
  }
}

/// Nothing of a model whose scores have no parts.
template <class Scalar>
std::optional<lae::Explanation<Scalar>> explain_if_linear(const AnyModel<Scalar>& model,
                                                          const lae::Csr<Scalar>& history,
                                                          lae::Index item, lae::Index k) {
  return model.visit([&](const auto& one) -> std::optional<lae::Explanation<Scalar>> {
    if constexpr (std::is_same_v<std::decay_t<decltype(one)>, lae::SgfcfModel<Scalar>>) {
      return std::nullopt;
    } else {
      return lae::explain(one, history, item, k);
    }
  });
}

}  // namespace example
