// Recommends items to users, and says why: `recommend --help`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <lae/core/random.hpp>
#include <lae/data/item_list_file.hpp>
#include <lae/data/item_text.hpp>
#include <lae/io/file.hpp>
#include <lae/io/model_file.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <lae/models/item_lists.hpp>
#include <lae/ranking/explain.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "catalog.hpp"
#include "command_line.hpp"
#include "dataset.hpp"
#include "list_filters.hpp"
#include "model_options.hpp"
#include "models.hpp"
#include "terminal.hpp"

namespace example {
namespace {

using lae::Index;
namespace fs = std::filesystem;

struct Settings {
  fs::path data;  ///< empty: none, the model file tells who the items are
  std::optional<std::string> model;
  std::vector<SourceChoice> sources;
  HyperParameters hyper_parameters;
  Computation computation;
  bool train_on_all = false;
  std::optional<fs::path> load;
  std::optional<fs::path> save;
  std::vector<std::string> users;
  std::vector<std::string> items;
  Index sample = 0;
  std::uint64_t seed = 1;
  bool all = false;
  std::optional<fs::path> output;
  std::optional<fs::path> export_items;
  Index per_item = 100;
  Index k = 10;
  Index reasons = 3;
  FilterSettings filters;
};

void add_options(CLI::App& app, Settings& settings) {
  std::vector<std::string> model_names;
  for (const auto& model : model_registry<double>()) model_names.push_back(model.name);
  app.add_option("--data", settings.data,
                 "a data-set folder, as prepare_amazon makes them; not needed for --items and\n"
                 "--export-items by a model of --load, which holds the ids of its items")
      ->option_text("DIR")
      ->check(CLI::ExistingDirectory);
  app.add_option("--model", settings.model,
                 fmt::format("{};\ndefault: l3ae if there are embeddings, else ease",
                             fmt::join(model_names, ", ")))
      ->option_text("NAME")
      ->check(CLI::IsMember(model_names).description(""));
  app.add_option_function<std::string>(
         "--train-on", [&](const std::string& parts) { settings.train_on_all = parts == "all"; },
         "what to fit on, and to know of users: the training part, so that held-out items\n"
         "can be recognised (train, default), or everything, for real use (all)")
      ->option_text("PARTS")
      ->check(CLI::IsMember({"train", "all"}).description(""));
  app.add_option("--save", settings.save,
                 "write the fitted model to this file, with its options and the ids of the items")
      ->option_text("FILE");
  add_source_option(app, settings.sources, sources_of_models);
  add_computation_options(app, settings.computation);
  add_form_option(app, settings.computation);
  add_hyper_parameter_options(app, settings.hyper_parameters);
  CLI::Option* load = app.add_option("--load", settings.load,
                                     "take a model saved before, with the same --scalar, instead\n"
                                     "of fitting one")
                          ->option_text("FILE");
  for (const char* name : {"--model", "--save", "--form", "--neighbours", "--source"})
    load->excludes(app.get_option(name));
  for (CLI::Option* option : app.get_options(is_hyper_parameter)) load->excludes(option);

  const std::string who = "For whom (one of these; none is needed with --save or --export-items)";
  std::vector<CLI::Option*> choices;
  choices.push_back(app.add_option("--user", settings.users, "users of the data set")
                        ->option_text("ID...")
                        ->group(who));
  choices.push_back(
      app.add_option("--items", settings.items,
                     "someone new who has these items; separated by commas, and in double quotes\n"
                     "those that hold one, as in CSV")
          ->option_text("ID,...")
          ->group(who));
  choices.push_back(app.add_option("--sample", settings.sample, "that many users, chosen at random")
                        ->option_text("N")
                        ->check(CLI::Range(1, 1000000).description(""))
                        ->group(who));
  choices.push_back(app.add_flag("--all", settings.all, "every user, into the file --output")
                        ->option_text(" ")  // else the help lists what --all excludes
                        ->group(who));
  for (CLI::Option* choice : choices) {
    for (CLI::Option* other : choices) {
      if (choice != other) choice->excludes(other);
    }
  }
  app.add_option("--seed", settings.seed, "of --sample; default: 1")->option_text("N")->group(who);

  add_filter_options(app, settings.filters);

  const std::string output = "Output";
  app.add_option("--k", settings.k, "items to recommend; default: 10")
      ->option_text("K")
      ->check(CLI::Range(1, 1000000).description(""))
      ->group(output);
  app.add_option("--why", settings.reasons, "items of the history to name as reasons; default: 3")
      ->option_text("N")
      ->check(CLI::Range(0, 1000).description(""))
      ->group(output);
  app.add_option(
         "-o,--output", settings.output,
         "for --all: a .csv file (user_id,rank,item_id,score) or .jsonl file\n"
         "({\"user_id\", \"items\": [{\"item_id\", \"score\"}]}); users without a history get\n"
         "the most popular items, without a score, or marked \"popular\"")
      ->option_text("FILE")
      ->needs(choices.back())
      ->group(output);
  CLI::Option* export_items =
      app.add_option(
             "--export-items", settings.export_items,
             "write the largest weights of each item, for a database or another language: a .csv\n"
             "file (item_id,rank,other_id,weight), .jsonl file ({\"item_id\", \"items\":\n"
             "[{\"item_id\", \"weight\"}]}), or .npz file (a CSR matrix for SciPy)")
          ->option_text("FILE")
          ->group(output);
  app.add_option("--per-item", settings.per_item, "weights of each item to export; default: 100")
      ->option_text("K")
      ->check(CLI::Range(1, 1000000).description(""))
      ->needs(export_items)
      ->group(output);
}

/// Ids and titles; where neither a folder nor a model tells them, numbers serve.
class Names {
 public:
  /// Of the items of a model alone.
  Names(const lae::ModelInfo& info, Index items) {
    items_.ids = info.item_ids;
    number_unknown(items);
    make_findable();
  }

