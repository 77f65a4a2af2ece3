#pragma once

/// \file
/// Compiles what takes longest once for a whole program: fits, searches, rankings of fitted models
/// and singular vectors, in float and in double. One file of the program makes them,
///
///     #define LAE_INSTANTIATE
///     #include <lae/instances.hpp>
///
/// and the others include this header, too, which tells the compiler that they are there. Each of
/// those files then takes about as long as one that fits nothing. All must be compiled with the
/// same options, or linking fails (see README.md).

#include "lae/algebra/truncated_svd.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/lae.hpp"

#ifdef LAE_INSTANTIATE
#define LAE_INSTANCE template
#else
#define LAE_INSTANCE extern template
#endif

#define LAE_INSTANCES(Scalar)                                                                    \
  LAE_INSTANCE void invert_spd<Scalar>(Matrix<Scalar>&, const Progress&);                        \
  LAE_INSTANCE Matrix<Scalar> detail::dual_inverse<Scalar>(                                      \
      const Csr<Scalar>&, const Vector<Scalar>&, const Progress&);                               \
  LAE_INSTANCE Matrix<Scalar> detail::fit_recipe<Scalar>(const Recipe&, detail::FitData<Scalar>, \
                                                         const Progress&);                       \
  LAE_INSTANCE void detail::measure_points<Scalar>(detail::GridEngine<Scalar>&);                 \
  LAE_INSTANCE Recommendations<Scalar> detail::rank_users<ItemModel<Scalar>, Scalar>(            \
      const ItemModel<Scalar>&, const Csr<Scalar>&, const std::vector<Index>&,                   \
      const RecommendOptions&, const detail::EveryItem&);                                        \
  LAE_INSTANCE TruncatedSvd<Scalar> truncated_svd<Scalar>(                                       \
      const Csr<Scalar>&, const TruncatedSvdOptions&, const Progress&);                          \
  LAE_INSTANCE TruncatedSvd<Scalar> truncated_svd<Scalar>(                                       \
      const Matrix<Scalar>&, const TruncatedSvdOptions&, const Progress&);

namespace lae {
inline namespace LAE_ABI {

LAE_INSTANCES(float)
LAE_INSTANCES(double)

}  // namespace LAE_ABI
}  // namespace lae

#undef LAE_INSTANCES
#undef LAE_INSTANCE
