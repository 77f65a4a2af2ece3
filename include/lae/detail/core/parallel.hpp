#pragma once

/// \file
/// Loops over fixed tiles, in parallel (see core/threads.hpp).

#include <atomic>
#include <exception>
#include <type_traits>

#include "lae/core/threads.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/blas_threads.hpp"
#include "lae/detail/core/openmp.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A loop's body, called while the loop runs: a lambda that loops need not be compiled anew for.
template <class... Arguments>
class Body {
 public:
  template <class Function, class = std::enable_if_t<!std::is_same_v<std::decay_t<Function>, Body>>>
  Body(Function&& function)  // NOLINT(google-explicit-constructor)
      : function_(&function), call_([](const void* f, Arguments... arguments) {
          (*static_cast<const std::remove_reference_t<Function>*>(f))(arguments...);
        }) {}

  void operator()(Arguments... arguments) const { call_(function_, arguments...); }

 private:
  const void* function_;
  void (*call_)(const void*, Arguments...);
};

/// Keeps the first exception thrown inside a parallel region, where none may leave.
class FirstException {
 public:
  /// Runs `body` unless something was thrown before.
  void guard(const Body<>& body) noexcept {
    if (raised_.load(std::memory_order_relaxed)) return;
    try {
      body();
    } catch (...) {
      if (!claimed_.exchange(true)) first_ = std::current_exception();
      raised_.store(true, std::memory_order_relaxed);
    }
  }

  /// To be called after the region.
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::atomic<bool> raised_{false};
  std::atomic<bool> claimed_{false};
  std::exception_ptr first_;
};

/// Calls body(0) ... body(count - 1), each on one thread, in no fixed order. The first exception
/// ends the loop and is rethrown.
inline void parallel_for(Index count, const Body<Index>& body) {
  [[maybe_unused]] const SingleThreadedBlas single_threaded_blas;
  if (count <= 1 || thread_count() == 1) {
    for (Index i = 0; i < count; ++i) body(i);
    return;
  }
  remember_threads();
  FirstException error;
  LAE_OMP(parallel for schedule(dynamic, 1))
  for (Index i = 0; i < count; ++i) error.guard([&] { body(i); });
  error.rethrow();
}

/// Cuts [0, size) into tiles of `tile` (the last one may be shorter) and calls
/// body(first, length) for each, in parallel.
inline void parallel_tiles(Index size, Index tile, const Body<Index, Index>& body) {
  parallel_for((size + tile - 1) / tile, [&](Index t) {
    const Index first = t * tile;
    body(first, size - first < tile ? size - first : tile);
  });
}

/// Calls body(first_row, rows, first_column, columns) in parallel for each square tile that meets
/// the lower triangle of a size x size matrix; on the diagonal both ranges are the same.
inline void parallel_lower_tiles(Index size, Index tile,
                                 const Body<Index, Index, Index, Index>& body) {
  const Index tiles = (size + tile - 1) / tile;
  const auto length = [&](Index t) { return t + 1 < tiles ? tile : size - t * tile; };
  parallel_for(tiles * tiles, [&](Index pair) {
    const Index i = pair / tiles;
    const Index j = pair % tiles;
    if (j <= i) body(i * tile, length(i), j * tile, length(j));
  });
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
