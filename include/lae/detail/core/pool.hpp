#pragma once

/// \file
/// Working memory that the tasks of a loop borrow in turn.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Holds as many workspaces as tasks ever run at once. A workspace must not carry anything from one
/// task to the next that its results depend on.
template <class Workspace>
class Pool {
 public:
  /// \param size what each workspace is constructed from
  explicit Pool(Index size) : size_(size) {}

  /// Calls body(workspace).
  template <class Body>
  void with(Body&& body) {
    std::unique_ptr<Workspace> workspace = take();
    body(*workspace);
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(std::move(workspace));
  }

 private:
  std::unique_ptr<Workspace> take() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!free_.empty()) {
        std::unique_ptr<Workspace> workspace = std::move(free_.back());
        free_.pop_back();
        return workspace;
      }
    }
    return std::make_unique<Workspace>(size_);
  }

  Index size_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
