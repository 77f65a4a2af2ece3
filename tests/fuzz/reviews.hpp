#pragma once

// A log of ratings in either format: what is read is fit for the steps behind it.

#include <lae/data/interactions.hpp>
#include <lae/io/text.hpp>

#include "fuzz.hpp"

namespace fuzz {

/// \param read calls read_ratings_csv or read_reviews_json.
template <class Read>
void read_log(std::string_view bytes, Read&& read) {
  lae::SkippedLines skipped;
  for (lae::SkippedLines* counter : {static_cast<lae::SkippedLines*>(nullptr), &skipped}) {
    try_to([&] {
      lae::Catalog catalog;
      lae::InteractionLog log(catalog);
      read(
          text(bytes),
          [&](const lae::RatingLine& line) {
            require(!line.user.empty() && !line.item.empty());
            require(line.rating >= 0 && line.rating <= 5);
            log.add(line);
          },
          counter);
      static_cast<void>(log.take());
    });
  }
}

}  // namespace fuzz
