// Ratings as CSV.

#include <lae/data/amazon_csv.hpp>

#include "reviews.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_log(fuzz::view(data, size), [](auto source, auto&& take, auto* skipped) {
    lae::read_ratings_csv(std::move(source), take, skipped);
  });
  return 0;
}
