#pragma once

/// \file
/// The results of some data sets as tables for people (Markdown, HTML), as JSON, and as plots.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <lae/evaluation/significance.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "gnuplot.hpp"
#include "neural_report.hpp"
#include "paper_study.hpp"
#include "report_page.hpp"
#include "terminal.hpp"

namespace example {

/// What the report says of one data set.
struct StudiedSet {
  std::string name;
  ordered_json counts;  ///< users, items, interactions of each part
  StepResults steps;
  StepStore store;
};

namespace detail {

inline double number(const ordered_json& json) {
  return json.is_number() ? json.get<double>() : std::nan("");
}

inline std::string metric_text(const ordered_json& value) {
  return value.is_number() ? fmt::format("{:.4f}", value.get<double>()) : "-";
}

/// How far above or below another value, in per cent.
inline std::string gain_text(double value, double base) {
  return fmt::format("{:+.1f} %", 100 * (value / base - 1));
}

inline std::string values_text(const ordered_json& values) {
  std::string text;
  for (const auto& [name, value] : values.items()) {
    text += fmt::format("{}{} = {:.4g}", text.empty() ? "" : ", ", name, value.get<double>());
  }
  return text;
}

inline double test_ndcg(const ordered_json& step) {
  return number(step["test"]["ndcg@20"]);
}

}  // namespace detail

class PaperReport {
 public:
  PaperReport(const std::vector<StudiedSet>& sets, std::filesystem::path folder)
      : sets_(sets), folder_(std::move(folder)), plots_(folder_ / "plots") {}

  /// Writes report.md, the same as one page, report.html, report.json and the plots.
  /// \return why some of the plots could not be drawn; nothing, if all are.
  std::string write() {
    text_ = "# Closed-form recommenders compared\n\n";
    text_ +=
        "Each model is tuned on the validation set by NDCG@20 and measured once on the test set. "
        "R: recall, N: NDCG,\nat 10 and 20; head: the 20 % of items most popular in training, "
        "tail: the others. L3AE is tuned by the\nprotocol of its paper (CIKM 2025): λ* is the "
        "best ridge of EASE, and λ_X + λ_KD = λ* stays fixed. The tables\nand figures are named "
        "after those of that paper.\n";
    json_ = ordered_json::object();
    for (const StudiedSet& set : sets_) add_set(set);
    write_text(folder_ / "report.md", text_);
    write_text(folder_ / "report.html", report_page(text_, folder_));
    write_json(folder_ / "report.json", json_);
    return why_undrawn_;
  }

 private:
  using Steps = std::vector<std::string>;

  void add_set(const StudiedSet& set) {
    set_ = &set;
    json_[set.name] = {{"data", set.counts}, {"steps", set.steps}};
    text_ += fmt::format(
        "\n## {}\n\n{} users × {} items; training / validation / test: {} / {} / "
        "{} interactions.\n",
        set.name, set.counts["users"].get<lae::Index>(), set.counts["items"].get<lae::Index>(),
        set.counts["train"].get<lae::Index>(), set.counts["valid"].get<lae::Index>(),
        set.counts["test"].get<lae::Index>());
    add_models(
        "Table 2: all models",
        {{"interactions alone",
          {"neural-lightgcn", "neural-simgcl", "gfcf", "bspm", "sgfcf", "ease"}},
         {"with tags", {"cease", "add-ease"}},
         {"with embeddings, neural", {"neural-rlmrec-con", "neural-rlmrec-gen", "neural-alpharec"}},
         {"with embeddings, linear",
          {"cosine", "semantic-ease", "llm-cease", "llm-add-ease", "l3ae"}},
         {"with refinements", {"l3ae-refined"}},
         {"without a matrix of items × items", by_blocks()}});
    add_models("Table 3: ways to use embeddings",
               {{"", {"cosine", "semantic-ease", "llm-cease", "llm-add-ease", "l3ae"}}});
    add_neural();
    add_significance();
    add_hyper_parameters();
    add_costs();
    add_head_and_tail();
    add_spectrum();
    add_sensitivity();
    add_embeddings();
    add_accuracy_and_time();
  }

  bool has(const std::string& step) const { return set_->steps.contains(step); }
  const ordered_json& step(const std::string& name) const { return set_->steps.at(name); }
  std::string title(const std::string& name) const { return step(name)["title"]; }
  double ease_ndcg() const { return detail::test_ndcg(step("ease")); }

