#pragma once

/// \file
/// What a model file tells besides the numbers, so that it can be served without other files.
///
/// \code
/// lae::save_model("shop.lae", model, {item_ids, "ease", {{"lambda", "200"}}});
/// const lae::ModelInfo info = lae::load_model_info("shop.lae");
/// std::cout << info.item_ids[lists.items(0, 0)];
/// \endcode

#include <string>
#include <utility>
#include <vector>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Texts are any bytes, and mean what the writer means by them; the library only keeps them.
struct ModelInfo {
  std::vector<std::string> item_ids{};  ///< one for each item, in their order; or none
  std::string model{};                  ///< which model it is, as its maker calls it; or empty
  std::vector<std::pair<std::string, std::string>> options{};  ///< what it was made with
};

}  // namespace LAE_ABI
}  // namespace lae
