#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "catch.hpp"

/// Where a file or folder is in the folder that the environment variable LAE_TEST_DATA names, as
/// CMake's variable of that name lets CTest do. Without it, a warning: the test is to be left then.
inline std::optional<std::filesystem::path> find_outside(const std::string& name) {
  if (const char* folder = std::getenv("LAE_TEST_DATA")) {
    std::filesystem::path path = std::filesystem::path(folder) / name;
    if (std::filesystem::exists(path)) return path;
  }
  WARN("skipped: no " << name << " (LAE_TEST_DATA may name a folder that holds it)");
  return std::nullopt;
}

/// A file or folder of the real data.
inline std::optional<std::filesystem::path> test_data(const std::string& name) {
  return find_outside("data/" + name);
}

/// Results of the L3AE authors' own code on the real data.
inline std::optional<std::filesystem::path> test_reference(const std::string& name) {
  return find_outside("reference/" + name);
}