  /// L3AE by blocks, beside the dense one.
  Steps by_blocks() const {
    Steps steps;
    for (const auto& [name, result] : set_->steps.items()) {
      if (name.rfind("l3ae-blocks-", 0) == 0) steps.push_back(name);
    }
    return steps;
  }

  Steps those_there(const Steps& wanted) const {
    Steps there;
    std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(there),
                 [&](const std::string& name) { return has(name); });
    return there;
  }

  void heading(const std::string& title) { text_ += fmt::format("\n### {}\n\n", title); }

  void row(const std::vector<std::string>& cells) {
    text_ += "|";
    for (const std::string& cell : cells) text_ += " " + cell + " |";
    text_ += "\n";
  }

  /// The first column is text, and the last ones as told; the others are numbers.
  void header(const std::vector<std::string>& cells, std::size_t last_texts = 0) {
    row(cells);
    std::vector<std::string> rule(cells.size(), "---:");
    rule.front() = "---";
    std::fill(rule.end() - static_cast<std::ptrdiff_t>(last_texts), rule.end(), "---");
    row(rule);
  }

  /// Models of a table that belong together, and what they have in common.
  struct Group {
    std::string title;
    Steps steps;
  };

  /// A test metric, with its standard deviation over runs where there are several.
  std::string test_text(const std::string& name, const char* metric, const char* part = "") const {
    const auto value = [&](const char* which) {
      const ordered_json all = step(name).value(which, ordered_json::object());
      const ordered_json& of_part = *part == '\0' ? all : all.value(part, ordered_json::object());
      return of_part.value(metric, ordered_json());
    };
    const double spread = detail::number(value("deviation"));
    return detail::metric_text(value("test")) +
           (std::isnan(spread) ? "" : fmt::format(" ± {:.4f}", spread));
  }

  void add_models(const std::string& name, const std::vector<Group>& groups) {
    heading(name);
    header({"model", "R@10", "R@20", "N@10", "N@20", "N@20 over EASE", "head N@20", "tail N@20"});
    double best = 0;
    for (const Group& group : groups) {
      for (const std::string& s : those_there(group.steps)) {
        best = std::max(best, detail::test_ndcg(step(s)));
      }
    }
    for (const Group& group : groups) {
      const Steps steps = those_there(group.steps);
      if (!steps.empty() && !group.title.empty()) {
        row({"*" + group.title + "*", "", "", "", "", "", "", ""});
      }
      for (const std::string& s : steps) {
        const double ndcg = detail::test_ndcg(step(s));
        const std::string mark = ndcg == best ? "**" : "";
        row({mark + title(s) + mark, test_text(s, "recall@10"), test_text(s, "recall@20"),
             test_text(s, "ndcg@10"), mark + test_text(s, "ndcg@20") + mark,
             s == "ease" ? "" : detail::gain_text(ndcg, ease_ndcg()),
             test_text(s, "ndcg@20", "head"), test_text(s, "ndcg@20", "tail")});
      }
    }
  }

  void add_neural() {
    if (neural_steps(set_->steps).empty()) return;
    text_ += "\nOf neural models, mean ± standard deviation of runs with different seeds.\n";
    heading("Trainings of the neural models");
    text_ += neural_trainings(set_->steps);
  }

  /// Those whose costs are known, in the order of the steps.
  Steps measured() const {
    Steps steps;
    for (const auto& [name, result] : set_->steps.items()) {
      if (result.contains("cost")) steps.push_back(name);
    }
    return steps;
  }

  void add_costs() {
    heading("Time and memory");
    header({"model", "tuning s", "fit s", "test s", "memory of the fit, MB"});
    for (const std::string& s : measured()) {
      const ordered_json& cost = step(s)["cost"];
      const auto seconds = [&](const char* what) {
        const double value = detail::number(cost[what]);
        return value > 0 ? fmt::format(value < 100 ? "{:.2f}" : "{:.0f}", value) : "-";
      };
      const double bytes = detail::number(cost["fit_bytes"]);
      row({title(s), seconds("tuning_seconds"), seconds("fit_seconds"), seconds("evaluate_seconds"),
           bytes > 0 ? fmt::format("{:.1f}", bytes / 1e6) : "-"});
    }
    text_ += fmt::format(
        "\nTuning measures all points of a model on the validation set; the fit is that of the "
        "chosen point alone (of neural\nmodels, a run, with its validations), the test that of {} "
        "users. Memory is what the fit added to the process at its\npeak, besides the data.\n",
        step("ease")["test"]["users"].get<std::size_t>());
  }

