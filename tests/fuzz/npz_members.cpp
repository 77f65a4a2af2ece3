// Sparse matrices, as archives that are whole, so that checksums hide nothing of what is in them:
// members of fixed names, each of which stands behind its length in two bytes.

#include <zip.h>
#include <zlib.h>

#include <lae/io/npz.hpp>

#include "fuzz.hpp"

namespace {

void append(std::string& bytes, std::uint64_t number, int count) {
  for (; count > 0; --count, number >>= 8) bytes += static_cast<char>(number);
}

/// What both entries of a member hold, from the version on.
std::string entry(std::string_view name, std::string_view contents) {
  std::string bytes;
  append(bytes, 20, 2);  // version
  append(bytes, 0, 4);   // flags, method: stored
  append(bytes, 1U << 5 | 1, 4);
  bytes.replace(6, 4, std::string("\0\0\x21\0", 4));
  append(
      bytes,
      crc32(0, reinterpret_cast<const Bytef*>(contents.data()), static_cast<uInt>(contents.size())),
      4);
  append(bytes, contents.size(), 4);
  append(bytes, contents.size(), 4);
  append(bytes, name.size(), 2);
  append(bytes, 0, 2);  // no further fields
  return bytes;
}

/// Whether a matrix has so many rows or columns that it takes seconds to go through them, which is
/// fine, but would take the time for others. More than these are refused, or need as many bytes.
bool takes_long(std::string_view shape_member) {
  bool takes_long = false;
  fuzz::try_to([&] {
    lae::detail::FileSource source(fuzz::write_file("shape.npy", shape_member));
    lae::detail::NpyReader<std::int32_t, std::int64_t> shape(source);
    if (shape.shape().size() != 1 || shape.shape()[0] != 2) return;
    lae::Index lengths[2];
    shape.read(lengths, 2);
    for (const lae::Index length : lengths) {
      takes_long = takes_long || (length > (1 << 16) && length <= (1 << 24));
    }
  });
  return takes_long;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::view(data, size);
  std::string archive;
  std::string directory;
  unsigned members = 0;
  for (const std::string_view name : {"format.npy", "shape.npy", "data.npy", "indptr.npy",
                                      "indices.npy", "row.npy", "col.npy", "coords.npy"}) {
    if (rest.size() < 2) break;
    const std::size_t length = std::min<std::size_t>(
        static_cast<unsigned char>(rest[0]) + 256U * static_cast<unsigned char>(rest[1]),
        rest.size() - 2);
    const std::string_view contents = rest.substr(2, length);
    rest.remove_prefix(2 + length);
    if (length == 0) continue;  // This member is missing.
    if (name == "shape.npy" && takes_long(contents)) return 0;
    const std::string both = entry(name, contents);
    (directory += "PK\1\2") += std::string("\x14\0", 2) + both;
    append(directory, 0, 10);  // no comment, first disk, no attributes
    append(directory, archive.size(), 4);
    directory += name;
    (archive += "PK\3\4") += both;
    (archive += name) += contents;
    ++members;
  }
  const std::size_t begin = archive.size();
  (archive += directory) += "PK\5\6";
  append(archive, 0, 4);
  append(archive, members, 2);
  append(archive, members, 2);
  append(archive, directory.size(), 4);
  append(archive, begin, 4);
  append(archive, 0, 2);
  const auto path = fuzz::write_file("matrix.npz", archive);
  fuzz::try_to([&] {
    const lae::Csr<float> matrix = lae::load_npz<float>(path);
    for (lae::Index row = 0; row < matrix.rows(); ++row) {
      lae::Index before = -1;
      for (lae::Csr<float>::InnerIterator i(matrix, row); i; ++i) {
        fuzz::require(i.col() > before && i.col() < matrix.cols());
        before = i.col();
      }
    }
  });
  return 0;
}
