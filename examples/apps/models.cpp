#include "models.hpp"

namespace example {
namespace {

template <class Scalar>
double embedding_ridge(const Dataset<Scalar>& data) {
  return defaults::lambda_f_per_q * mean_squared_length(*data.embeddings);
}

/// \param side the member of the data set that holds the side information
template <class Scalar, class Solver, class Side>
PreparedModel<Scalar> prepare(const Solver& solver, Side side) {
  return {named_values(solver.options()),
          [=](const Dataset<Scalar>& data, const lae::FitControl& control) {
            return solver.fit(data.train, *(data.*side), control);
          },
          [=](const Dataset<Scalar>& data, lae::FitForm form) {
            return solver.estimate(lae::problem_size(data.train, *(data.*side)), form).form;
          }};
}

template <class Scalar, class Side>
PreparedModel<Scalar> prepare_cease(const HyperParameters& wanted, double default_alpha,
                                    Side side) {
  const lae::Cease<Scalar> solver({wanted.lambda.value_or(defaults::lambda),
                                   wanted.alpha.value_or(default_alpha), wanted.refinements});
  return prepare<Scalar>(solver, side);
}

template <class Scalar, class Side>
PreparedModel<Scalar> prepare_add_ease(const HyperParameters& wanted, double default_lambda_t,
                                       double default_alpha, Side side) {
  const lae::AddEase<Scalar> solver({wanted.lambda_x.value_or(defaults::lambda),
                                     wanted.lambda_t.value_or(default_lambda_t),
                                     wanted.alpha.value_or(default_alpha), wanted.refinements});
  return prepare<Scalar>(solver, side);
}

}  // namespace

template <class Scalar>
const std::vector<ModelEntry<Scalar>>& model_registry() {
  using Data = Dataset<Scalar>;
  using Prepared = PreparedModel<Scalar>;
  using lae::FitControl;
  using lae::FitForm;
  static const std::vector<ModelEntry<Scalar>> entries = {
      {"ease", "EASE", "interactions alone", SideInformation::none,
       [](const HyperParameters& wanted, const Data&) -> Prepared {
         const lae::Ease<Scalar> solver(
             {wanted.lambda.value_or(defaults::lambda), wanted.refinements});
         return {named_values(solver.options()),
                 [=](const Data& data, const FitControl& control) {
                   return solver.fit(data.train, control);
                 },
                 [=](const Data& data, FitForm form) {
                   return solver.estimate(lae::problem_size(data.train), form).form;
                 }};
       }},
      {"cease", "CEASE", "interactions and tags in one fit", SideInformation::tags,
       [](const HyperParameters& wanted, const Data&) {
         return prepare_cease<Scalar>(wanted, defaults::cease_alpha, &Data::tags);
       }},
      {"add-ease", "Add-EASE", "one fit on interactions and one on tags, added",
       SideInformation::tags,
       [](const HyperParameters& wanted, const Data&) {
         return prepare_add_ease<Scalar>(wanted, defaults::add_ease_lambda_t,
                                         defaults::add_ease_alpha, &Data::tags);
       }},
      {"l3ae", "L3AE", "interactions, distilling from a fit on embeddings",
       SideInformation::embeddings,
       [](const HyperParameters& wanted, const Data& data) -> Prepared {
         const lae::L3ae<Scalar> solver({wanted.lambda_x.value_or(defaults::l3ae_lambda_x),
                                         wanted.lambda_f.value_or(embedding_ridge(data)),
                                         wanted.lambda_kd.value_or(defaults::l3ae_lambda_kd),
                                         wanted.refinements});
         return prepare<Scalar>(solver, &Data::embeddings);
       }},
      {"semantic-ease", "semantic EASE", "embeddings alone, EASE's way",
       SideInformation::embeddings,
       [](const HyperParameters& wanted, const Data& data) -> Prepared {
         const double lambda_f = wanted.lambda_f.value_or(embedding_ridge(data));
         const lae::Ease<Scalar> solver({lambda_f});
         return {{{"lambda_f", lambda_f}}, [=](const Data& fitted, const FitControl& control) {
                   return solver.fit_features(*fitted.embeddings, control);
                 }};
       }},
      {"cosine", "cosine", "embeddings alone, inner products (not normalised)",
       SideInformation::embeddings,
       [](const HyperParameters&, const Data&) -> Prepared {
         return {{}, [](const Data& data, const FitControl& control) {
                   return lae::Cosine<Scalar>().fit(*data.embeddings, control);
                 }};
       }},
      {"llm-cease", "LLM-CEASE", "CEASE on embeddings instead of tags", SideInformation::embeddings,
       [](const HyperParameters& wanted, const Data& data) {
         return prepare_cease<Scalar>(
             wanted, defaults::llm_cease_alpha_times_q / mean_squared_length(*data.embeddings),
             &Data::embeddings);
       }},
      {"llm-add-ease", "LLM-Add-EASE", "Add-EASE on embeddings instead of tags",
       SideInformation::embeddings,
       [](const HyperParameters& wanted, const Data& data) {
         return prepare_add_ease<Scalar>(wanted, embedding_ridge(data),
                                         defaults::llm_add_ease_alpha, &Data::embeddings);
       }},
  };
  return entries;
}

template const std::vector<ModelEntry<float>>& model_registry();
template const std::vector<ModelEntry<double>>& model_registry();

}  // namespace example