  void add_accuracy_and_time() {
    // Models of the tables that come near the best: others would press these together.
    Steps steps;
    double best = 0;
    for (const std::string& s : measured()) {
      if (s.rfind("l3ae-on-", 0) == 0 || s == "l3ae-shuffled") continue;
      steps.push_back(s);
      best = std::max(best, detail::test_ndcg(step(s)));
    }
    if (steps.empty()) return;
    heading("Figure 5: accuracy and time");
    PlotData data{{"model", "fit s", "ndcg@20"}, {}};
    for (const std::string& s : steps) {
      if (detail::test_ndcg(step(s)) < best / 2) continue;
      data.rows.push_back({title(s),
                           fmt::format("{:.6g}", step(s)["cost"]["fit_seconds"].get<double>()),
                           detail::metric_text(step(s)["test"]["ndcg@20"])});
    }
    add_plot("figure-5-accuracy-and-time", data,
             fmt::format("set title '{}: test NDCG@20 by the seconds of a fit'\n"
                         "set logscale x\nset xlabel 'seconds of a fit'\nset ylabel 'NDCG@20'\n"
                         "set grid lc rgb '#dddddd'\nset border 3\nset tics nomirror\nunset key\n"
                         "set offsets graph 0.02, graph 0.22, graph 0.06, graph 0.06\n"
                         "plot data using 2:3 skip 1 with points pt 7 ps 1.2 lc rgb '#4477aa', "
                         "data using 2:3:1 skip 1 with labels left offset 0.8,0.2 noenhanced "
                         "font ',9'\n",
                         set_->name),
             900, 560, "Test NDCG@20 by the seconds of a fit, of models above half of the best");
  }

  /// Compares a model with another one on the test set, user by user.
  void compare(const std::string& first, const std::string& second) {
    if (!has(first) || !has(second)) return;
    const lae::PairedComparison result =
        lae::compare_paired(set_->store.user_ndcg(first), set_->store.user_ndcg(second));
    row({fmt::format("{} and {}", title(first), title(second)),
         detail::gain_text(detail::test_ndcg(step(first)), detail::test_ndcg(step(second))),
         fmt::format("{:+.5f}", result.difference),
         fmt::format("{:+.5f} … {:+.5f}", result.low, result.high), fmt::format("{:.2f}", result.t),
         result.p_value < 1e-4 ? "< 0.0001" : fmt::format("{:.4f}", result.p_value)});
    json_[set_->name]["significance"].push_back({{"first", first},
                                                 {"second", second},
                                                 {"users", result.users},
                                                 {"difference", result.difference},
                                                 {"low", result.low},
                                                 {"high", result.high},
                                                 {"t", result.t},
                                                 {"p_value", result.p_value}});
  }

  /// Of all but L3AE, the one with the best test NDCG@20.
  std::string best_other() const {
    const Steps others = those_there({"ease", "gfcf", "bspm", "sgfcf", "cosine", "semantic-ease",
                                      "cease", "add-ease", "llm-cease", "llm-add-ease"});
    return *std::max_element(others.begin(), others.end(), [&](const auto& a, const auto& b) {
      return detail::test_ndcg(step(a)) < detail::test_ndcg(step(b));
    });
  }

  void add_significance() {
    if (!has("l3ae")) return;
    heading("Significance of differences in test NDCG@20");
    text_ +=
        "Paired by user: two-sided t-test, and the 95 % interval of the mean difference by "
        "bootstrap (2,000 resamples of users).\nThe best other model is the best one *on the test "
        "set* that is not L3AE. The last line is a control: with the rows of\nthe embeddings "
        "shuffled, what L3AE gains over EASE should vanish.\n\n";
    const Steps neural = neural_steps(set_->steps);
    if (!neural.empty()) text_ += "Neural models count by each user's mean over the runs.\n\n";
    header({"models", "gain", "difference", "95 % interval", "t", "p"});
    compare("l3ae", "ease");
    if (best_other() != "ease") compare("l3ae", best_other());
    compare("l3ae-refined", "l3ae");
    compare("l3ae-refined", best_other());
    for (const std::string& each : by_blocks()) compare(each, "l3ae");
    compare("l3ae-shuffled", "ease");
    for (const std::string& each : neural) compare("l3ae", each);
  }

