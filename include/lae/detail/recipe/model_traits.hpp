#pragma once

/// \file
/// What solvers ask of the types of their arguments.

#include <type_traits>

#include "lae/detail/core/abi.hpp"
#include "lae/recipe/option_fields.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Nothing can be made into it: the element of an initializer list that can only be empty.
class NoOption {
 public:
  NoOption(const NoOption&) = default;

 private:
  struct Secret {};
  explicit NoOption(Secret) {}
};

template <class Options, class = void>
inline constexpr bool is_model = false;

template <class Options>
inline constexpr bool is_model<
    Options, std::void_t<decltype(Options::inputs),
                         decltype(Options::fields().require_valid(std::declval<const Options&>())),
                         decltype(std::declval<const Options&>().recipe())>> =
    std::is_same_v<std::remove_cv_t<decltype(Options::inputs)>, Inputs>&&
        std::is_convertible_v<decltype(std::declval<const Options&>().recipe()), Recipe>;

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
