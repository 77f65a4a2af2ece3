#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "catch.hpp"

/// Where a file is: in the folder that the environment variable names, else in the one known to the
/// build. Without it, a warning: the test is to be left then.
inline std::optional<std::filesystem::path> find_outside(const char* variable, const char* folder,
                                                         const std::string& name) {
  if (const char* chosen = std::getenv(variable)) folder = chosen;
  std::filesystem::path path = std::filesystem::path(folder) / name;
  if (std::filesystem::exists(path)) return path;
  WARN("skipped: no " << name << " (the environment variable " << variable
                      << " may name its folder)");
  return std::nullopt;
}

/// A file or folder of the real data.
inline std::optional<std::filesystem::path> test_data(const std::string& name) {
  return find_outside("LAE_TEST_DATA", LAE_TEST_DATA_DIR, name);
}

/// Results of the L3AE authors' own code on the real data.
inline std::optional<std::filesystem::path> test_reference(const std::string& name) {
  return find_outside("LAE_TEST_REFERENCE", LAE_TEST_REFERENCE_DIR, name);
}