  void add_hyper_parameters() {
    heading("Hyper-parameters");
    header({"model", "points", "validation N@20", "chosen"}, 1);
    for (const auto& [name, result] : set_->steps.items()) {
      if (!result.contains("hyper_parameters")) continue;
      row({title(name), std::to_string(result["trials"].size()),
           detail::metric_text(result["valid"]["ndcg@20"]),
           detail::values_text(result["hyper_parameters"])});
    }
  }

  /// Draws a plot, and puts it into the text.
  void add_plot(const std::string& name, const PlotData& data, const std::string& commands,
                int width, int height, const std::string& caption) {
    const std::string file = set_->name + "-" + name;
    const std::string problem = plots_.draw(file, data, commands, width, height);
    if (problem.empty()) {
      text_ += fmt::format("![{}](plots/{}.png)\n", caption, file);
    } else {
      text_ += fmt::format("[{}](plots/{}.tsv) (not drawn: {})\n", caption, file, problem);
      why_undrawn_ = problem;
    }
  }

  void add_head_and_tail() {
    heading("Figure 1: head and tail");
    PlotData data{{"model", "head", "tail"}, {}};
    for (const std::string& s : those_there(
             {"ease", "cease", "add-ease", "llm-cease", "llm-add-ease", "l3ae", "l3ae-refined"})) {
      const ordered_json& test = step(s)["test"];
      data.rows.push_back({title(s), detail::metric_text(test["head"]["ndcg@20"]),
                           detail::metric_text(test["tail"]["ndcg@20"])});
    }
    add_plot(
        "figure-1-head-and-tail", data,
        fmt::format(
            "set multiplot layout 1,2 title '{}: NDCG@20 on the test set'\n"
            "set style fill solid 0.8 noborder\nset boxwidth 0.7\n"
            "set xrange [-0.6:*]\nset yrange [0:*]\nset ytics format '%.2f'\n"
            "set grid ytics lc rgb '#dddddd'\nset border 3\nset tics nomirror\n"
            "set xtics rotate by -35 left noenhanced\nset ylabel 'NDCG@20'\n"
            "unset key\nset lmargin 9\nset rmargin 7\nset bmargin 7\n"
            "set title 'head: the 20 % most popular items'\n"
            "plot data using 0:2:xtic(1) skip 1 with boxes lc rgb '#4477aa'\n"
            "set title 'tail: all other items'\n"
            "plot data using 0:3:xtic(1) skip 1 with boxes lc rgb '#cc6677'\nunset multiplot\n",
            set_->name),
        1000, 420, "NDCG@20 of each model for head and tail items");
  }

  void add_spectrum() {
    heading("Figure 2: singular values of interactions and embeddings");
    const ordered_json& result = step("spectrum");
    const auto values = [&](const char* name) {
      return result.contains(name) ? result[name].get<std::vector<double>>()
                                   : std::vector<double>();
    };
    const std::vector<double> x = values("x");
    const std::vector<double> f = values("f");
    const auto cell = [](const std::vector<double>& all, std::size_t i) {
      return i < all.size() ? fmt::format("{:.6g}", all[i] / all.front()) : std::string();
    };
    PlotData data{{"rank", "X", "F"}, {}};
    for (std::size_t i = 0; i < std::max(x.size(), f.size()); ++i) {
      data.rows.push_back({std::to_string(i + 1), cell(x, i), cell(f, i)});
    }
    std::string commands = fmt::format(
        "set title '{}: the largest singular values, relative to the largest'\n"
        "set logscale xy\nset xlabel 'rank'\nset ylabel 'singular value / largest'\n"
        "set grid lc rgb '#dddddd'\nset border 3\nset tics nomirror\nset key top right\n"
        "plot data using 1:2 skip 1 with lines lw 2 lc rgb '#4477aa' title 'X (interactions)'",
        set_->name);
    if (!f.empty()) {
      commands += ", data using 1:3 skip 1 with lines lw 2 lc rgb '#cc6677' title 'F (embeddings)'";
    }
    add_plot("figure-2-singular-values", data, commands + "\n", 640, 420,
             "Singular values of X and F, falling");
  }

