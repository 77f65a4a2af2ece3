// One field of an item's metadata in any notation, and whole numbers.

#include <cmath>
#include <lae/detail/data/meta_value.hpp>
#include <lae/detail/data/rating_fields.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  lae::detail::ItemFields fields;
  fields.details = lae::detail::structured_value(text);
  fields.description = lae::detail::structured_value(text);
  const lae::ItemText item = lae::detail::item_text(fields);
  fuzz::require(item.description.size() <= 3 * size && item.brand.size() <= 3 * size);

  std::int64_t whole = 0;
  double number = 0;
  if (lae::detail::parse_whole_number(text, whole) && lae::detail::parse_number(text, number)) {
    fuzz::require(std::abs(static_cast<double>(whole) - number) <= 1e-9 * std::abs(number));
  }
  return 0;
}
