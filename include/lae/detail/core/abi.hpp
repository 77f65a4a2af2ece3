#pragma once

/// \file
/// What has to be alike in all translation units of a program. Alignment decides how memory is
/// freed, and vector instructions, OpenMP and BLAS decide what functions of the same name do; a
/// linker that finds two such functions silently takes one for all. So everything of the library is
/// in an inline namespace that carries these settings, and, on systems with ELF files, each
/// translation unit defines a symbol whose value they are: linking units built differently fails
/// with "multiple definition" of a symbol that says so.

#include <Eigen/Core>

#include "lae/version.hpp"

#ifdef __FINITE_MATH_ONLY__
#if __FINITE_MATH_ONLY__
#error "lae: -ffinite-math-only (part of -ffast-math) breaks the checks for NaN and infinity"
#endif
#endif

#if EIGEN_MAX_ALIGN_BYTES >= 64
#define LAE_DETAIL_ALIGNMENT 64
#elif EIGEN_MAX_ALIGN_BYTES >= 32
#define LAE_DETAIL_ALIGNMENT 32
#elif EIGEN_MAX_ALIGN_BYTES >= 16
#define LAE_DETAIL_ALIGNMENT 16
#else
#define LAE_DETAIL_ALIGNMENT 0
#endif

#ifdef EIGEN_VECTORIZE_FMA
#define LAE_DETAIL_FMA 1
#else
#define LAE_DETAIL_FMA 0
#endif

#ifdef _OPENMP
#define LAE_DETAIL_OPENMP 1
#else
#define LAE_DETAIL_OPENMP 0
#endif

#ifdef EIGEN_USE_BLAS
#define LAE_DETAIL_BLAS 1
#else
#define LAE_DETAIL_BLAS 0
#endif

#define LAE_DETAIL_JOIN(major, minor, align, fma, openmp, blas) \
  v##major##_##minor##_align##align##_fma##fma##_openmp##openmp##_blas##blas
#define LAE_DETAIL_EXPAND(major, minor, align, fma, openmp, blas) \
  LAE_DETAIL_JOIN(major, minor, align, fma, openmp, blas)

/// The inline namespace of everything in `lae`.
#define LAE_ABI                                                                                 \
  LAE_DETAIL_EXPAND(LAE_VERSION_MAJOR, LAE_VERSION_MINOR, LAE_DETAIL_ALIGNMENT, LAE_DETAIL_FMA, \
                    LAE_DETAIL_OPENMP, LAE_DETAIL_BLAS)

// An absolute symbol may be defined many times with one value, but not with two.
#if defined(__ELF__) && defined(__GNUC__)
#define LAE_DETAIL_TEXT_OF(x) #x
#define LAE_DETAIL_TEXT(x) LAE_DETAIL_TEXT_OF(x)
#define LAE_DETAIL_BUILD_SYMBOL \
  "lae_is_built_with_different_options_for_alignment_or_OpenMP_or_BLAS_in_these_files"
namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Not at file scope: link-time optimisers of Clang would take the symbol for a function there, of
/// which there may be one.
[[gnu::used]] static inline void name_build_options() {
  __asm__ volatile(".globl " LAE_DETAIL_BUILD_SYMBOL "\n.hidden " LAE_DETAIL_BUILD_SYMBOL
                   "\n.set " LAE_DETAIL_BUILD_SYMBOL ", " LAE_DETAIL_TEXT(
                       LAE_VERSION_MAJOR) "*1000000+" LAE_DETAIL_TEXT(LAE_VERSION_MINOR)
                   "*10000+" LAE_DETAIL_TEXT(LAE_DETAIL_ALIGNMENT) "*10+" LAE_DETAIL_TEXT(
                       LAE_DETAIL_FMA) "*4+" LAE_DETAIL_TEXT(LAE_DETAIL_OPENMP)
                   "*2+" LAE_DETAIL_TEXT(LAE_DETAIL_BLAS) "\n");
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
#endif