  void add_sensitivity() {
    if (!has("sensitivity")) return;
    heading("Figure 3: sensitivity of L3AE");
    text_ +=
        "Validation NDCG@20 with one hyper-parameter away from its chosen value; λ_KD moves "
        "under λ_X + λ_KD = λ*.\n\n";
    PlotData data{{"axis", "value", "ndcg@20"}, {}};
    for (const ordered_json& point : step("sensitivity")["points"]) {
      const std::string axis = point["axis"];
      data.rows.push_back({axis, fmt::format("{:.6g}", point[axis].get<double>()),
                           detail::metric_text(point["ndcg@20"])});
    }
    std::string commands = fmt::format(
        "set multiplot layout 1,3 title '{}: L3AE on the validation set'\n"
        "set ylabel 'NDCG@20'\nset grid lc rgb '#dddddd'\nset border 3\nset tics nomirror\n"
        "unset key\nset ytics format '%.4f'\nset offsets graph 0.05, graph 0.05, graph 0.1, graph "
        "0.1\n",
        set_->name);
    const auto panel = [&](const char* axis, const char* label, bool is_logarithmic) {
      const double chosen = step("l3ae")["hyper_parameters"][axis].get<double>();
      commands += fmt::format(
          "set xlabel '{}'\n{} logscale x\nset arrow 1 from {}, graph 0 to {}, graph 1 nohead dt 2 "
          "lc rgb '#999999'\n"
          "plot data using (strcol(1) eq '{}' ? $2 : NaN):3 skip 1 with linespoints pt 7 lw 2 "
          "lc rgb '#4477aa'\n",
          label, is_logarithmic ? "set" : "unset", chosen, chosen, axis);
    };
    panel("lambda_x", "λ_X (λ_F, λ_KD as chosen)", false);
    panel("lambda_f", "λ_F (λ_X, λ_KD as chosen)", true);
    panel("lambda_kd", "λ_KD (λ_X + λ_KD as chosen)", false);
    add_plot("figure-3-sensitivity", data, commands + "unset multiplot\n", 1100, 380,
             "Validation NDCG@20 over each hyper-parameter; dashed: the chosen value");
  }

  void add_embeddings() {
    if (!has("l3ae")) return;
    heading("Figure 4: L3AE on several embeddings");
    header({"embeddings", "R@20", "N@20", "N@20 over EASE", "tail N@20"});
    PlotData data{{"embeddings", "ndcg@20"}, {}};
    const auto add = [&](const std::string& name, const ordered_json& result) {
      const ordered_json& test = result["test"];
      row({name, detail::metric_text(test["recall@20"]), detail::metric_text(test["ndcg@20"]),
           detail::gain_text(detail::test_ndcg(result), ease_ndcg()),
           detail::metric_text(test["tail"]["ndcg@20"])});
      data.rows.push_back({name, detail::metric_text(test["ndcg@20"])});
    };
    const std::string encoder = set_->counts.value("encoder", "");
    add(encoder.empty() ? "embeddings.npy" : encoder, step("l3ae"));
    for (const auto& [name, result] : set_->steps.items()) {
      if (result["inputs"].contains("embeddings")) add(result["inputs"]["embeddings"], result);
    }
    if (has("l3ae-shuffled")) add("embeddings.npy, shuffled", step("l3ae-shuffled"));
    text_ += "\n";
    add_plot("figure-4-embeddings", data,
             fmt::format("set title '{}: L3AE by embeddings, test set'\n"
                         "set style fill solid 0.8 noborder\nset boxwidth 0.5\n"
                         "set ylabel 'NDCG@20'\nset xrange [-0.6:*]\nset yrange [0:*]\n"
                         "set grid ytics lc rgb '#dddddd'\nset border 3\nset tics nomirror\n"
                         "set xtics rotate by -20 left noenhanced\nset key outside top center\n"
                         "set bmargin 6\nset rmargin 16\n"
                         "plot data using 0:2:xtic(1) skip 1 with boxes lc rgb '#4477aa' notitle, "
                         "{} with lines lw 2 dt 2 lc rgb '#cc6677' title 'EASE, without any'\n",
                         set_->name, ease_ndcg()),
             720, 420, "Test NDCG@20 of L3AE by embeddings; dashed: EASE");
  }

  const std::vector<StudiedSet>& sets_;
  std::filesystem::path folder_;
  Plots plots_;
  const StudiedSet* set_ = nullptr;
  std::string text_;
  ordered_json json_;
  std::string why_undrawn_;
};

}  // namespace example
