#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "catch.hpp"

/// Where a file of the real data is: in the folder that the environment variable LAE_TEST_DATA
/// names, else in the one known to the build. Without it, a warning: the test is to be left then.
inline std::optional<std::filesystem::path> test_data(const std::string& name) {
  const char* folder = std::getenv("LAE_TEST_DATA");
#ifdef LAE_TEST_DATA_DIR
  if (folder == nullptr) folder = LAE_TEST_DATA_DIR;
#endif
  if (folder != nullptr) {
    std::filesystem::path path = std::filesystem::path(folder) / name;
    if (std::filesystem::exists(path)) return path;
  }
  WARN("skipped: no real data " << name << " (LAE_TEST_DATA names its folder)");
  return std::nullopt;
}