  Names(const fs::path& folder, Index users, Index items) {
    if (fs::exists(folder / file_name::users)) {
      users_ = read_user_ids(folder / file_name::users);
      require_lines(folder / file_name::users, users_.size(), users);
    } else {
      for (Index user = 0; user < users; ++user) users_.push_back(std::to_string(user));
    }
    if (fs::exists(folder / file_name::items)) {
      items_ = read_item_catalog(folder / file_name::items);
      require_lines(folder / file_name::items, items_.ids.size(), items);
    }
    number_unknown(items);
    make_findable();
  }
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  const std::string& user(Index user) const { return users_[static_cast<std::size_t>(user)]; }
  const std::string& item(Index item) const { return items_.ids[static_cast<std::size_t>(item)]; }

  /// The ids of all items; none if they are numbers.
  std::vector<std::string> item_ids() const {
    return are_numbers_ ? std::vector<std::string>() : items_.ids;
  }

  /// \throws lae::FileError if the model of that file has other items, or the same in another order
  void require_items_of(const fs::path& model, const lae::ModelInfo& info) const {
    if (are_numbers_ || info.item_ids.empty() || info.item_ids == items_.ids) return;
    const auto [theirs, ours] = std::mismatch(info.item_ids.begin(), info.item_ids.end(),
                                              items_.ids.begin(), items_.ids.end());
    throw lae::FileError(
        model,
        fmt::format("is a model of another catalogue: its item {} is \"{}\", that of the "
                    "data \"{}\"; fit one on these data, or give the data it was fitted on",
                    theirs - info.item_ids.begin(), printable(*theirs, 40), printable(*ours, 40)));
  }

  /// Id and title for a terminal, at most `width` characters long.
  std::string describe(Index index, std::size_t width) const {
    const std::string& title = items_.titles[static_cast<std::size_t>(index)];
    return printable(item(index) + (title.empty() ? "" : "  ") + lae::one_line(title), width);
  }

  /// \throws UsageError if an id is not known.
  Index find_user(const std::string& id) const { return find(user_of_, users_, id, "user"); }
  Index find_item(const std::string& id) const { return find(item_of_, items_.ids, id, "item"); }

  /// The items of a list of ids (see split_ids). A list that holds others, but is an id itself, is
  /// that. \throws UsageError as above.
  std::vector<Index> find_items(const std::string& list) const {
    std::vector<Index> items;
    try {
      for (const std::string& id : split_ids(list)) items.push_back(find_item(id));
    } catch (const UsageError&) {
      if (item_of_.count(list) == 0) throw;
      items = {find_item(list)};
    }
    return items;
  }

 private:
  void number_unknown(Index items) {
    are_numbers_ = items_.ids.empty();
    if (are_numbers_) {
      for (Index item = 0; item < items; ++item) items_.ids.push_back(std::to_string(item));
    }
    items_.titles.resize(items_.ids.size());
  }

