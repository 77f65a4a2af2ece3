#pragma once

/// \file
/// The table of the neural models, for the report.

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
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

/// Test metrics of neural models, beside those of L3AE (or EASE, without embeddings), as Markdown.
inline std::string neural_table(const nlohmann::ordered_json& steps) {
  using nlohmann::ordered_json;
  std::vector<std::string> names = neural_steps(steps);
  const std::size_t neural = names.size();
  names.push_back(steps.contains("l3ae") ? "l3ae" : "ease");
  std::string text =
      "| model | R@10 | R@20 | N@10 | N@20 | head N@20 | tail N@20 | best epochs | s a run |\n"
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ordered_json& step = steps.at(names[i]);
    const auto part = [&](const char* which, const char* group) -> ordered_json {
      if (!step.contains(which)) return ordered_json();
      return *group == '\0' ? step.at(which) : step.at(which).at(group);
    };
    const auto metric = [&](const char* name, const char* group) {
      const ordered_json value = part("test", group).at(name);
      // What no user counts for is null in files, and not a number before that.
      if (!value.is_number() || std::isnan(value.get<double>())) return std::string("-");
      std::string cell = fmt::format("{:.4f}", value.get<double>());
      const ordered_json spread = part("deviation", group);
      if (spread.is_object() && spread.at(name).is_number()) {
        cell += fmt::format(" ± {:.4f}", spread.at(name).get<double>());
      }
      return cell;
    };
    std::string epochs;
    std::string seconds;
    if (i < neural) {
      const ordered_json& runs = step.at("runs");
      for (const ordered_json& run : runs) {
        epochs += (epochs.empty() ? "" : ", ") + std::to_string(run.at("best_epoch").get<int>());
        if (run.at("epochs") == step.at("inputs").at("longest")) epochs += "+";
      }
      seconds = fmt::format("{:.0f}",
                            step.at("seconds").get<double>() / static_cast<double>(runs.size()));
    }
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                        step.at("title").get<std::string>(), metric("recall@10", ""),
                        metric("recall@20", ""), metric("ndcg@10", ""), metric("ndcg@20", ""),
                        metric("ndcg@20", "head"), metric("ndcg@20", "tail"), epochs, seconds);
  }
  return text +
         "\nMean ± standard deviation of runs with other seeds. Hyper-parameters are those that "
         "the L3AE authors' scripts\ngive, not tuned; a run ends after 50 epochs without "
         "a better validation R@20 (a + tells one that did\nnot), and its best epoch counts. "
         "Seconds leave out what an interrupted program did before.\n";
}

}  // namespace example
