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
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
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
    return {first, last,
            "must lie in [" + detail::text_of(first) + ", " + detail::text_of(last) + "]"};
  }
  /// Without `end`.
  [[nodiscard]] static Range from_below(double first, double end) {
    return {first, std::nextafter(end, first),
            "must lie in [" + detail::text_of(first) + ", " + detail::text_of(end) + ")"};
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

/// One option of a model: where it stands in the options, and what it may be. (With functions of
/// its own for each kind of option, since function objects would take long to compile.)
template <class Options>
class OptionField {
 public:
  std::string name;  ///< "lambda_x"
  Range range;
  std::string about;  ///< for people, in a few words
  /// Of no effect unless asked for, as refinements are: reports leave it out while it has its
  /// default value.
  bool is_extra = false;

  OptionField(std::string name_, double Options::*member, Range range_, std::string about_)
      : OptionField(std::move(name_), std::move(range_), std::move(about_)) {
    number_ = member;
    get_ = [](const Self& f, const Options& o) { return o.*f.number_; };
    set_ = [](const Self& f, Options& o, double value) { o.*f.number_ = value; };
  }
  OptionField(std::string name_, FeatureRidge Options::*member, Range range_, std::string about_)
      : OptionField(std::move(name_), std::move(range_), std::move(about_)) {
    ridge_ = member;
    get_ = [](const Self& f, const Options& o) { return (o.*f.ridge_).value; };
    set_ = [](const Self& f, Options& o, double value) { o.*f.ridge_ = value; };
    text_ = [](const Self& f, const Options& o) { return (o.*f.ridge_).text(); };
    resolve_ = [](const Self& f, Options& o, const FeatureScale& q) {
      o.*f.ridge_ = (o.*f.ridge_).at(q);
    };
  }
  OptionField(std::string name_, FeatureWeight Options::*member, Range range_, std::string about_)
      : OptionField(std::move(name_), std::move(range_), std::move(about_)) {
    weight_ = member;
    get_ = [](const Self& f, const Options& o) { return (o.*f.weight_).value; };
    set_ = [](const Self& f, Options& o, double value) { o.*f.weight_ = value; };
    text_ = [](const Self& f, const Options& o) { return (o.*f.weight_).text(); };
    resolve_ = [](const Self& f, Options& o, const FeatureScale& q) {
      o.*f.weight_ = (o.*f.weight_).at(q);
    };
  }
  /// A count: 1 or more.
  OptionField(std::string name_, Index Options::*member, std::string about_)
      : OptionField(std::move(name_), Range::from_to(1, 0x1p53), std::move(about_)) {
    count_ = member;
    get_ = [](const Self& f, const Options& o) { return static_cast<double>(o.*f.count_); };
    set_ = [](const Self& f, Options& o, double value) {
      f.range.require(value, f.name);
      detail::require(value == std::floor(value), f.name, " must be a whole number, got ", value);
      o.*f.count_ = static_cast<Index>(value);
    };
  }
  OptionField(std::string name_, bool Options::*member, std::string about_)
      : OptionField(std::move(name_), Range::from_to(0, 1), std::move(about_)) {
    switch_ = member;
    get_ = [](const Self& f, const Options& o) { return o.*f.switch_ ? 1.0 : 0.0; };
    set_ = [](const Self& f, Options& o, double value) { o.*f.switch_ = value != 0; };
    text_ = [](const Self& f, const Options& o) {
      return std::string(o.*f.switch_ ? "yes" : "no");
    };
  }
  OptionField(std::string name_, Refinements Options::*member, double Refinements::*refinement,
              Range range_, std::string about_)
      : OptionField(std::move(name_), std::move(range_), std::move(about_)) {
    refinements_ = member;
    refinement_ = refinement;
    get_ = [](const Self& f, const Options& o) { return o.*f.refinements_.*f.refinement_; };
    set_ = [](const Self& f, Options& o, double value) {
      o.*f.refinements_.*f.refinement_ = value;
    };
    is_extra = true;
  }

  /// The same option of options that are derived from its own.
  template <class Base>
  [[nodiscard]] static OptionField of_base(const OptionField<Base>& base) {
    OptionField field = [&]() -> OptionField {
      if (base.number_) return {base.name, base.number_, base.range, base.about};
      if (base.ridge_) return {base.name, base.ridge_, base.range, base.about};
      if (base.weight_) return {base.name, base.weight_, base.range, base.about};
      if (base.count_) return {base.name, base.count_, base.about};
      if (base.switch_) return {base.name, base.switch_, base.about};
      return {base.name, base.refinements_, base.refinement_, base.range, base.about};
    }();
    field.is_extra = base.is_extra;
    return field;
  }

  /// The number; of a switch, 0 or 1.
  [[nodiscard]] double get(const Options& options) const { return get_(*this, options); }

  /// A relative option (see recipe/scaled.hpp) becomes absolute by it.
  /// \throws std::invalid_argument if a count cannot have it; what else is out of range solvers find.
  void set(Options& options, double value) const { set_(*this, options, value); }

  /// The value as text, with its unit where it is relative: "2 q".
  [[nodiscard]] std::string text(const Options& options) const {
    return text_ ? text_(*this, options) : detail::text_of(get(options));
  }

  /// Makes a relative value absolute.
  void resolve(Options& options, const FeatureScale& q) const {
    if (resolve_) resolve_(*this, options, q);
  }

 private:
  template <class Other>
  friend class OptionField;
  using Self = OptionField;

  OptionField(std::string name_, Range range_, std::string about_)
      : name(std::move(name_)), range(std::move(range_)), about(std::move(about_)) {}

  // One of these, or both of the last two.
  double Options::*number_ = nullptr;
  FeatureRidge Options::*ridge_ = nullptr;
  FeatureWeight Options::*weight_ = nullptr;
  Index Options::*count_ = nullptr;
  bool Options::*switch_ = nullptr;
  Refinements Options::*refinements_ = nullptr;
  double Refinements::*refinement_ = nullptr;

  double (*get_)(const Self&, const Options&) = nullptr;
  void (*set_)(const Self&, Options&, double) = nullptr;
  std::string (*text_)(const Self&, const Options&) = nullptr;             // if it has a unit
  void (*resolve_)(const Self&, Options&, const FeatureScale&) = nullptr;  // if it is relative
};

template <class Options>
class OptionFields {
 public:
  using Field = OptionField<Options>;

  /// Adds an option; the arguments are those of a Field: its name, the member, its range (a switch
  /// has none), what it is for.
  template <class Value, class... Rest>
  void add(const char* name, Value Options::*member, Rest... rest) {
    fields_.push_back(Field(name, member, rest...));
  }
  /// The same for an option that is of no effect unless asked for.
  template <class Value, class... Rest>
  void add_extra(const char* name, Value Options::*member, Rest... rest) {
    add(name, member, rest...);
    fields_.back().is_extra = true;
  }
  /// Adds all refinements.
  void add(Refinements Options::*member) {
    const auto add = [&](const char* name, double Refinements::*refinement, Range range,
                         const char* about) {
      fields_.push_back(Field(name, member, refinement, std::move(range), about));
    };
    add("dropout", &Refinements::dropout, Range::from_below(0, 1),
        "a ridge that grows with an item's popularity, as if inputs were dropped out");
    add("user_exponent", &Refinements::user_exponent, Range::finite(),
        "users with r items in their history count r^(-2a)");
    add("target_exponent", &Refinements::target_exponent, Range::finite(),
        "scores of an item that n users have are scaled by n^(-b)");
    add("diagonal_bound", &Refinements::diagonal_bound, Range::not_negative_or_infinite(),
        "how much an item may stand for itself");
  }

  /// Adds all options of what these are derived from.
  template <class Base>
  void add(const OptionFields<Base>& base) {
    for (const auto& field : base) fields_.push_back(Field::of_base(field));
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