  /// Where each id stands first.
  using Places = std::unordered_map<std::string_view, Index>;

  void make_findable() {
    for (const std::string& id : users_) user_of_.emplace(id, &id - users_.data());
    for (const std::string& id : items_.ids) item_of_.emplace(id, &id - items_.ids.data());
  }

  static Index find(const Places& places, const std::vector<std::string>& ids,
                    const std::string& id, const char* kind) {
    const auto found = places.find(id);
    if (found == places.end()) {
      throw UsageError(fmt::format("there is no {} \"{}\" among the {}, such as \"{}\"", kind, id,
                                   ids.size(), ids.empty() ? "" : ids.front()));
    }
    return found->second;
  }

  std::vector<std::string> users_;
  ItemCatalog items_;
  Places user_of_;
  Places item_of_;
  bool are_numbers_ = false;
};

ListFilters filters_of(const Settings& settings, const Names& names, Index items) {
  return {settings.filters,
          settings.data,
          items,
          [&](const std::string& id) { return names.find_user(id); },
          [&](const std::string& id) { return names.find_item(id); },
          [&](const std::string& list) { return names.find_items(list); }};
}

/// A model, and how to speak of it on a terminal.
template <class Scalar>
struct NamedModel {
  std::string title;
  AnyModel<Scalar> model;
};

template <class Scalar>
lae::Csr<Scalar> all_interactions(const Dataset<Scalar>& data) {
  return lae::Csr<Scalar>(data.train + data.valid) + data.test;
}

/// What a model file says of itself, for a terminal.
std::string title_of(const fs::path& file, const lae::ModelInfo& info) {
  std::string title = file.filename().string();
  if (!info.model.empty()) title += ": " + info.model;
  for (const auto& [name, value] : info.options) title += fmt::format(", {} {}", name, value);
  return printable(title, 200);
}

/// What a model file is to say of a model.
template <class Scalar>
lae::ModelInfo info_of(const Settings& settings, const Names& names,
                       const ModelEntry<Scalar>& entry, const PreparedModel<Scalar>& prepared,
                       const Dataset<Scalar>& data) {
  lae::ModelInfo info{names.item_ids(), entry.name, {}};
  for (const auto& [name, value] : prepared.hyper_parameters) {
    info.options.emplace_back(name, fmt::to_string(value));
  }
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) info.options.emplace_back(name, value);
  };
  add("form", prepared.form);
  add("sources", settings.sources.empty() ? "" : names_of(settings.sources));
  add("encoder", settings.sources.empty() ? data.encoder : "");
  add("train_on", settings.train_on_all ? "all" : "train");
  return info;
}

/// The model to recommend by; `data.train` is what it is fitted on, and features of the items are
/// taken out of the data.
template <class Scalar>
NamedModel<Scalar> obtain_model(const Settings& settings, StatusLine& status,
                                const ModelEntry<Scalar>& entry, const Names& names,
                                Dataset<Scalar>& data) {
  if (settings.load) {
    status.show("loading the model");
    const lae::ModelInfo info = lae::load_model_info(*settings.load);
    AnyModel<Scalar> model = load_any_model<Scalar>(*settings.load);
    if (model.items() != data.train.cols()) {
      throw lae::FileError(
          *settings.load, fmt::format("is a model of {} items, but the data have {}", model.items(),
                                      data.train.cols()));
    }
    names.require_items_of(*settings.load, info);
    return {title_of(*settings.load, info), std::move(model)};
  }
  const ItemFeatures<Scalar> features(settings.sources, data);
  const PreparedModel<Scalar> prepared = prepare_model(
      entry, settings.hyper_parameters, settings.computation.form, data.train, features);
  const bool by_blocks = prepared.form == "blocks";
  lae::FitControl control;
  control.progress = watch(status, entry.title);
  std::string title = entry.title;
  if (by_blocks) title += ", by blocks of " + std::to_string(settings.computation.form.neighbours);
  if (!settings.sources.empty()) {
    title += " on " + printable(names_of(settings.sources));
  } else if (!data.encoder.empty()) {
    title += " on embeddings by " + printable(data.encoder);
  }
  NamedModel<Scalar> fitted{title, prepared.fit(control)};
  status.clear();
  if (!prepared.why.empty()) fmt::print("by blocks: {}\n", prepared.why);
  if (!fitted.model.remark.empty()) fmt::print("{}: {}\n", entry.title, fitted.model.remark);
  if (settings.save) {
    status.show("saving the model");
    save_model(*settings.save, fitted.model, info_of(settings, names, entry, prepared, data));
  }
  return fitted;
}

