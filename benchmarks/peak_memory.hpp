#pragma once

/// \file
/// The memory that a computation adds to the process.

#include <malloc.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace yardstick {

/// The peak of what is resident in memory from construction on, in bytes (Linux).
class PeakMemory {
 public:
  PeakMemory() {
    malloc_trim(0);  // what was freed before does not serve as memory now
    std::ofstream("/proc/self/clear_refs") << "5";
    before_ = status("VmHWM:");
  }

  /// Whether the system tells.
  static bool is_known() { return status("VmHWM:") > 0; }

  std::uint64_t added() const { return status("VmHWM:") - before_; }
  std::uint64_t of_process() const { return status("VmHWM:"); }

 private:
  static std::uint64_t status(const std::string& key) {
    std::ifstream file("/proc/self/status");
    std::string word;
    std::uint64_t kibibytes = 0;
    while (file >> word) {
      if (word == key && file >> kibibytes) return kibibytes * 1024;
    }
    return 0;
  }

  std::uint64_t before_ = 0;
};

}  // namespace yardstick
