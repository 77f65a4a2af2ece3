// Lines of a file that may be compressed. What it unpacks to is bounded, or a few bytes would fill
// the time with zeros.

#include <lae/io/gzip.hpp>
#include <lae/io/text.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz::write_file("text.gz", fuzz::view(data, size));
  fuzz::try_to([&] {
    lae::LineReader lines(lae::open_gzip(path));
    std::size_t bytes = 0;
    for (std::string_view line; bytes < (1U << 22) && lines.next(line);) bytes += line.size() + 1;
    const double fraction = lines.source().fraction_read();
    fuzz::require(fraction >= 0 && fraction <= 1);
  });
  // In small pieces, too, as other callers may read.
  fuzz::try_to([&] {
    const lae::TextSourcePtr source = lae::open_gzip(path);
    char bytes[7];
    for (int i = 0; i < 10000 && source->read(bytes, sizeof(bytes)) > 0; ++i) continue;
  });
  return 0;
}
