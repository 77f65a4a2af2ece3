#pragma once

/// \file
/// Sparse matrices as scipy.sparse.save_npz writes them: a zip archive of .npy arrays. Needs libzip
/// (CMake target lae::npz).
///
///     lae::Csr<float> train = lae::load_npz<float>("train.npz");
///     lae::save_npz("train.npz", train);

#include <filesystem>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/detail/io/npz_archive.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Reads a sparse matrix that scipy.sparse.save_npz wrote: in format csr, csc or coo, compressed or
/// not, with 32- or 64-bit indices and values of any integer type, bool, float16, float32 or
/// float64, of either byte order. Coordinates may stand in row and col, or together in coords.
///
/// Returns it compressed, rows sorted, with entries that stand twice added up (in Scalar) and
/// explicit zeros kept. Values are converted as they are read. Cost: O(entries + rows + columns).
/// \throws FileError if the file cannot be read, is not a whole zip archive, does not hold such a
/// matrix, or its arrays contradict each other, naming the array.
template <class Scalar>
[[nodiscard]] Csr<Scalar> load_npz(const std::filesystem::path& path) {
  static_assert(detail::is_supported_scalar<Scalar>, "lae: Scalar must be float or double");
  return detail::NpzReader<Scalar>(path).read();
}

/// How SciPy stores a sparse matrix: by rows, by columns, or as coordinates.
enum class NpzFormat { csr, csc, coo };

struct NpzOptions {
  NpzFormat format = NpzFormat::csr;
  /// Deflate the arrays, as save_npz does unless told otherwise.
  bool compress = true;
  /// Write 64-bit indices even where 32 bits are enough.
  bool force_64_bit_indices = false;
};

/// Writes a sparse matrix of float or double for scipy.sparse.load_npz. An existing file is
/// replaced as a whole, or left as it was. The same matrix always gives the same bytes.
///
/// Holds copies of the indices it writes as 32-bit numbers, and of the whole matrix unless that is
/// compressed, with 64-bit indices (as `Csr` is), in the order of the format.
/// \throws FileError if the file cannot be written.
template <class Derived>
void save_npz(const std::filesystem::path& path, const Eigen::SparseMatrixBase<Derived>& matrix,
              const NpzOptions& options = {}) {
  static_assert(detail::is_supported_scalar<typename Derived::Scalar>,
                "lae: Scalar must be float or double");
  const detail::NpzLayout layout{options.format == NpzFormat::coo, options.compress,
                                 options.force_64_bit_indices};
  if (options.format == NpzFormat::csc) {
    detail::write_sparse<Eigen::ColMajor>(path, matrix.derived(), layout);
  } else {
    detail::write_sparse<Eigen::RowMajor>(path, matrix.derived(), layout);
  }
}

}  // namespace LAE_ABI
}  // namespace lae
