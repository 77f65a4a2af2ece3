// The journal of encode_items: a whole file, or, if the first byte is odd, records behind a good
// header, of which the checksums are right, so that they hide nothing of what is in them.

#include <zlib.h>

#include "../../examples/apps/encoding_journal.hpp"
#include "fuzz.hpp"

namespace {

constexpr lae::Index items = 5;

example::EmbeddingOrigin origin() {
  example::EmbeddingOrigin origin;
  origin.fingerprint = "fingerprint";
  origin.model = "model";
  return origin;
}

std::string good_header() {
  return "lae encoding journal 2\nfingerprint\n" + example::to_line(example::to_json(origin()));
}

/// Each record begins with two bytes: how many items it says it holds, and how many dimensions.
std::string records(std::string_view bytes) {
  std::string records;
  while (bytes.size() >= 2) {
    const std::uint64_t count = static_cast<unsigned char>(bytes[0]);
    const std::uint64_t dimensions = static_cast<unsigned char>(bytes[1]);
    bytes.remove_prefix(2);
    const std::string_view contents =
        bytes.substr(0, count * (sizeof(std::int64_t) + dimensions * sizeof(float)));
    bytes.remove_prefix(contents.size());
    const std::uint64_t header[] = {
        count, dimensions,
        crc32_z(0, reinterpret_cast<const Bytef*>(contents.data()), contents.size())};
    records.append(reinterpret_cast<const char*>(header), sizeof(header));
    records += contents;
  }
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes = fuzz::view(data + 1, size - 1);
  const auto path = fuzz::write_file(
      "journal", data[0] % 2 == 0 ? std::string(bytes) : good_header() + records(bytes));
  fuzz::try_to([&] {
    example::EncodingJournal journal(path, origin(), items, /*restart=*/false);
    if (!journal.is_empty()) fuzz::require(journal.embeddings().rows() == items);
    const lae::Index columns = journal.is_empty() ? 1 : journal.embeddings().cols();
    journal.append({0}, lae::Matrix<float>::Ones(1, columns));
  });
  // What was appended is found again, whatever stood there before.
  fuzz::try_to([&] {
    example::EncodingJournal journal(path, origin(), items, /*restart=*/false);
    fuzz::require(journal.is_done(0) && journal.embeddings()(0, 0) == 1);
  });
  return 0;
}
