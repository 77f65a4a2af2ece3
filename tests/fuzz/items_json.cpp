// Items as JSON lines.

#include <lae/data/amazon_json.hpp>

#include "items.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_items(fuzz::view(data, size), [](auto source, auto&& take, auto* skipped) {
    lae::read_items_json(std::move(source), take, skipped);
  });
  return 0;
}
