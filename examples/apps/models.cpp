#include "models.hpp"

#include <fmt/format.h>

#include <lae/core/threads.hpp>
#include <lae/models/blocks.hpp>
#include <type_traits>

namespace example {
namespace {

template <class Options>
auto set_form(Options& options, lae::FitForm form) -> decltype(static_cast<void>(options.form)) {
  options.form = form;
}
template <class Options, class... None>
void set_form(Options&, lae::FitForm, None...) {}

/// Whether a fit is an inverse, which has two forms.
template <class Solver>
inline constexpr bool is_dense =
    std::is_same_v<typename Solver::Model, lae::ItemModel<typename Solver::Scalar>>;

/// Sets the form of a model that has the choice, and the fit by blocks if it is that.
/// \param data what the solver is fitted on: it must outlive what is prepared
template <class Solver, class... Data>
void choose_form(const Solver& solver, const FormChoice& choice, const lae::ProblemSize& size,
                 PreparedModel<typename Solver::Scalar>& prepared, const Data&... data) {
  using Scalar = typename Solver::Scalar;
  using Kind = FormChoice::Kind;
  constexpr bool has_inverse = Solver::Options::inputs != lae::Inputs::features;
  constexpr double longest = 900;
  // What processors of some years ago do on a core, in flops a second.
  const double rate = (sizeof(Scalar) == sizeof(float) ? 40e9 : 20e9) * lae::thread_count();
  lae::BlockOptions options;
  options.neighbours = choice.neighbours;
  bool by_blocks = choice.kind == Kind::blocks;
  if (choice.kind != Kind::blocks) {
    const lae::FitCost dense = solver.estimate(size);
    const std::uint64_t memory = lae::FitControl().memory_budget;
    if (has_inverse) prepared.form = lae::form_name(dense.form);
    if (choice.kind == Kind::automatic && choice.inverse == lae::FitForm::automatic) {
      if (dense.bytes > memory) {
        prepared.why =
            fmt::format("dense, it would take {:.1f} GB of memory, of {:.1f} GB",
                        static_cast<double>(dense.bytes) / 1e9, static_cast<double>(memory) / 1e9);
      } else if (dense.flops > longest * rate) {
        prepared.why =
            fmt::format("dense, it would take about {:.0f} minutes", dense.flops / rate / 60);
      }
      by_blocks = !prepared.why.empty();
    }
  }
  if (!by_blocks) return;
  prepared.form = "blocks";
  prepared.hyper_parameters.emplace_back("neighbours", static_cast<double>(choice.neighbours));
  static_cast<void>(lae::estimate_blocks(solver, size, options));  // what cannot work is told now
  prepared.fit = [=, &data...](const lae::FitControl& control) {
    lae::BlockFit<Scalar> fit = lae::fit_blocks(solver, data..., options, control);
    AnyModel<Scalar> model(std::move(fit.model));
    if (!fit.report.converged) {
      model.remark = fmt::format(
          "conjugate gradients stopped after {} iterations, at a residual of {:.2g}; a larger "
          "ridge helps",
          fit.report.iterations, fit.report.worst_residual);
    }
    return model;
  };
}

template <class Solver>
ModelEntry<typename Solver::Scalar> entry(std::string name, std::string title, std::string about,
                                          SideInformation needs) {
  using Scalar = typename Solver::Scalar;
  using Options = typename Solver::Options;
  ModelEntry<Scalar> entry{std::move(name), std::move(title), std::move(about), needs, {}, {}};
  for (const auto& field : Options::fields()) {
    entry.options.push_back({field.name, field.about, field.text(Options()), field.is_extra});
  }
  entry.prepare = [needs](const HyperParameters& wanted, const FormChoice& form,
                          const lae::Csr<Scalar>& train,
                          const ItemFeatures<Scalar>& features) -> PreparedModel<Scalar> {
    Options options;
    for (const auto& field : Options::fields()) {
      const auto value = wanted.find(field.name);
      if (value != wanted.end()) field.set(options, value->second);
    }
    set_form(options, form.inverse);
    const Solver solver(options);
    PreparedModel<Scalar> prepared;
    if constexpr (Options::inputs == lae::Inputs::interactions) {
      static_cast<void>(needs);
      static_cast<void>(features);
      prepared.hyper_parameters = named_values(options);
      prepared.fit = [solver, &train](const lae::FitControl& control) {
        return AnyModel<Scalar>(solver.fit(train, control));
      };
      if constexpr (is_dense<Solver>) {
        choose_form(solver, form, lae::problem_size(train), prepared, train);
      }
    } else {
      const lae::Sources<Scalar>& sources = features.of(needs);
      prepared.hyper_parameters =
          named_values(lae::resolved(options, lae::feature_scale(solver.recipe(), sources)));
      if constexpr (Options::inputs == lae::Inputs::features) {
        prepared.fit = [solver, &sources](const lae::FitControl& control) {
          return AnyModel<Scalar>(solver.fit(sources, control));
        };
        choose_form(solver, form, lae::feature_size(sources), prepared, sources);
      } else {
        prepared.fit = [solver, &train, &sources](const lae::FitControl& control) {
          return AnyModel<Scalar>(solver.fit(train, sources, control));
        };
        choose_form(solver, form, lae::problem_size(train, sources), prepared, train, sources);
      }
    }
    return prepared;
  };
  return entry;
}

}  // namespace

template <class Scalar>
const std::vector<ModelEntry<Scalar>>& model_registry() {
  using Side = SideInformation;
  static const std::vector<ModelEntry<Scalar>> entries = {
      entry<lae::Ease<Scalar>>("ease", "EASE", "interactions alone", Side::none),
      entry<lae::Cease<Scalar>>("cease", "CEASE", "interactions and tags in one fit", Side::tags),
      entry<lae::AddEase<Scalar>>("add-ease", "Add-EASE",
                                  "one fit on interactions and one on tags, added", Side::tags),
      entry<lae::L3ae<Scalar>>("l3ae", "L3AE", "interactions, distilling from a fit on embeddings",
                               Side::embeddings),
      entry<lae::FeatureEase<Scalar>>("semantic-ease", "semantic EASE",
                                      "embeddings alone, EASE's way", Side::embeddings),
      entry<lae::Cosine<Scalar>>("cosine", "cosine", "embeddings alone, inner products",
                                 Side::embeddings),
      entry<lae::Cease<Scalar>>("llm-cease", "LLM-CEASE", "CEASE on embeddings instead of tags",
                                Side::embeddings),
      entry<lae::AddEase<Scalar>>("llm-add-ease", "LLM-Add-EASE",
                                  "Add-EASE on embeddings instead of tags", Side::embeddings),
      entry<lae::GfCf<Scalar>>("gfcf", "GF-CF", "interactions alone, filtered by their spectrum",
                               Side::none),
      entry<lae::Bspm<Scalar>>("bspm", "BSPM", "GF-CF, blurred and sharpened", Side::none),
      entry<lae::Sgfcf<Scalar>>("sgfcf", "SGFCF",
                                "interactions alone, a spectral filter for each user", Side::none),
  };
  return entries;
}

template const std::vector<ModelEntry<float>>& model_registry();
template const std::vector<ModelEntry<double>>& model_registry();

}  // namespace example
