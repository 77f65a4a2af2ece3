#pragma once

/// \file
/// The list of what lae/instances.hpp compiles once.

#include <optional>
#include <vector>

#include "lae/algebra/truncated_svd.hpp"
#include "lae/blocks.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/lae.hpp"
#include "lae/spectral.hpp"

#ifdef LAE_INSTANTIATE
#define LAE_INSTANCE template
#else
#define LAE_INSTANCE extern template
#endif

#define LAE_INSTANCES(Scalar)                                                                    \
  LAE_INSTANCE void detail::set_all_scores<ItemModel<Scalar>, Scalar>(                           \
      const ItemModel<Scalar>&, const Csr<Scalar>&, Matrix<Scalar>&);                            \
  LAE_INSTANCE void detail::set_all_scores<SpectralModel<Scalar>, Scalar>(                       \
      const SpectralModel<Scalar>&, const Csr<Scalar>&, Matrix<Scalar>&);                        \
  LAE_INSTANCE void detail::set_all_scores<SgfcfModel<Scalar>, Scalar>(                          \
      const SgfcfModel<Scalar>&, const Csr<Scalar>&, Matrix<Scalar>&);                           \
  LAE_INSTANCE void detail::set_all_scores<SparseLowRankModel<Scalar>, Scalar>(                  \
      const SparseLowRankModel<Scalar>&, const Csr<Scalar>&, Matrix<Scalar>&);                   \
  LAE_INSTANCE void invert_spd<Scalar>(Matrix<Scalar>&, const Progress&);                        \
  LAE_INSTANCE Index detail::invert_gram<Scalar>(detail::Tile<Scalar>, FitForm,                  \
                                                 detail::PivotFailure, const Progress&);         \
  LAE_INSTANCE Matrix<Scalar> detail::dual_inverse<Scalar>(                                      \
      const Csr<Scalar>&, const Vector<Scalar>&, const Progress&);                               \
  LAE_INSTANCE Matrix<Scalar> detail::fit_recipe<Scalar>(const Recipe&, detail::FitData<Scalar>, \
                                                         const FitControl&);                     \
  LAE_INSTANCE void detail::measure_points<Scalar>(detail::GridEngine<Scalar>&);                 \
  LAE_INSTANCE Recommendations<Scalar> detail::rank_users<ItemModel<Scalar>, Scalar>(            \
      const ItemModel<Scalar>&, const Csr<Scalar>&, const std::vector<Index>&,                   \
      const RecommendOptions&, const detail::EveryItem&);                                        \
  LAE_INSTANCE Recommendations<Scalar> detail::rank_users<OrPopular<ItemModel<Scalar>>, Scalar>( \
      const OrPopular<ItemModel<Scalar>>&, const Csr<Scalar>&, const std::vector<Index>&,        \
      const RecommendOptions&, const detail::EveryItem&);                                        \
  LAE_INSTANCE SpectralModel<Scalar> detail::fit_spectral<SpectralModel<Scalar>>(                \
      const SpectralRecipe&, Csr<Scalar>, const FitControl&);                                    \
  LAE_INSTANCE SgfcfModel<Scalar> detail::fit_spectral<SgfcfModel<Scalar>>(                      \
      const SpectralRecipe&, Csr<Scalar>, const FitControl&);                                    \
  LAE_INSTANCE detail::SpectralBasis<Scalar> detail::spectral_basis<Scalar>(                     \
      const SpectralRecipe&, Csr<Scalar>, const FitControl&);                                    \
  LAE_INSTANCE void detail::make_model<Scalar>(                                                  \
      const SpectralRecipe&, const detail::SpectralBasis<Scalar>&, detail::Homophilies<Scalar>&, \
      const Progress&, std::optional<SpectralModel<Scalar>>&);                                   \
  LAE_INSTANCE void detail::make_model<Scalar>(                                                  \
      const SpectralRecipe&, const detail::SpectralBasis<Scalar>&, detail::Homophilies<Scalar>&, \
      const Progress&, std::optional<SgfcfModel<Scalar>>&);                                      \
  LAE_INSTANCE Recommendations<Scalar> detail::rank_users<SpectralModel<Scalar>, Scalar>(        \
      const SpectralModel<Scalar>&, const Csr<Scalar>&, const std::vector<Index>&,               \
      const RecommendOptions&, const detail::EveryItem&);                                        \
  LAE_INSTANCE Recommendations<Scalar> detail::rank_users<SgfcfModel<Scalar>, Scalar>(           \
      const SgfcfModel<Scalar>&, const Csr<Scalar>&, const std::vector<Index>&,                  \
      const RecommendOptions&, const detail::EveryItem&);                                        \
  LAE_INSTANCE class detail::BlockFitter<Scalar>;                                                \
  LAE_INSTANCE BlockFit<Scalar> detail::fit_by_blocks<Scalar>(                                   \
      const Recipe&, detail::FitData<Scalar>, const ProblemSize&, const BlockOptions&,           \
      const FitControl&);                                                                        \
  LAE_INSTANCE Recommendations<Scalar> detail::rank_users<SparseLowRankModel<Scalar>, Scalar>(   \
      const SparseLowRankModel<Scalar>&, const Csr<Scalar>&, const std::vector<Index>&,          \
      const RecommendOptions&, const detail::EveryItem&);                                        \
  LAE_INSTANCE void detail::measure_blocks<Scalar>(detail::BlockEngine<Scalar>&);                \
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
