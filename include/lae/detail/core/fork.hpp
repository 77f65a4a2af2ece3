#pragma once

/// \file
/// Whether this process still has the threads that it thinks it has.

#include <atomic>
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The process that has used threads; 0: none yet.
inline std::atomic<long> process_with_threads{0};

inline long this_process() {
#if __has_include(<unistd.h>)
  return static_cast<long>(getpid());
#else
  return 1;
#endif
}

/// To be called before threads are used.
inline void remember_threads() {
  process_with_threads.store(this_process(), std::memory_order_relaxed);
}

inline bool is_forked_after_threads() {
  const long process = process_with_threads.load(std::memory_order_relaxed);
  return process != 0 && process != this_process();
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
