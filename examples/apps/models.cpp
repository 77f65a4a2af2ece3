#include "models.hpp"

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

template <class Solver>
ModelEntry<typename Solver::Scalar> entry(std::string name, std::string title, std::string about,
                                          SideInformation needs) {
  using Scalar = typename Solver::Scalar;
  using Options = typename Solver::Options;
  ModelEntry<Scalar> entry{std::move(name), std::move(title), std::move(about), needs, {}, {}};
  for (const auto& field : Options::fields()) {
    entry.options.push_back({field.name, field.about, field.text(Options()), field.is_extra});
  }
  entry.prepare = [needs](const HyperParameters& wanted, lae::FitForm form,
                          const lae::Csr<Scalar>& train,
                          const ItemFeatures<Scalar>& features) -> PreparedModel<Scalar> {
    Options options;
    for (const auto& field : Options::fields()) {
      const auto value = wanted.find(field.name);
      if (value != wanted.end()) field.set(options, value->second);
    }
    set_form(options, form);
    const Solver solver(options);
    PreparedModel<Scalar> prepared;
    if constexpr (Options::inputs == lae::Inputs::interactions) {
      static_cast<void>(needs);
      static_cast<void>(features);
      prepared.hyper_parameters = named_values(options);
      if constexpr (is_dense<Solver>) {
        prepared.form = lae::form_name(solver.estimate(lae::problem_size(train)).form);
      }
      prepared.fit = [solver, &train](const lae::FitControl& control) {
        return AnyModel<Scalar>(solver.fit(train, control));
      };
    } else {
      const lae::Sources<Scalar>& sources = features.of(needs);
      prepared.hyper_parameters =
          named_values(lae::resolved(options, lae::feature_scale(solver.recipe(), sources)));
      if constexpr (Options::inputs == lae::Inputs::features) {
        prepared.fit = [solver, &sources](const lae::FitControl& control) {
          return AnyModel<Scalar>(solver.fit(sources, control));
        };
      } else {
        prepared.form = lae::form_name(solver.estimate(lae::problem_size(train, sources)).form);
        prepared.fit = [solver, &train, &sources](const lae::FitControl& control) {
          return AnyModel<Scalar>(solver.fit(train, sources, control));
        };
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
