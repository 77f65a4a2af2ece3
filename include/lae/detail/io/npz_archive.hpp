#pragma once

/// \file
/// Sparse matrices in zip archives of .npy arrays. Needs libzip.

#include <zip.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <list>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/detail/io/file_kind.hpp"
#include "lae/detail/io/npy_format.hpp"
#include "lae/io/file.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

struct DiscardArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using ZipHandle = std::unique_ptr<zip_t, DiscardArchive>;

/// An open zip archive.
struct ZipArchive {
  std::filesystem::path path;
  ZipHandle handle;

  /// `flags` are those of zip_open.
  /// \throws FileError if libzip cannot open it.
  ZipArchive(std::filesystem::path file, int flags) : path(std::move(file)) {
    int code = 0;
    handle.reset(zip_open(path.string().c_str(), flags, &code));
    if (handle != nullptr) return;
    if (code == ZIP_ER_NOZIP || code == ZIP_ER_INCONS) {
      throw FileError(
          path, "is not a zip archive (.npz), or only a part of one" + but_it_is(other_kind()));
    }
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw FileError(path, "cannot be opened as a zip archive: " + reason);
  }

 private:
  /// What else the file seems to be; nothing, if it begins as a zip archive.
  [[nodiscard]] std::string_view other_kind() const {
    const std::string_view kind = file_kind_of(path);
    return kind == file_kind("PK\3\4") ? std::string_view() : kind;
  }
};

/// One file in an archive.
class ZipMember : public ByteSource {
 public:
  /// \throws FileError if it cannot be opened, or claims to be larger than it can be.
  ZipMember(const ZipArchive& archive, const std::string& name)
      : ZipMember(archive, name, find(archive, name)) {}

 private:
  struct CloseMember {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };

  ZipMember(const ZipArchive& archive, const std::string& name, const zip_stat_t& entry)
      : ByteSource(archive.path, name, entry.size),
        file_(zip_fopen_index(archive.handle.get(), entry.index, 0)) {
    if (file_ == nullptr) fail(concat("cannot be read: ", zip_strerror(archive.handle.get())));
  }

  static zip_stat_t find(const ZipArchive& archive, const std::string& name) {
    zip_stat_t entry;
    zip_stat_init(&entry);
    if (zip_stat(archive.handle.get(), name.c_str(), 0, &entry) != 0) {
      throw FileError(archive.path,
                      concat("has no member ", name,
                             ": it is not a sparse matrix written by scipy.sparse.save_npz"));
    }
    // Memory is allocated by what the archive says of its members, so that must be possible.
    constexpr std::uint64_t most_bytes_per_deflated_byte = 1032;
    const bool stored = entry.comp_method == ZIP_CM_STORE;
    if (!stored && entry.comp_method != ZIP_CM_DEFLATE) {
      throw FileError(archive.path, name,
                      concat("is compressed by method ", entry.comp_method,
                             ", but only deflate (8) and none (0) are read"));
    }
    std::error_code ignored;
    if (entry.size / (stored ? 1 : most_bytes_per_deflated_byte) > entry.comp_size ||
        entry.comp_size > std::filesystem::file_size(archive.path, ignored)) {
      throw FileError(archive.path, name,
                      concat("claims to hold ", entry.size, " bytes in ", entry.comp_size,
                             ", which is not possible"));
    }
    return entry;
  }

  std::uint64_t read_some(char* destination, std::uint64_t bytes) override {
    // libzip miscounts what it inflates at once beyond 32 bits.
    const std::uint64_t most = std::uint64_t{1} << 30;
    const zip_int64_t read = zip_fread(file_.get(), destination, (std::min)(bytes, most));
    if (read < 0) fail_at(offset(), concat("cannot be read: ", zip_file_strerror(file_.get())));
    return static_cast<std::uint64_t>(read);
  }

  std::unique_ptr<zip_file_t, CloseMember> file_;
};

/// An array in an archive, read by an NpyReader of the types that it may have.
template <class Reader>
class NpzArray {
 public:
  NpzArray(const ZipArchive& archive, const std::string& name, std::size_t dimensions = 1)
      : member_(archive, name), array_(member_) {
    if (array_.shape().size() != dimensions) {
      member_.fail(concat("has ", array_.shape().size(), " dimensions, expected ", dimensions));
    }
  }

  [[nodiscard]] bool fortran_order() const { return array_.fortran_order(); }

  [[nodiscard]] Index size(std::size_t dimension = 0) const {
    return static_cast<Index>(array_.shape()[dimension]);
  }

  /// `reason` says what the length must agree with.
  void require_size(Index expected, std::string_view reason, std::size_t dimension = 0) const {
    if (size(dimension) != expected) {
      member_.fail(concat("has length ", size(dimension), ", expected ", expected, " ", reason));
    }
  }

