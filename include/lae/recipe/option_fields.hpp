#pragma once

/// \file
/// The options of a model, listed: their names, ranges and what they are for. A model lists its
/// options once, in `Options::fields()`; solvers check ranges by it, grids vary options by name,
/// and programs make their command lines and reports of it.
///
///     struct Options {
///       double lambda = 100;
///       lae::Refinements refinements{};
///
///       static lae::OptionFields<Options> fields() {
///         lae::OptionFields<Options> list;
///         list.add("lambda", &Options::lambda, lae::Range::positive(), "ridge");
///         list.add(&Options::refinements);
///         return list;
///       }
///     };

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/recipe/refinements.hpp"
#include "lae/recipe/scaled.hpp"

namespace lae {
inline namespace LAE_ABI {

/// The values that an option may have. NaN is in no range.
class Range {
 public:
  [[nodiscard]] static Range finite() { return {-largest, largest, "must be finite"}; }
  [[nodiscard]] static Range positive() {
    return {(std::numeric_limits<double>::denorm_min)(), largest, "must be positive and finite"};
  }
  /// Zero, or positive and finite.
  [[nodiscard]] static Range not_negative() { return {0, largest, "must not be negative"}; }
  /// Zero, positive, or infinite.
  [[nodiscard]] static Range not_negative_or_infinite() {
    return {0, std::numeric_limits<double>::infinity(), "must not be negative"};
  }
  [[nodiscard]] static Range from_to(double first, double last) {
    return {first, last, detail::concat("must lie in [", first, ", ", last, "]")};
  }
  /// Without `end`.
  [[nodiscard]] static Range from_below(double first, double end) {
    return {first, std::nextafter(end, first),
            detail::concat("must lie in [", first, ", ", end, ")")};
  }

  [[nodiscard]] bool contains(double value) const { return value >= first_ && value <= last_; }

  /// "must be positive and finite", "must lie in [0, 1)"
  [[nodiscard]] const std::string& text() const { return text_; }

  /// \throws std::invalid_argument naming the option and the value unless the range contains it.
  void require(double value, std::string_view name) const {
    detail::require(contains(value), name, " ", text_, ", got ", value);
  }

 private:
  static constexpr double largest = (std::numeric_limits<double>::max)();

  Range(double first, double last, std::string text)
      : first_(first), last_(last), text_(std::move(text)) {}

  double first_;
  double last_;
  std::string text_;
};

/// One option of a model. A switch counts as 0 or 1.
template <class Options>
struct OptionField {
  std::string name;  ///< "lambda_x"
  Range range;
  std::string about;  ///< for people, in a few words
  /// Of no effect unless asked for, as refinements are: reports leave it out while it has its
  /// default value.
  bool is_extra = false;
  std::function<double(const Options&)> get;
  /// A relative option (see recipe/scaled.hpp) becomes absolute by it.
  std::function<void(Options&, double)> set;
  /// The value as text, with its unit where it is relative: "2 q".
  std::function<std::string(const Options&)> text;
  /// Makes a relative value absolute.
  std::function<void(Options&, const FeatureScale&)> resolve;
};

template <class Options>
class OptionFields {
 public:
  using Field = OptionField<Options>;

  void add(std::string name, double Options::*member, Range range, std::string about) {
    add_double(
        std::move(name), [member](auto& o) -> auto& { return o.*member; }, std::move(range),
        std::move(about), false);
  }
  void add(std::string name, FeatureRidge Options::*member, Range range, std::string about) {
    add_scaled(std::move(name), member, std::move(range), std::move(about));
  }
  void add(std::string name, FeatureWeight Options::*member, Range range, std::string about) {
    add_scaled(std::move(name), member, std::move(range), std::move(about));
  }
  /// The same for an option that is of no effect unless asked for.
  template <class Value, class... Rest>
  void add_extra(std::string name, Value Options::*member, Rest... rest) {
    add(std::move(name), member, std::move(rest)...);
    fields_.back().is_extra = true;
  }
  void add(std::string name, bool Options::*member, std::string about) {
    add_field({std::move(name), Range::from_to(0, 1), std::move(about), false,
               [member](const Options& o) { return o.*member ? 1.0 : 0.0; },
               [member](Options& o, double value) { o.*member = value != 0; },
               [member](const Options& o) { return std::string(o.*member ? "yes" : "no"); },
               [](Options&, const FeatureScale&) {}});
  }
  /// All refinements.
  void add(Refinements Options::*member) {
    const auto add_one = [&](const char* name, double Refinements::*value, Range range,
                             const char* about) {
      add_double(
          name, [ member, value ](auto& o) -> auto& { return o.*member.*value; }, std::move(range),
          about, true);
    };
    add_one("dropout", &Refinements::dropout, Range::from_below(0, 1),
            "a ridge that grows with an item's popularity, as if inputs were dropped out");
    add_one("user_exponent", &Refinements::user_exponent, Range::finite(),
            "users with r items in their history count r^(-2a)");
    add_one("target_exponent", &Refinements::target_exponent, Range::finite(),
            "scores of an item that n users have are scaled by n^(-b)");
    add_one("diagonal_bound", &Refinements::diagonal_bound, Range::not_negative_or_infinite(),
            "how much an item may stand for itself");
  }

  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }

  /// The field of that name, or nullptr.
  [[nodiscard]] const Field* find(std::string_view name) const {
    for (const Field& field : fields_) {
      if (field.name == name) return &field;
    }
    return nullptr;
  }

  /// \throws std::invalid_argument naming the first option that is out of its range.
  void require_valid(const Options& options) const {
    for (const Field& field : fields_) field.range.require(field.get(options), field.name);
  }

 private:
  void add_field(Field field) { fields_.push_back(std::move(field)); }

  template <class Access>
  void add_double(std::string name, Access access, Range range, std::string about, bool is_extra) {
    add_field({std::move(name), std::move(range), std::move(about), is_extra,
               [access](const Options& o) { return access(o); },
               [access](Options& o, double value) { access(o) = value; },
               [access](const Options& o) { return detail::concat(access(o)); },
               [](Options&, const FeatureScale&) {}});
  }

  template <class Scaled>
  void add_scaled(std::string name, Scaled Options::*member, Range range, std::string about) {
    add_field({std::move(name), std::move(range), std::move(about), false,
               [member](const Options& o) { return (o.*member).value; },
               [member](Options& o, double value) { o.*member = value; },
               [member](const Options& o) { return (o.*member).text(); },
               [member](Options& o, const FeatureScale& q) { o.*member = (o.*member).at(q); }});
  }

  std::vector<Field> fields_;
};

/// The same options with all relative values made absolute, for features of this scale.
template <class Options>
[[nodiscard]] Options resolved(Options options, const FeatureScale& q) {
  for (const auto& field : Options::fields()) field.resolve(options, q);
  return options;
}

}  // namespace LAE_ABI
}  // namespace lae
