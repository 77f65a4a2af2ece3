#pragma once

/// \file
/// The outcome of a comparison, as a table for people and as JSON for programs.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <lae/evaluation/evaluate.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace example {

/// One model's part of the comparison. Times are in seconds.
struct Outcome {
  std::string name;
  std::string title;
  std::vector<std::pair<std::string, double>> hyper_parameters;
  std::string form;  ///< of the fit (lae::FitForm); empty if the model has no choice
  double fit_seconds = 0;
  double evaluate_seconds = 0;  ///< on the test set alone
  lae::EvaluationReport valid;
  lae::EvaluationReport test;
};

/// The test-set metrics, one row a model. Rows are printed as they come, since a fit may take
/// minutes. The last cutoff is the one for the tail and for the verdict.
class Table {
 public:
  /// \param title_width characters of the longest title of a model.
  Table(std::vector<lae::Index> cutoffs, std::size_t title_width)
      : cutoffs_(std::move(cutoffs)), title_width_(std::max<std::size_t>(title_width, 5)) {
    for (const char metric : {'R', 'N'}) {
      for (const lae::Index cutoff : cutoffs_) {
        columns_.push_back(fmt::format("{}@{}", metric, cutoff));
      }
    }
    columns_.push_back(fmt::format("tail N@{}", cutoffs_.back()));
    columns_.insert(columns_.end(), {"fit s", "eval s"});
  }

  void print_header() const {
    fmt::print("{:<{}}", "model", title_width_);
    std::size_t width = title_width_;
    for (const std::string& column : columns_) {
      fmt::print("{:>{}}", column, width_of(column));
      width += width_of(column);
    }
    fmt::print("\n{:-<{}}\n", "", width);
    std::fflush(stdout);
  }

  void print_row(const Outcome& outcome) const {
    std::vector<std::string> cells;
    for (const double value : outcome.test.all.recall) cells.push_back(metric_text(value));
    for (const double value : outcome.test.all.ndcg) cells.push_back(metric_text(value));
    cells.push_back(metric_text(outcome.test.tail.ndcg.back()));
    cells.push_back(fmt::format("{:.2f}", outcome.fit_seconds));
    cells.push_back(fmt::format("{:.2f}", outcome.evaluate_seconds));

    fmt::print("{:<{}}", outcome.title, title_width_);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      fmt::print("{:>{}}", cells[i], width_of(columns_[i]));
    }
    fmt::print("\n");
    std::fflush(stdout);
  }

  /// Says which model is best, and how far it is from plain EASE if that was fitted.
  void print_verdict(const std::vector<Outcome>& outcomes) const {
    const auto ndcg = [](const Outcome& outcome) { return outcome.test.all.ndcg.back(); };
    const auto best =
        std::max_element(outcomes.begin(), outcomes.end(),
                         [&](const Outcome& a, const Outcome& b) { return ndcg(a) < ndcg(b); });
    const auto ease = std::find_if(outcomes.begin(), outcomes.end(),
                                   [](const Outcome& outcome) { return outcome.name == "ease"; });
    if (outcomes.size() < 2 || !(ndcg(*best) > 0)) return;
    fmt::print("\nbest N@{}: {}", cutoffs_.back(), best->title);
    if (ease != outcomes.end() && ease != best && ndcg(*ease) > 0) {
      fmt::print(", {:.1f} % above EASE", 100 * (ndcg(*best) / ndcg(*ease) - 1));
    }
    fmt::print("\n");
  }

 private:
  static std::size_t width_of(const std::string& column) {
    return std::max<std::size_t>(column.size(), 6) + 2;
  }

  static std::string metric_text(double value) {
    return std::isnan(value) ? "-" : fmt::format("{:.4f}", value);
  }

  std::vector<lae::Index> cutoffs_;
  std::size_t title_width_;
  std::vector<std::string> columns_;
};

namespace detail {

/// Metrics that no user counts for are null.
inline nlohmann::ordered_json group_json(const lae::GroupMetrics& group,
                                         const std::vector<lae::Index>& cutoffs) {
  nlohmann::ordered_json json{{"users", group.users.size()}};
  for (std::size_t c = 0; c < cutoffs.size(); ++c) {
    json[fmt::format("recall@{}", cutoffs[c])] = group.recall[c];
    json[fmt::format("ndcg@{}", cutoffs[c])] = group.ndcg[c];
  }
  return json;
}

}  // namespace detail

inline nlohmann::ordered_json report_json(const lae::EvaluationReport& report) {
  nlohmann::ordered_json json = detail::group_json(report.all, report.cutoffs);
  json["head"] = detail::group_json(report.head, report.cutoffs);
  json["tail"] = detail::group_json(report.tail, report.cutoffs);
  return json;
}

/// What a model costs on one data set.
struct Cost {
  double tuning_seconds = 0;  ///< of all points together; 0: not tuned
  double fit_seconds = 0;     ///< of the point that was chosen, alone
  double evaluate_seconds = 0;
  std::uint64_t fit_bytes = 0;  ///< that the fit added to the process at its peak; 0: not known
};

inline nlohmann::ordered_json cost_json(const Cost& cost) {
  return {{"tuning_seconds", cost.tuning_seconds},
          {"fit_seconds", cost.fit_seconds},
          {"evaluate_seconds", cost.evaluate_seconds},
          {"fit_bytes", cost.fit_bytes}};
}

inline nlohmann::ordered_json outcome_json(const Outcome& outcome) {
  nlohmann::ordered_json hyper_parameters = nlohmann::ordered_json::object();
  for (const auto& [name, value] : outcome.hyper_parameters) hyper_parameters[name] = value;
  nlohmann::ordered_json json{{"model", outcome.name}, {"hyper_parameters", hyper_parameters}};
  if (!outcome.form.empty()) json["form"] = outcome.form;
  json["fit_seconds"] = outcome.fit_seconds;
  json["evaluate_seconds"] = outcome.evaluate_seconds;
  json["valid"] = report_json(outcome.valid);
  json["test"] = report_json(outcome.test);
  return json;
}

}  // namespace example