  /// Reads the next elements.
  template <class T>
  void read(T* destination, Index count) {
    array_.read(destination, count);
  }

  /// Reads all elements of one dimension.
  template <class T>
  void read(T* destination) {
    read(destination, size());
  }

  /// \throws FileError if an index is not in [0, limit).
  void require_indices(const Index* indices, Index count, Index limit) const {
    for (Index i = 0; i < count; ++i) {
      if (indices[i] < 0 || indices[i] >= limit) {
        member_.fail(concat("entry ", i, " is ", indices[i], ", not in [0, ", limit, ")"));
      }
    }
  }

  /// Reads all elements, which must be in [0, limit).
  void read_indices(Index* destination, Index limit) {
    read(destination);
    require_indices(destination, size(), limit);
  }

  /// Reads all elements, which must rise from 0, each at least as large as the one before.
  void read_offsets(Index* destination) {
    read(destination);
    if (destination[0] != 0) member_.fail(concat("begins with ", destination[0], ", not with 0"));
    for (Index i = 1; i < size(); ++i) {
      if (destination[i] < destination[i - 1]) {
        member_.fail(
            concat("falls from ", destination[i - 1], " to ", destination[i], " at entry ", i));
      }
    }
  }

 private:
  ZipMember member_;
  Reader array_;
};

using NpzIndices = NpzArray<NpyReader<std::int32_t, std::int64_t>>;
using NpzValues = NpzArray<NpyNumbers>;

/// Reads one sparse matrix out of an archive.
template <class Scalar>
class NpzReader {
 public:
  explicit NpzReader(const std::filesystem::path& path) : archive_(path, ZIP_RDONLY) {}

  Csr<Scalar> read() {
    const std::string format = read_format();
    read_shape();
    Csr<Scalar> matrix;
    if (format == "csr") {
      matrix = read_compressed<Eigen::RowMajor>();
    } else if (format == "csc") {
      matrix = read_compressed<Eigen::ColMajor>();
    } else if (format == "coo") {
      matrix = read_coordinates();
    } else {
      throw FileError(archive_.path,
                      concat("holds a matrix in format '", format,
                             "', but only csr, csc and coo are read: re-save it with "
                             "scipy.sparse.save_npz(path, matrix.tocsr())"));
    }
    return sorted_unique<Scalar>(matrix);
  }

 private:
  /// The name is a zero-dimensional array of bytes, or of 32-bit characters.
  std::string read_format() {
    ZipMember member(archive_, "format.npy");
    const NpyHeader header = read_npy_header(member);
    if ((header.type.kind != 'S' && header.type.kind != 'U') || !header.shape.empty()) {
      member.fail("is not the name of a sparse format");
    }
    const std::uint64_t character = header.type.kind == 'U' ? 4 : 1;
    member.require_array({header.type.bytes}, character);
    std::string stored(static_cast<std::size_t>(member.remaining()), '\0');
    member.read(stored.data(), stored.size());
    member.require_end();
    stored.erase(std::remove(stored.begin(), stored.end(), '\0'), stored.end());
    return stored;
  }

  void read_shape() {
    NpzIndices shape(archive_, "shape.npy");
    shape.require_size(2, "(rows and columns)");
    std::array<Index, 2> lengths{};
    shape.read(lengths.data());
    for (const Index length : lengths) {
      // Offsets to that many rows must be possible to allocate.
      if (length < 0 || length >= (std::numeric_limits<Index>::max)() / Index{sizeof(Index)}) {
        throw FileError(archive_.path,
                        concat("has the impossible shape ", lengths[0], " x ", lengths[1]));
      }
    }
    rows_ = lengths[0];
    cols_ = lengths[1];
  }

  /// Of what stands by columns or as coordinates, no member is as long as there are rows: memory
  /// for them must not be asked for on a wrong number's word.
  void require_plausible_rows() const {
    constexpr Index always_plausible = Index(1) << 24;
    constexpr std::uintmax_t rows_per_byte = 4096;
    std::error_code ignored;
    const std::uintmax_t bytes = std::filesystem::file_size(archive_.path, ignored);
    if (rows_ > always_plausible && static_cast<std::uintmax_t>(rows_) / rows_per_byte > bytes) {
      throw FileError(archive_.path, concat("claims to hold a matrix of ", rows_, " x ", cols_,
                                            " in ", bytes, " bytes"));
    }
  }