/// Prints what one user has and what is recommended to them, and why.
/// \param options but for k
/// \param data, popularity null if the model is all there is
template <class Scalar>
void print_recommendations(const Settings& settings, const Names& names,
                           const NamedModel<Scalar>& by, const Dataset<Scalar>* data,
                           const lae::Popularity<Scalar>* popularity, std::string_view whom,
                           const lae::Csr<Scalar>& history, lae::RecommendOptions options,
                           std::optional<Index> user) {
  constexpr std::size_t width = 96;
  fmt::print("{}, {} item{} in the history\n", whom, history.nonZeros(),
             history.nonZeros() == 1 ? "" : "s");
  for (typename lae::Csr<Scalar>::InnerIterator entry(history, 0); entry; ++entry) {
    fmt::print("  {}\n", names.describe(entry.col(), width - 2));
  }
  options.k = std::min(settings.k, by.model.items());
  if (history.nonZeros() == 0 && popularity != nullptr) {
    fmt::print("nothing to go by; most popular, with the number of users who have it\n");
    const auto lists = lae::recommend(*popularity, history, options);
    for (Index rank = 0; rank < options.k && lists.items(0, rank) >= 0; ++rank) {
      fmt::print("{:>4} {:>8.0f}  {}\n", rank + 1, lists.scores(0, rank),
                 names.describe(lists.items(0, rank), width - 15));
    }
    fmt::print("\n");
    return;
  }
  fmt::print("recommended by {}\n", by.title);
  const lae::Recommendations<Scalar> lists = lae::recommend(by.model, history, options);
  if (lists.items(0, 0) < 0) fmt::print("nothing is left to recommend\n");
  for (Index rank = 0; rank < options.k && lists.items(0, rank) >= 0; ++rank) {
    const Index item = lists.items(0, rank);
    std::string remark;
    if (popularity != nullptr && popularity->users()[item] == 0) remark += "  [new]";
    const bool is_held_out =
        user && data != nullptr && !settings.train_on_all &&
        (data->valid.coeff(*user, item) != 0 || data->test.coeff(*user, item) != 0);
    if (is_held_out) remark += "  [held out]";
    fmt::print("{:>4} {:>8.4f}  {}{}\n", rank + 1, lists.scores(0, rank),
               names.describe(item, width - 15 - remark.size()), remark);

    const auto why = explain_if_linear(by.model, history, item, settings.reasons);
    if (!why) continue;
    for (std::size_t i = 0; i < why->reasons.size(); ++i) {
      fmt::print("     {:>+8.4f}    {}{}\n", why->reasons[i].value, i == 0 ? "for " : "    ",
                 names.describe(why->reasons[i].item, width - 21));
    }
    if (!why->reasons.empty() && why->others > 0) {
      fmt::print("     {:>+8.4f}        {} more\n", why->rest, why->others);
    }
  }
  fmt::print("\n");
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// Writes the lists of all users, some thousand at a time, or fewer if they are long.
template <class Scalar>
void write_all(const Settings& settings, const Names& names, const ListFilters& filters,
               const NamedModel<Scalar>& by, const lae::Csr<Scalar>& histories,
               StatusLine& status) {
  const lae::Popularity<Scalar> popularity(histories);
  const lae::OrPopular<AnyModel<Scalar>> best(by.model, popularity);
  const Index k = std::min(settings.k, by.model.items());
  const Index batch = std::clamp<Index>((1 << 20) / k, 1, 4096);
  const bool as_csv = settings.output->extension() == ".csv";
  lae::AtomicFile file(*settings.output);
  std::string text = as_csv ? "user_id,rank,item_id,score\n" : "";
  Index without_history = 0;
  for (Index first = 0; first < histories.rows(); first += batch) {
    Interruption::check();
    status.show(fmt::format("recommending: {:.0f} %", 100.0 * static_cast<double>(first) /
                                                          static_cast<double>(histories.rows())));
    const Index users = std::min(batch, histories.rows() - first);
    const lae::Csr<Scalar> rows = histories.middleRows(first, users);
    lae::RecommendOptions options = filters.of(first, users);
    options.k = k;
    const lae::Recommendations<Scalar> lists = lae::recommend(best, rows, options);
    for (Index row = 0; row < users; ++row) {
      const bool is_personal = best.is_personal(rows, row);
      if (!is_personal) ++without_history;
      const std::string& user = names.user(first + row);
      nlohmann::ordered_json items = nlohmann::ordered_json::array();
      for (Index rank = 0; rank < k && lists.items(row, rank) >= 0; ++rank) {
        const std::string& item = names.item(lists.items(row, rank));
        const Scalar score = lists.scores(row, rank);
        if (as_csv) {
          text += fmt::format("{},{},{},{}\n", csv_field(user), rank + 1, csv_field(item),
                              is_personal ? fmt::to_string(score) : "");
        } else {
          items.push_back({{"item_id", item}, {is_personal ? "score" : "users", score}});
        }
      }
      if (as_csv) continue;
      nlohmann::ordered_json line = {{"user_id", user}};
      if (!is_personal) line["popular"] = true;
      line["items"] = std::move(items);
      text += to_line(line);
    }
    file.write(text.data(), text.size());
    text.clear();
  }
  Interruption::check();
  file.commit();
  status.clear();
  fmt::print("up to {} items each for {} users, by {}, written to {}\n", settings.k,
             histories.rows() - without_history, by.title, settings.output->string());
  if (without_history > 0) {
    fmt::print("the most popular items for {} users without a history\n", without_history);
  }
}

/// Writes what each item says most of.
template <class Scalar>
void write_items(const Settings& settings, const std::vector<std::string>& ids,
                 const NamedModel<Scalar>& by, StatusLine& status) {
  if (!settings.export_items) return;
  const fs::path& path = *settings.export_items;
  status.show("exporting the items");
  const lae::Csr<Scalar> lists = by.model.visit([&](const auto& model) {
    if constexpr (std::is_same_v<std::decay_t<decltype(model)>, lae::SgfcfModel<Scalar>>) {
      throw UsageError("a model sgfcf has no weights of items to export");
      return lae::Csr<Scalar>();
    } else {
      return lae::item_lists(model, settings.per_item);
    }
  });
  Interruption::check();
  if (path.extension() == ".npz") {
    lae::save_npz(path, lists);
  } else {
    lae::save_item_lists(path, lists, ids);
  }
  status.clear();
  fmt::print("up to {} weights each of {} items, by {}, written to {}\n", settings.per_item,
             lists.rows(), by.title, path.string());
}

/// Users with a history, in random order.
template <class Scalar>
std::vector<Index> sample_users(const lae::Csr<Scalar>& histories, Index count,
                                std::uint64_t seed) {
  std::vector<Index> users;
  for (Index user = 0; user < histories.rows(); ++user) {
    if (histories.outerIndexPtr()[user] < histories.outerIndexPtr()[user + 1]) {
      users.push_back(user);
    }
  }
  lae::Random(seed).shuffle(users);
  users.resize(std::min(users.size(), static_cast<std::size_t>(count)));
  return users;
}

/// One row, of items in lists of ids.
template <class Scalar>
lae::Csr<Scalar> history_of(const Settings& settings, const Names& names, Index items) {
  lae::Csr<Scalar> history(1, items);
  for (const std::string& list : settings.items) {
    for (const Index item : names.find_items(list)) history.coeffRef(0, item) = 1;
  }
  return history;
}

/// For someone new, by a model file alone.
template <class Scalar>
void recommend_by_file(const Settings& settings) {
  StatusLine status;
  status.show("loading the model");
  const lae::ModelInfo info = lae::load_model_info(*settings.load);
  const NamedModel<Scalar> by{title_of(*settings.load, info),
                              load_any_model<Scalar>(*settings.load)};
  const Names names(info, by.model.items());
  const auto history = history_of<Scalar>(settings, names, by.model.items());
  const ListFilters filters = filters_of(settings, names, by.model.items());
  write_items(settings, info.item_ids, by, status);
  status.clear();
  if (settings.items.empty()) return;
  print_recommendations<Scalar>(settings, names, by, nullptr, nullptr, "someone new", history,
                                filters.common(), {});
}

template <class Scalar>
void recommend(const Settings& settings) {
  StatusLine status;
  // An unwritable target is better known now than after the fit.
  for (const auto& target : {settings.output, settings.save, settings.export_items}) {
    if (target) lae::AtomicReplacement reservation(*target);
  }
  const bool has_embeddings = fs::exists(settings.data / file_name::embeddings);
  const bool has_features = has_embeddings || !settings.sources.empty();
  const std::string name = settings.model.value_or(has_features ? "l3ae" : "ease");
  const auto& models = model_registry<Scalar>();
  const ModelEntry<Scalar>& entry = *std::find_if(
      models.begin(), models.end(), [&](const auto& model) { return model.name == name; });

  status.show("reading the data");
  lae::DatasetParts parts{!settings.load && entry.needs == SideInformation::embeddings,
                          !settings.load && entry.needs == SideInformation::tags};
  if (!settings.sources.empty()) parts = parts_of(settings.sources);
  Dataset<Scalar> data = read_dataset<Scalar>(settings.data, parts);
  if (settings.train_on_all) data.train = all_interactions(data);
  const Names names(settings.data, data.train.rows(), data.train.cols());
  std::vector<Index> users;
  for (const std::string& user : settings.users) users.push_back(names.find_user(user));
  if (settings.sample > 0) users = sample_users(data.train, settings.sample, settings.seed);
  const auto new_user = history_of<Scalar>(settings, names, data.train.cols());
  const ListFilters filters = filters_of(settings, names, data.train.cols());

  const NamedModel<Scalar> by = obtain_model(settings, status, entry, names, data);
  Interruption::check();
  if (settings.save) {
    status.clear();
    fmt::print("{}, saved to {}\n\n", by.title, settings.save->string());
  }
  write_items(settings, names.item_ids(), by, status);
  if (settings.all) {
    write_all(settings, names, filters, by, data.train, status);
    return;
  }
  status.clear();
  const lae::Popularity<Scalar> popularity(data.train);
  for (const Index user : users) {
    print_recommendations(
        settings, names, by, &data, &popularity, "user " + printable(names.user(user)),
        lae::Csr<Scalar>(data.train.middleRows(user, 1)), filters.of(user, 1), user);
  }
  if (!settings.items.empty()) {
    print_recommendations(settings, names, by, &data, &popularity, "someone new", new_user,
                          filters.common(), {});
  }
}

void run(const Settings& settings) {
  const bool for_somebody =
      !settings.users.empty() || !settings.items.empty() || settings.sample > 0 || settings.all;
  if (!for_somebody && !settings.save && !settings.export_items) {
    throw UsageError(
        "one of --user, --items, --sample, --all, --save and --export-items is required (see "
        "--help)");
  }
  if (settings.export_items) {
    const std::string extension = settings.export_items->extension().string();
    if (extension != ".csv" && extension != ".jsonl" && extension != ".npz") {
      throw UsageError("--export-items needs a name that ends in .csv, .jsonl or .npz");
    }
  }
  if (settings.all) {
    const std::string extension = settings.output ? settings.output->extension().string() : "";
    if (extension != ".csv" && extension != ".jsonl") {
      throw UsageError("--all needs --output with a name that ends in .csv or .jsonl");
    }
  }
  const bool is_by_file_alone = settings.data.empty();
  if (is_by_file_alone && (!settings.load || (settings.items.empty() && !settings.export_items))) {
    throw UsageError(
        "--data is required, but for --load with --items or --export-items (see --help)");
  }
  if (is_by_file_alone && settings.filters.need_data()) {
    throw UsageError("--user-allow, --user-deny and --diversity need --data");
  }
  with_scalar(settings.computation, [&](auto zero) {
    is_by_file_alone ? recommend_by_file<decltype(zero)>(settings)
                     : recommend<decltype(zero)>(settings);
  });
}

}  // namespace
}  // namespace example

int main(int argc, char** argv) {
  CLI::App app("Recommends items by a closed-form model, and says why.\n", "recommend");
  app.footer(fmt::format(
      "A score is a sum over the user's history: item i of it adds the weight B(i, j) to the\n"
      "score of item j. What is printed below a recommendation are the largest of these parts,\n"
      "and the sum of all others; they may be negative (sgfcf is no such sum). [new]: nobody in "
      "the training data has\n"
      "the item, so its score comes from its text alone; [held out]: the user has it in the\n"
      "validation or test part. Items that a user has already are left out. Users without a\n"
      "history get what most users have. A --boost is part of a score, and of no reason. Long\n"
      "titles are cut.\n{}",
      example::exit_codes_text));
  example::Settings settings;
  example::add_options(app, settings);
  return example::run_program(app, argc, argv, [&] { example::run(settings); });
}
