#pragma once

/// \file
/// What the report says of neural models alone.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "neural_study.hpp"

namespace example {

/// The steps of neural models among those of a data set.
inline std::vector<std::string> neural_steps(const nlohmann::ordered_json& steps) {
  std::vector<std::string> there;
  for (const neural::Kind kind : neural_kinds) {
    if (steps.contains(neural_step(kind))) there.push_back(neural_step(kind));
  }
  return there;
}

/// How the trainings of neural models went, as Markdown.
inline std::string neural_trainings(const nlohmann::ordered_json& steps) {
  using nlohmann::ordered_json;
  std::string text =
      "| model | runs | best epochs | s a run |\n"
      "| --- | ---: | ---: | ---: |\n";
  for (const std::string& name : neural_steps(steps)) {
    const ordered_json& step = steps.at(name);
    const ordered_json& runs = step.at("runs");
    std::string epochs;
    for (const ordered_json& run : runs) {
      epochs += (epochs.empty() ? "" : ", ") + std::to_string(run.at("best_epoch").get<int>());
      if (run.at("epochs") == step.at("inputs").at("longest")) epochs += "+";
    }
    text += fmt::format("| {} | {} | {} | {:.0f} |\n", step.at("title").get<std::string>(),
                        runs.size(), epochs, step.at("cost").at("fit_seconds").get<double>());
  }
  return text +
         "\nHyper-parameters are those that the L3AE authors' scripts give, not tuned; a run ends "
         "after 50 epochs without a\nbetter validation R@20 (a + tells one that did not), and its "
         "best epoch counts. Seconds leave out what an\ninterrupted program did before.\n";
}

}  // namespace example