  template <int StorageOrder>
  Eigen::SparseMatrix<Scalar, StorageOrder, Index> read_compressed() {
    constexpr bool by_rows = StorageOrder == Eigen::RowMajor;
    if (!by_rows) require_plausible_rows();
    const Index outer = by_rows ? rows_ : cols_;
    const Index inner = by_rows ? cols_ : rows_;
    NpzIndices offsets(archive_, "indptr.npy");
    offsets.require_size(outer + 1, by_rows ? "(rows + 1)" : "(columns + 1)");
    Eigen::SparseMatrix<Scalar, StorageOrder, Index> matrix(rows_, cols_);
    offsets.read_offsets(matrix.outerIndexPtr());

    const Index entries = matrix.outerIndexPtr()[outer];
    NpzIndices indices(archive_, "indices.npy");
    NpzValues values(archive_, "data.npy");
    indices.require_size(entries, "(the last entry of indptr)");
    values.require_size(entries, "(the last entry of indptr)");
    matrix.resizeNonZeros(entries);
    indices.read_indices(matrix.innerIndexPtr(), inner);
    values.read(matrix.valuePtr());
    return matrix;
  }

  void read_rows_and_columns(Index entries, std::vector<Index>& row, std::vector<Index>& column) {
    NpzIndices stored_rows(archive_, "row.npy");
    NpzIndices stored_columns(archive_, "col.npy");
    stored_rows.require_size(entries, "(the length of data)");
    stored_columns.require_size(entries, "(the length of data)");
    row.resize(static_cast<std::size_t>(entries));
    column.resize(static_cast<std::size_t>(entries));
    stored_rows.read_indices(row.data(), rows_);
    stored_columns.read_indices(column.data(), cols_);
  }

  /// Rows and columns as the two rows of one array.
  void read_coords(Index entries, std::vector<Index>& row, std::vector<Index>& column) {
    NpzIndices stored(archive_, "coords.npy", 2);
    stored.require_size(2, "(rows and columns)");
    stored.require_size(entries, "(the length of data)", 1);
    row.resize(static_cast<std::size_t>(entries));
    column.resize(static_cast<std::size_t>(entries));
    if (stored.fortran_order()) {
      std::vector<Index> pairs(2 * row.size());
      stored.read(pairs.data(), 2 * entries);
      for (std::size_t entry = 0; entry < row.size(); ++entry) {
        row[entry] = pairs[2 * entry];
        column[entry] = pairs[2 * entry + 1];
      }
    } else {
      stored.read(row.data(), entries);
      stored.read(column.data(), entries);
    }
    stored.require_indices(row.data(), entries, rows_);
    stored.require_indices(column.data(), entries, cols_);
  }

  Csr<Scalar> read_coordinates() {
    require_plausible_rows();
    NpzValues stored_values(archive_, "data.npy");
    const Index entries = stored_values.size();
    std::vector<Index> row;
    std::vector<Index> column;
    const bool is_together = zip_name_locate(archive_.handle.get(), "coords.npy", 0) >= 0;
    if (is_together) {
      read_coords(entries, row, column);
    } else {
      read_rows_and_columns(entries, row, column);
    }
    std::vector<Scalar> value(static_cast<std::size_t>(entries));
    stored_values.read(value.data());

    Csr<Scalar> matrix(rows_, cols_);
    matrix.resizeNonZeros(entries);
    Index* row_start = matrix.outerIndexPtr();
    for (const Index r : row) ++row_start[r + 1];
    std::partial_sum(row_start, row_start + rows_ + 1, row_start);
    std::vector<Index> next(row_start, row_start + rows_);
    for (std::size_t entry = 0; entry < row.size(); ++entry) {
      const Index place = next[static_cast<std::size_t>(row[entry])]++;
      matrix.innerIndexPtr()[place] = column[entry];
      matrix.valuePtr()[place] = value[entry];
    }
    return matrix;
  }

  ZipArchive archive_;
  Index rows_ = 0;
  Index cols_ = 0;
};

/// Writes arrays into a new archive that takes its target's place at the end.
class NpzWriter {
 public:
  NpzWriter(const std::filesystem::path& path, bool compress, bool wide_indices)
      : replacement_(path),
        archive_(replacement_.partial(), ZIP_CREATE | ZIP_TRUNCATE),
        compress_(compress),
        wide_indices_(wide_indices) {}

  /// The elements must live until `commit`, which is when libzip reads them.
  template <class T>
  void add_array(const char* name, const T* elements, Index count) {
    const auto length = static_cast<std::uint64_t>(count);
    add(name, {npy_type<T>(), false, {length}}, elements, length * sizeof(T));
  }

  /// As add_array; 32-bit indices are copies.
  void add_indices(const char* name, const Index* indices, Index count) {
    if (wide_indices_) {
      add_array(name, indices, count);
    } else {
      narrow_indices_.emplace_back(indices, indices + count);
      add_array(name, narrow_indices_.back().data(), count);
    }
  }

