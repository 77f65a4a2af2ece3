#pragma once

/// \file
/// The models that can be compared, as a table. What options a model has, and what they are when
/// nothing is said of them, the table takes from the model itself.

#include <functional>
#include <lae/lae.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "any_model.hpp"
#include "feature_sources.hpp"

namespace example {

/// What the user asked for, by the names of options; a model takes its own default where nothing is
/// said.
using HyperParameters = std::map<std::string, double>;

/// The hyper-parameters of a model by name; those of no effect unless asked for only where they are
/// not as by default.
using NamedValues = std::vector<std::pair<std::string, double>>;

template <class Options>
NamedValues named_values(const Options& options) {
  NamedValues values;
  for (const auto& field : Options::fields()) {
    if (field.is_extra && field.get(options) == field.get(Options())) continue;
    values.emplace_back(field.name, field.get(options));
  }
  return values;
}

/// An option of a model, in words.
struct OptionText {
  std::string name;
  std::string about;
  std::string default_value;
  bool is_extra;
};

/// How models are fitted that can be fitted in more than one way.
struct FormChoice {
  enum class Kind {
    automatic,  ///< dense, unless that takes more memory than there is, or very long
    dense,      ///< with a matrix of items x items
    blocks      ///< by regressions on each item's neighbours
  };
  Kind kind = Kind::automatic;
  lae::FitForm inverse = lae::FitForm::automatic;  ///< of those that are dense
  lae::Index neighbours = 200;                     ///< of those by blocks
};

/// A model whose hyper-parameters are known to be valid.
template <class Scalar>
struct PreparedModel {
  NamedValues hyper_parameters;
  std::string form;   ///< that `fit` takes; empty for models without the choice
  std::string why{};  ///< if it is one that nobody asked for
  std::function<AnyModel<Scalar>(const lae::FitControl&)> fit;
};

template <class Scalar>
struct ModelEntry {
  std::string name;   ///< as on the command line
  std::string title;  ///< as in the table
  std::string about;
  SideInformation needs;
  std::vector<OptionText> options;
  /// The data must outlive what is prepared.
  /// \throws std::invalid_argument if a hyper-parameter, or the form, cannot work.
  std::function<PreparedModel<Scalar>(const HyperParameters&, const FormChoice&,
                                      const lae::Csr<Scalar>& train, const ItemFeatures<Scalar>&)>
      prepare;
};

/// All models. Defined in models.cpp for float and double.
template <class Scalar>
const std::vector<ModelEntry<Scalar>>& model_registry();
extern template const std::vector<ModelEntry<float>>& model_registry();
extern template const std::vector<ModelEntry<double>>& model_registry();

}  // namespace example
