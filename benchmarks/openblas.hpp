#pragma once

/// \file
/// OpenBLAS, where a program is linked with it (LAE_HAS_LAPACK): its threads, the kernel it chose
/// for this processor, and its product. Other libraries may stand behind the same names, which is
/// why what only OpenBLAS has is asked for at run time.

#include <lae/core/types.hpp>
#include <string>
#include <type_traits>

#ifdef LAE_HAS_LAPACK
extern "C" {
// They return int because Eigen declares them so, which matters under EIGEN_USE_BLAS.
int sgemm_(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
           const int*, const float*, const int*, const float*, float*, const int*);
int dgemm_(const char*, const char*, const int*, const int*, const int*, const double*,
           const double*, const int*, const double*, const int*, const double*, double*,
           const int*);
void openblas_set_num_threads(int) __attribute__((weak));
int openblas_get_num_threads() __attribute__((weak));
char* openblas_get_corename() __attribute__((weak));
}
#endif

namespace openblas {

/// Such as "Haswell" or "SkylakeX" (which OPENBLAS_CORETYPE forces); empty without OpenBLAS.
inline std::string kernel() {
#ifdef LAE_HAS_LAPACK
  if (openblas_get_corename != nullptr) return openblas_get_corename();
#endif
  return {};
}

inline bool is_linked() {
  return !kernel().empty();
}

/// Zero without OpenBLAS.
inline int threads() {
#ifdef LAE_HAS_LAPACK
  if (openblas_get_num_threads != nullptr) return openblas_get_num_threads();
#endif
  return 0;
}

/// Where OpenBLAS itself runs on OpenMP, this is OpenMP's number of threads, too: set that last.
inline void set_threads([[maybe_unused]] int count) {
#ifdef LAE_HAS_LAPACK
  if (openblas_set_num_threads != nullptr && count > 0) openblas_set_num_threads(count);
#endif
}

#ifdef LAE_HAS_LAPACK
/// c += a * b of square matrices.
template <class Scalar>
void add_product(const lae::Matrix<Scalar>& a, const lae::Matrix<Scalar>& b,
                 lae::Matrix<Scalar>& c) {
  const int size = static_cast<int>(a.rows());
  const Scalar one = 1;
  // BLAS takes matrices by columns, where ours are their transposes: c' += b' * a'.
  const auto call = [&](auto gemm) {
    gemm("N", "N", &size, &size, &size, &one, b.data(), &size, a.data(), &size, &one, c.data(),
         &size);
  };
  if constexpr (std::is_same_v<Scalar, float>) {
    call(sgemm_);
  } else {
    call(dgemm_);
  }
}
#endif

}  // namespace openblas