  /// Adds the name of the sparse format, an array without dimensions.
  void add_format(const char* format) {
    add("format.npy", {{"|S3", '|', 'S', 3}, false, {}}, format, 3);
  }

  void add_shape(Index rows, Index cols) {
    shape_ = {rows, cols};
    add_array("shape.npy", shape_.data(), 2);
  }

  void commit() {
    require_success(zip_close(archive_.handle.get()) == 0);
    static_cast<void>(archive_.handle.release());  // It is gone.
    replacement_.commit();
  }

 private:
  void add(const char* name, const NpyHeader& header, const void* elements, std::uint64_t bytes) {
    const std::string& start = headers_.emplace_back(npy_header(header));
    // libzip asks for pointers to non-const, but only reads.
    const auto fragment = [](const void* data, std::uint64_t size) {
      return zip_buffer_fragment_t{static_cast<zip_uint8_t*>(const_cast<void*>(data)), size};
    };
    const std::array<zip_buffer_fragment_t, 2> fragments{fragment(start.data(), start.size()),
                                                         fragment(elements, bytes)};
    zip_source_t* source =
        zip_source_buffer_fragment(archive_.handle.get(), fragments.data(), fragments.size(), 0);
    require_success(source != nullptr);
    const zip_int64_t added = zip_file_add(archive_.handle.get(), name, source, ZIP_FL_ENC_UTF_8);
    if (added < 0) zip_source_free(source);  // Otherwise the archive owns it.
    require_success(added >= 0);
    const auto index = static_cast<zip_uint64_t>(added);
    require_success(zip_set_file_compression(archive_.handle.get(), index,
                                             compress_ ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) == 0);
    // The same matrix gives the same bytes at any time: all members are of 1 January 1980.
    require_success(zip_file_set_dostime(archive_.handle.get(), index, 0, (1 << 5) | 1, 0) == 0);
  }

  void require_success(bool success) const {
    if (!success) {
      throw FileError(replacement_.target(),
                      concat("cannot be written: ", zip_strerror(archive_.handle.get())));
    }
  }

  AtomicReplacement replacement_;
  // What libzip has pointers to comes before the archive, to outlive it. Lists do not move it.
  std::list<std::string> headers_;
  std::list<std::vector<std::int32_t>> narrow_indices_;
  std::array<Index, 2> shape_{};
  ZipArchive archive_;
  bool compress_;
  bool wide_indices_;
};

/// How a matrix is to be written (see NpzOptions).
struct NpzLayout {
  bool coordinates;
  bool compress;
  bool force_64_bit_indices;
};

template <int StorageOrder, class Scalar>
void write_compressed(const std::filesystem::path& path,
                      const Eigen::SparseMatrix<Scalar, StorageOrder, Index>& matrix,
                      const NpzLayout& layout) {
  const Index entries = matrix.nonZeros();
  std::vector<Index> rows;
  if (layout.coordinates) {
    rows.reserve(static_cast<std::size_t>(entries));
    for (Index row = 0; row < matrix.rows(); ++row) {
      rows.resize(static_cast<std::size_t>(matrix.outerIndexPtr()[row + 1]), row);
    }
  }

  const Index largest = (std::max)({matrix.rows(), matrix.cols(), entries});
  NpzWriter writer(
      path, layout.compress,
      layout.force_64_bit_indices || largest > (std::numeric_limits<std::int32_t>::max)());
  if (layout.coordinates) {
    writer.add_indices("row.npy", rows.data(), entries);
    writer.add_indices("col.npy", matrix.innerIndexPtr(), entries);
    writer.add_format("coo");
  } else {
    writer.add_indices("indices.npy", matrix.innerIndexPtr(), entries);
    writer.add_indices("indptr.npy", matrix.outerIndexPtr(), matrix.outerSize() + 1);
    writer.add_format(StorageOrder == Eigen::RowMajor ? "csr" : "csc");
  }
  writer.add_shape(matrix.rows(), matrix.cols());
  writer.add_array("data.npy", matrix.valuePtr(), entries);
  writer.commit();
}

template <int StorageOrder, class Derived>
void write_sparse(const std::filesystem::path& path, const Derived& matrix,
                  const NpzLayout& layout) {
  using Plain = Eigen::SparseMatrix<typename Derived::Scalar, StorageOrder, Index>;
  if constexpr (std::is_same_v<Derived, Plain>) {
    if (matrix.isCompressed()) return write_compressed(path, matrix, layout);
  }
  Plain copy(matrix);
  copy.makeCompressed();
  write_compressed(path, copy, layout);
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
