#pragma once

/// \file
/// Dense matrices in NumPy's .npy files.
///
///     lae::Matrix<float> embeddings = lae::load_npy<float>("embeddings.npy");
///     lae::save_npy("embeddings.npy", embeddings);

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/detail/io/npy_format.hpp"
#include "lae/io/file.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Reads a matrix from a .npy file (format version 1, 2 or 3) of float16, float32, float64,
/// integers or bool, of either byte order, in C or Fortran order. A one-dimensional array of length
/// n becomes n x 1.
///
/// Values are converted to Scalar as they are read: besides the matrix no more than 16 of its
/// columns (Fortran order) or about a megabyte are held.
/// \throws FileError if the file cannot be read, is not a .npy file, holds elements of another
/// type, has another number of dimensions, or is shorter or longer than its shape says; the last is
/// found out before memory is allocated.
template <class Scalar>
[[nodiscard]] Matrix<Scalar> load_npy(const std::filesystem::path& path) {
  static_assert(detail::is_supported_scalar<Scalar>, "lae: Scalar must be float or double");
  detail::FileSource source(path);
  detail::NpyNumbers array(source);
  const std::vector<std::uint64_t>& shape = array.shape();
  if (shape.size() != 1 && shape.size() != 2) {
    source.fail(detail::concat("holds an array of ", shape.size(), " dimensions, expected 1 or 2"));
  }
  Matrix<Scalar> matrix(static_cast<Index>(shape[0]),
                        shape.size() == 2 ? static_cast<Index>(shape[1]) : 1);
  if (array.fortran_order()) {
    detail::read_columns(array, matrix);
  } else {
    array.read(matrix.data(), matrix.size());
  }
  return matrix;
}

struct NpyOptions {
  /// Store columns one after the other instead of rows.
  bool fortran_order = false;
};

/// Writes a matrix of float or double as a two-dimensional .npy file. An existing file is replaced
/// as a whole, or left as it was.
///
/// A matrix, map or block is not copied; any other expression is evaluated first.
/// \throws FileError if the file cannot be written.
template <class Derived>
void save_npy(const std::filesystem::path& path, const Eigen::MatrixBase<Derived>& matrix,
              const NpyOptions& options = {}) {
  using Scalar = typename Derived::Scalar;
  static_assert(detail::is_supported_scalar<Scalar>, "lae: Scalar must be float or double");
  using Plain = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic,
                              Derived::IsRowMajor ? Eigen::RowMajor : Eigen::ColMajor>;
  using AnyStride = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  const Eigen::Ref<const Plain, 0, AnyStride> values(matrix.derived());

  AtomicFile file(path);
  const std::string header = detail::npy_header(
      {detail::npy_type<Scalar>(),
       options.fortran_order,
       {static_cast<std::uint64_t>(values.rows()), static_cast<std::uint64_t>(values.cols())}});
  file.write(header.data(), header.size());
  if (options.fortran_order) {
    detail::write_lines<Eigen::ColMajor>(file, values);
  } else {
    detail::write_lines<Eigen::RowMajor>(file, values);
  }
  file.commit();
}

}  // namespace LAE_ABI
}  // namespace lae
