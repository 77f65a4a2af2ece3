#pragma once

/// \file
/// Bytes and flops of the parts that fits are made of (see recipe/cost.hpp for whole fits). Bytes
/// are 64 bits wide throughout: n^2 passes 32 bits at n = 46,341.

#include <algorithm>
#include <cstdint>

#include "lae/core/fit_cost.hpp"
#include "lae/core/fit_form.hpp"
#include "lae/core/threads.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

using Bytes = std::uint64_t;

/// Bytes of so many scalars; all that 64 bits hold if there are more.
template <class Scalar>
Bytes dense_bytes(Index rows, Index columns) {
  const double exact = static_cast<double>(rows) * static_cast<double>(columns) * sizeof(Scalar);
  if (exact > 0x1p63) return Bytes(1) << 63;
  return static_cast<Bytes>(rows) * static_cast<Bytes>(columns) * sizeof(Scalar);
}

template <class Scalar>
Bytes csr_bytes(Index rows, Index entries) {
  return static_cast<Bytes>(entries) * (sizeof(Scalar) + sizeof(Index)) +
         static_cast<Bytes>(rows + 1) * sizeof(Index);
}

/// What `add_gram_of_columns` needs to know where the columns of X are.
inline Bytes sparse_gram_bytes(Index columns, Index entries) {
  return static_cast<Bytes>(entries + columns + 1) * 2 * sizeof(Index);
}

/// With rows of equal length; longer ones among shorter ones cost more.
inline double sparse_gram_flops(Index rows, Index entries) {
  return rows > 0 ? static_cast<double>(entries) * static_cast<double>(entries) /
                        static_cast<double>(rows)
                  : 0;
}

/// The product kernel's buffers on all threads.
template <class Scalar>
Bytes product_bytes() {
  return static_cast<Bytes>(thread_count()) * product_buffer_bytes<Scalar>();
}

/// Rows of an n x n matrix that are formed on every thread before they take the place of others.
template <class Scalar>
Bytes panel_bytes(Index n) {
  return static_cast<Bytes>(thread_count()) * dense_bytes<Scalar>((std::min)(n, product_tile), n);
}

/// a * b * c as a floating-point number.
inline double volume(Index a, Index b, Index c) {
  return static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
}

/// A multiply-add of the dual form's sparse products takes as long as this many of a dense one.
inline constexpr double sparse_flop_price = 32;

/// Flops of the sparse products of the dual form.
inline double dual_sparse_flops(Index rows, Index items, Index entries) {
  return 2 * static_cast<double>(entries) *
         (static_cast<double>(rows) + static_cast<double>(items) / 2);
}

/// How many items of P the dual form computes at once on one thread: few, for the memory they take
/// (n m / 32 scalars on all threads), but enough to read the inverse seldom.
inline Index dual_panel(Index items) {
  return std::max<Index>(16, items / 32 / thread_count());
}

/// Peak memory, X (rows x items) not included, and flops of `regularized_inverse` from X, and the
/// form it takes. How much elimination saves depends on who has what, not on sizes alone: flops are
/// those without it.
/// \throws std::invalid_argument if the dual form is asked for and there are more rows than items.
template <class Scalar>
FitCost inverse_cost(Index rows, Index items, Index entries, FitForm form) {
  require(form != FitForm::dual || rows <= items,
          "the dual form needs no more rows (users) than items, got ", rows, " x ", items);
  const FitCost primal{volume(items, items, items) + sparse_gram_flops(rows, entries),
                       dense_bytes<Scalar>(items, items) + product_bytes<Scalar>() +
                           sparse_gram_bytes(items, entries),
                       FitForm::primal};
  if (form == FitForm::eliminated) return {primal.flops, primal.bytes, form};
  if (form == FitForm::primal || rows > items) return primal;

  const double sparse_flops = dual_sparse_flops(rows, items, entries);
  const Bytes panels = static_cast<Bytes>(thread_count()) *
                       dense_bytes<Scalar>((std::min)(items, dual_panel(items)), rows);
  const FitCost dual{volume(rows, rows, rows) + sparse_gram_flops(items, entries) + sparse_flops,
                     dense_bytes<Scalar>(items, items) + product_bytes<Scalar>() +
                         csr_bytes<Scalar>(rows, entries) + csr_bytes<Scalar>(items, entries) +
                         (std::max)(sparse_gram_bytes(rows, entries), panels),
                     FitForm::dual};
  const double slow = sparse_flops * (sparse_flop_price - 1);
  return form == FitForm::dual || dual.flops + slow < primal.flops ? dual : primal;
}

/// The form of P.
/// \param has_dual whether all of G is of sparse matrices
/// \throws std::invalid_argument if the dual form is asked for where there is none.
template <class Scalar>
FitForm inverse_form(FitForm form, Index rows, Index items, Index entries, bool has_dual) {
  if (has_dual) return inverse_cost<Scalar>(rows, items, entries, form).form;
  require(form != FitForm::dual, "with dense features in the Gram matrix there is no dual form");
  return form == FitForm::eliminated ? form : FitForm::primal;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
