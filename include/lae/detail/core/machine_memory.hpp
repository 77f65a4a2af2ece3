#pragma once

/// \file
/// How much memory there is: of the machine, and of the control groups (containers) that this
/// process is in.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#if __has_include(<unistd.h>)
#include <unistd.h>

#include "lae/detail/core/abi.hpp"
#endif

namespace lae {
inline namespace LAE_ABI {
namespace detail {

inline constexpr std::uint64_t unlimited = (std::numeric_limits<std::uint64_t>::max)();

inline std::uint64_t physical_memory() {
#if __has_include(<unistd.h>) && defined(_SC_PHYS_PAGES)
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) {
    return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
  }
#endif
  return unlimited;
}

/// The lines of a small file of the system; empty if there is none.
inline std::string system_file(const std::string& path) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "r"));
  std::string text;
  char part[4096];
  while (file && std::fgets(part, sizeof(part), file.get()) != nullptr) text += part;
  return text;
}

/// The number in a file; unlimited if there is none ("max", or no file).
inline std::uint64_t limit_in(const std::string& path) {
  const std::string text = system_file(path);
  if (text.empty() || text[0] < '0' || text[0] > '9') return unlimited;
  return std::strtoull(text.c_str(), nullptr, 10);
}

/// The least limit of a group and of the groups around it, which hold for it, too. Inside a
/// container the path may be the host's, which the container does not see: then the groups that it
/// sees are those around it.
inline std::uint64_t limit_of_group(const std::string& mount, std::string group,
                                    const std::string& file) {
  std::uint64_t least = limit_in(mount + "/" + file);
  while (!group.empty() && group != "/") {
    least = (std::min)(least, limit_in(mount + group + "/" + file));
    group.erase(group.rfind('/'));
  }
  return least;
}

/// The memory limit of the control groups of this process, version 1 or 2.
/// \param root where the system's files are: empty, but for tests
inline std::uint64_t control_group_memory(const std::string& root = "") {
  const std::string mount = root + "/sys/fs/cgroup";
  std::uint64_t least = unlimited;
  const std::string groups = system_file(root + "/proc/self/cgroup");
  for (std::size_t begin = 0; begin < groups.size();) {
    const std::size_t end = (std::min)(groups.find('\n', begin), groups.size());
    const std::string line = groups.substr(begin, end - begin);  // hierarchy:controllers:path
    begin = end + 1;
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") {
      least = (std::min)(least, limit_of_group(mount, path, "memory.max"));
    } else if (controllers.find(",memory,") != std::string::npos) {
      least = (std::min)(least, limit_of_group(mount + "/memory", path, "memory.limit_in_bytes"));
    }
  }
  return least;
}

inline std::uint64_t machine_memory() {
  return (std::min)(physical_memory(), control_group_memory());
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
