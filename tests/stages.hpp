#pragma once

#include <algorithm>
#include <lae/core/fit_control.hpp>
#include <lae/core/types.hpp>
#include <string>
#include <string_view>
#include <vector>

/// How often each stage began.
class Stages {
 public:
  lae::FitControl control() {
    lae::FitControl control;
    control.progress = [this](std::string_view name, double fraction) {
      if (fraction == 0) begun_.emplace_back(name);
      return true;
    };
    return control;
  }
  lae::Index begun(const std::string& name) const {
    return std::count(begun_.begin(), begun_.end(), name);
  }

 private:
  std::vector<std::string> begun_;
};
