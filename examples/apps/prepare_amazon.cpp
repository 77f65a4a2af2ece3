// Makes a data-set folder from files of Amazon Reviews 2023: `prepare_amazon --help`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <lae/core/fit_control.hpp>
#include <lae/data/amazon_csv.hpp>
#include <lae/data/amazon_json.hpp>
#include <lae/data/interactions.hpp>
#include <lae/data/item_tags.hpp>
#include <lae/data/item_text.hpp>
#include <lae/data/rating_log.hpp>
#include <lae/data/split.hpp>
#include <lae/io/gzip.hpp>
#include <lae/version.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checksum.hpp"
#include "command_line.hpp"
#include "dataset.hpp"
#include "new_folder.hpp"
#include "paid_embeddings.hpp"
#include "terminal.hpp"

namespace example {
namespace {

using lae::Index;
using lae::Interactions;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

enum class ColdItems { all, tested, none };
enum class Duplicates { latest, earliest };
enum class SplitBy { chance, chance_of_each_user, last_out, time };

// As they are spelled on the command line and in dataset.json, in the order of the enumerators.
constexpr const char* cold_items_names[] = {"all", "test", "none"};
constexpr const char* duplicates_names[] = {"latest", "earliest"};
constexpr const char* split_names[] = {"random", "per-user", "last-out", "time"};
constexpr const char* time_unit_names[] = {"ms", "s", "iso"};

struct Settings {
  std::vector<fs::path> reviews;
  std::optional<fs::path> train;
  std::optional<fs::path> valid;
  std::optional<fs::path> test;
  std::vector<fs::path> items;
  fs::path output;
  bool replace = false;
  bool discard_embeddings = false;
  std::optional<std::string> name;
  std::optional<double> rating_above;
  Duplicates duplicates = Duplicates::latest;
  Index k_core = 10;
  SplitBy split = SplitBy::chance;
  lae::TimeBorders borders;
  std::uint64_t seed = 1;
  ColdItems cold_items = ColdItems::all;
  bool skip_bad_lines = false;
  bool dry_run = false;
  Index tag_items = 5;
  lae::RatingLogFormat format;
  bool has_own_format = false;  ///< then the files are not those of Amazon Reviews 2023

  bool is_split() const { return train.has_value(); }
  bool has_ratings() const { return !format.rating.empty(); }

  /// The published split is taken as it is, unless something else is asked for.
  std::optional<double> least_rating() const {
    if (!has_ratings() || (is_split() && !rating_above)) return std::nullopt;
    return rating_above.value_or(3);
  }
};

/// An option that takes one of some names, which are those of an enumeration's values.
template <class Enum, std::size_t Count>
CLI::Option* add_choice(CLI::App& app, const char* name, Enum& value,
                        const char* const (&names)[Count], const char* text) {
  const std::vector<std::string> all(names, names + Count);
  return app
      .add_option_function<std::string>(
          name,
          [&value, all](const std::string& chosen) {
            value = static_cast<Enum>(std::find(all.begin(), all.end(), chosen) - all.begin());
          },
          text)
      ->check(CLI::IsMember(all).description(""));
}

void add_options(CLI::App& app, Settings& settings) {
  const auto add_file = [&](const char* name, auto& value, const char* text, const char* group) {
    return app.add_option(name, value, text)->option_text("FILE")->group(group);
  };
  const std::string input = "Input (plain or .gz; JSON lines or CSV, whatever the name)";
  const char* const group = input.c_str();
  CLI::Option* reviews =
      add_file("--reviews", settings.reviews,
               "reviews: X.jsonl, or CSV with user_id,parent_asin,rating,timestamp;\n"
               "several files are read as one",
               group);
  CLI::Option* train = add_file("--train", settings.train,
                                "or a published split, taken as it is: its training part,", group)
                           ->excludes(reviews);
  CLI::Option* valid = add_file("--valid", settings.valid, "its validation part", group);
  CLI::Option* test = add_file("--test", settings.test, "and its test part", group);
  train->needs(valid)->needs(test);
  valid->needs(train);
  test->needs(train);
  add_file("--items", settings.items,
           "what is written about items: meta_X.jsonl, or CSV with parent_asin,title,\n"
           "description,details; without it there are neither prompts nor tags",
           group);
  app.add_flag("--skip-bad-lines", settings.skip_bad_lines,
               "count lines that cannot be read and go on, instead of stopping at the first")
      ->group(input);

  app.add_flag("--dry-run", settings.dry_run,
               "write nothing; look at the beginning of each file and say how much there is to\n"
               "read, and how much memory that takes")
      ->group(input);

  const std::string columns = "Ratings in another form than Amazon's";
  const auto mark_form = [&settings](std::size_t) { settings.has_own_format = true; };
  std::vector<CLI::Option*> form_options;
  form_options.push_back(
      app.add_option_function<std::string>(
             "--columns",
             [&settings, mark_form](const std::string& list) {
               mark_form(1);
               std::string* const places[] = {&settings.format.user, &settings.format.item,
                                              &settings.format.rating, &settings.format.timestamp};
               for (std::string* place : places) place->clear();
               std::size_t begin = 0;
               for (std::string* place : places) {
                 if (begin > list.size()) break;
                 const std::size_t end = std::min(list.find(',', begin), list.size());
                 *place = list.substr(begin, end - begin);
                 if (*place == "-") place->clear();
                 begin = end + 1;
               }
               if (settings.format.user.empty() || settings.format.item.empty() ||
                   begin <= list.size()) {
                 throw UsageError(
                     "--columns: two to four columns, of users, items, ratings and "
                     "times; - where there is none of the last two");
               }
             },
             "columns of users, items, ratings and times, by name or by number from 1 on; without\n"
             "the last ones, or with - in their place, there are no ratings (all count) or times;\n"
             "default: user_id,parent_asin,rating,timestamp")
          ->option_text("U,I[,R[,T]]"));
  form_options.push_back(
      app.add_option_function<std::string>(
             "--separator",
             [&settings, mark_form](const std::string& separator) {
               mark_form(1);
               const bool is_tab = separator == "tab" || separator == "\\t";
               settings.format.csv.separator = is_tab ? "\t" : separator;
             },
             "of the columns: one character or more, such as ';' or '::', or tab; default: ','")
          ->option_text("TEXT"));
  form_options.push_back(app.add_flag_function(
      "--no-header",
      [&settings, mark_form](std::int64_t) {
        mark_form(1);
        settings.format.csv.has_header = false;
      },
      "the first line holds no names of columns, but a rating"));
  form_options.push_back(add_choice(app, "--times", settings.format.time_unit, time_unit_names,
                                    "milliseconds since 1970 (ms, default), seconds (s), or as in\n"
                                    "2014-01-03T12:30:45Z (iso)")
                             ->option_text("UNIT"));
  for (CLI::Option* option : form_options) option->group(columns);

  const std::string filters = "Interactions";
  app.add_option("--rating-above", settings.rating_above,
                 "keep ratings above this one; default: 3, that is, 4 and 5 stars, or all of a\n"
                 "published split")
      ->option_text("X")
      ->group(filters);
  add_choice(app, "--duplicates", settings.duplicates, duplicates_names,
             "which of several ratings of an item by one user counts: the latest (default), or\n"
             "the earliest, as in the data set's own benchmark; it is chosen before ratings are\n"
             "filtered")
      ->option_text("WHICH")
      ->group(filters);
  app.add_option("--k-core", settings.k_core,
                 "leave out users and items with fewer interactions than these, until none is\n"
                 "left; default: 10. 1 leaves out none")
      ->option_text("K")
      ->check(CLI::Range(1, 1000000).description(""))
      ->group(filters)
      ->excludes(train);
  add_choice(app, "--split", settings.split, split_names,
             "8:1:1 into train, valid and test: all interactions at random (random, default),\n"
             "or those of each user, who keeps one or more to learn from (per-user); or as the\n"
             "data set's own benchmark: each user's last one for test and the one before it for\n"
             "valid (last-out), or by time (time)")
      ->option_text("HOW")
      ->group(filters)
      ->excludes(train);
  app.add_option_function<std::vector<std::int64_t>>(
         "--time-borders",
         [&settings](const std::vector<std::int64_t>& borders) {
           settings.borders = {borders[0], borders[1]};
         },
         "where valid and test begin with --split time, in milliseconds since 1970; default:\n"
         "1628643414042,1658002729837, those of the benchmark")
      ->delimiter(',')
      ->expected(2)
      ->option_text("V,T")
      ->group(filters)
      ->excludes(train);
  app.add_option("--seed", settings.seed, "of the split; default: 1")
      ->option_text("N")
      ->group(filters)
      ->excludes(train);

  const std::string output = "Output";
  app.add_option("--output", settings.output, "the folder to make")
      ->option_text("DIR")
      ->required()
      ->group(output);
  CLI::Option* replace =
      app.add_flag(
             "--replace", settings.replace,
             "replace the folder if it is a data set already, and keep embeddings in it that\n"
             "a server made, finished or not, if items and prompts are the same as before")
          ->group(output);
  app.add_flag("--discard-embeddings", settings.discard_embeddings,
               "with --replace: throw such embeddings away")
      ->group(output)
      ->needs(replace);
  app.add_option("--name", settings.name, "of the data set; default: the folder's")
      ->option_text("NAME")
      ->group(output);
  add_choice(app, "--cold-items", settings.cold_items, cold_items_names,
             "items without an interaction in train to keep: those in valid or test and those\n"
             "of --items that no filter left out (all, default), the former alone (test), or\n"
             "none of them (none)")
      ->option_text("WHICH")
      ->group(output);
  app.add_option("--tag-items", settings.tag_items,
                 "a word, category or brand becomes a tag if that many items have it, and no\n"
                 "more than half of all; default: 5")
      ->option_text("N")
      ->check(CLI::Range(1, 1000000).description(""))
      ->group(output);
}

/// Whether a file holds JSON lines, not CSV.
bool is_json(const fs::path& path) {
  lae::LineReader lines(lae::open_gzip(path));
  std::string_view line;
  while (lines.next(line)) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start != line.npos) return line[start] == '{';
  }
  throw lae::FileError(path, "is empty");
}

/// Reads the input files, while their checksums are computed on another thread.
class Reader {
 public:
  Reader(const Settings& settings, StatusLine& status) : settings_(settings), status_(status) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { is_done_ = true; }

  /// The ratings of some files, one after the other, whose users and items are added to the
  /// catalog.
  Interactions ratings(const std::vector<fs::path>& paths, const char* role,
                       lae::Catalog& catalog) {
    lae::InteractionLog log(catalog);
    double all_bytes = 0;
    double bytes_before = 0;  // of the files that were read
    for (const fs::path& path : paths) all_bytes += static_cast<double>(fs::file_size(path));
    std::size_t room = 0;
    for (const fs::path& path : paths) {
      const std::size_t before = log.size();
      const auto file_bytes = static_cast<double>(fs::file_size(path));
      const bool json = !settings_.has_own_format && is_json(path);
      lae::TextSourcePtr text = open(path, role);
      const auto take = [&, &source = *text](const lae::RatingLine& line) {
        if (log.size() >= room && log.size() >= least_reserved) {
          // A third more than there will be, if lines stay as long as they were.
          const double read = bytes_before + source.fraction_read() * file_bytes;
          const double lines = static_cast<double>(log.size()) * all_bytes / std::max(read, 1.0);
          room = std::max(static_cast<std::size_t>(1.33 * lines), log.size() + least_reserved);
          log.reserve(room);
        }
        watch(source);
        log.add(line);
      };
      json ? lae::read_reviews_json(std::move(text), take, skipped())
           : lae::read_rating_log(std::move(text), settings_.format, take, skipped());
      if (log.size() == before) throw lae::FileError(path, "holds no ratings");
      bytes_before += file_bytes;
    }
    return log.take();
  }

  template <class Take>
  void items(const fs::path& path, Take&& take_item) {
    const bool json = is_json(path);
    lae::TextSourcePtr text = open(path, "items");
    const auto take = [&, &source = *text](const lae::ItemText& item) {
      watch(source);
      take_item(item);
    };
    json ? lae::read_items_json(std::move(text), take, skipped())
         : lae::read_items_csv(std::move(text), take, skipped());
  }

  /// What dataset.json says of the inputs. To be called once, after the last file.
  Json inputs_json() {
    status_.show("waiting for checksums");
    Json json = Json::array();
    for (Input& input : inputs_) {
      while (input.checksum.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {
        Interruption::check();
      }
      json.push_back({{"file", input.path.filename().string()},
                      {"role", input.role},
                      {"bytes", fs::file_size(input.path)},
                      {"sha256", input.checksum.get()},
                      {"lines_skipped", input.skipped.count}});
    }
    return json;
  }

  void report_skipped_lines() const {
    for (const Input& input : inputs_) {
      if (input.skipped.count == 0) continue;
      fmt::print("skipped {} lines of {}, of which the first are\n",
                 fmt::group_digits(input.skipped.count), input.path.string());
      for (const std::string& message : input.skipped.first_messages) fmt::print("  {}\n", message);
    }
  }

 private:
  struct Input {
    fs::path path;
    const char* role;
    lae::SkippedLines skipped;
    std::future<std::string> checksum;
  };

  lae::TextSourcePtr open(const fs::path& path, const char* role) {
    inputs_.push_back({path, role, {}, std::async(std::launch::async, [this, path] {
                         return sha256_of_file(path, is_done_);
                       })});
    return lae::open_gzip(path);
  }

  lae::SkippedLines* skipped() {
    return settings_.skip_bad_lines ? &inputs_.back().skipped : nullptr;
  }

  /// For each record that is read: says how far it is, now and then.
  void watch(const lae::TextSource& text) {
    if (records_read_++ % 4096 != 0) return;
    status_.show(fmt::format("reading {}: {:.0f} %", text.path().filename().string(),
                             100 * text.fraction_read()));
    Interruption::check();
  }

  /// Logs of fewer ratings may as well be copied while they grow.
  static constexpr std::size_t least_reserved = 1'000'000;

  const Settings& settings_;
  StatusLine& status_;
  std::uint64_t records_read_ = 0;
  std::atomic<bool> is_done_{false};
  std::vector<Input> inputs_;
};

/// Interactions in parts, and who and what they are about.
struct Data {
  lae::Catalog catalog;
  lae::Split split;
  /// Of each item; those of which nothing is known have no id. Empty if nothing was read.
  std::vector<lae::ItemText> texts;
};

/// Says how many interactions a step has left.
/// \throws std::runtime_error if there are none.
void report_step(std::string_view step, std::size_t interactions, std::string_view more = "") {
  if (interactions == 0) {
    throw std::runtime_error(fmt::format(
        "no interaction is left after this step: {} (--rating-above and --k-core choose "
        "how much the filters leave)",
        step));
  }
  fmt::print("{:<44} {:>13} interactions{}\n", step, fmt::group_digits(interactions), more);
}

/// Keeps one rating of each user and item. It comes before ratings are filtered: who rates an item
/// anew has changed their mind.
void keep_one_of_each_pair(const Settings& settings, Interactions& log) {
  settings.duplicates == Duplicates::latest ? lae::keep_latest_of_each_pair(log)
                                            : lae::keep_earliest_of_each_pair(log);
}

lae::Split split(const Settings& settings, Interactions log) {
  switch (settings.split) {
    case SplitBy::chance:
      return lae::random_split(std::move(log), settings.seed);
    case SplitBy::chance_of_each_user:
      return lae::split_of_each_user(std::move(log), settings.seed);
    case SplitBy::last_out:
      return lae::split_last_out(std::move(log));
    case SplitBy::time:
      return lae::split_by_time(std::move(log), settings.borders);
  }
  throw std::logic_error("unknown split");
}

/// Reads reviews, and filters and splits them. `unfiltered` gets all items that they are about.
Data prepare_reviews(const Settings& settings, Reader& reader, StatusLine& status,
                     lae::Catalog& unfiltered) {
  Interactions log = reader.ratings(settings.reviews, "reviews", unfiltered);
  status.clear();
  report_step("ratings read", log.size(),
              fmt::format(" of {} users and {} items", fmt::group_digits(unfiltered.users.size()),
                          fmt::group_digits(unfiltered.items.size())));
  status.show("filtering");
  keep_one_of_each_pair(settings, log);
  status.clear();
  report_step("one of each user and item", log.size());
  Interruption::check();
  if (const auto least = settings.least_rating()) {
    lae::keep_ratings_above(log, *least);
    report_step(fmt::format("rating above {}", *least), log.size());
  }
  Interruption::check();
  const int rounds = lae::keep_k_core(log, unfiltered, settings.k_core);
  report_step(
      fmt::format("{}-core, after {} round{}", settings.k_core, rounds, rounds == 1 ? "" : "s"),
      log.size());
  Interruption::check();

  Data data;
  data.catalog = lae::renumber(unfiltered, {&log});
  unfiltered.users = {};
  data.split = split(settings, std::move(log));
  return data;
}

/// Reads a published split.
Data prepare_split(const Settings& settings, Reader& reader, StatusLine& status) {
  Data data;
  lae::Split& split = data.split;
  split.train = reader.ratings({*settings.train}, "train", data.catalog);
  split.valid = reader.ratings({*settings.valid}, "valid", data.catalog);
  split.test = reader.ratings({*settings.test}, "test", data.catalog);
  status.clear();
  const auto size = [&] { return split.train.size() + split.valid.size() + split.test.size(); };
  report_step("read", size());
  for (Interactions* part : {&split.train, &split.valid, &split.test}) {
    keep_one_of_each_pair(settings, *part);
  }
  lae::remove_pairs(split.valid, split.train);
  lae::remove_pairs(split.test, split.train);
  lae::remove_pairs(split.test, split.valid);
  report_step("one of each user and item", size());
  if (const auto least = settings.least_rating()) {
    for (Interactions* part : {&split.train, &split.valid, &split.test}) {
      lae::keep_ratings_above(*part, *least);
    }
    report_step(fmt::format("rating above {}", *least), size());
    data.catalog = lae::renumber(data.catalog, {&split.train, &split.valid, &split.test});
  }
  return data;
}

/// Takes the interactions of items that train does not hold out of valid and test.
void drop_cold_items(Data& data) {
  std::vector<char> is_known(static_cast<std::size_t>(data.catalog.items.size()), 0);
  for (const lae::Interaction& i : data.split.train) {
    is_known[static_cast<std::size_t>(i.item)] = 1;
  }
  for (Interactions* part : {&data.split.valid, &data.split.test}) {
    part->erase(std::remove_if(part->begin(), part->end(),
                               [&](const lae::Interaction& i) {
                                 return is_known[static_cast<std::size_t>(i.item)] == 0;
                               }),
                part->end());
  }
  data.catalog =
      lae::renumber(data.catalog, {&data.split.train, &data.split.valid, &data.split.test});
}

/// Reads what is written about the items of `data`, and adds those that only stand there, unless
/// reviews of them were filtered out.
void read_item_texts(const Settings& settings, Reader& reader, const lae::Catalog& unfiltered,
                     Data& data) {
  lae::IdIndex& items = data.catalog.items;
  std::vector<lae::ItemText>& texts = data.texts;
  if (settings.items.empty()) return;
  texts.resize(static_cast<std::size_t>(items.size()));
  for (const fs::path& path : settings.items) {
    reader.items(path, [&](const lae::ItemText& text) {
      Index item = items.find(text.id);
      if (item < 0) {
        const bool was_left_out = unfiltered.items.find(text.id) >= 0;
        if (settings.cold_items != ColdItems::all || was_left_out) return;
        item = items.insert(text.id);
        texts.emplace_back();
      }
      lae::ItemText& known = texts[static_cast<std::size_t>(item)];
      if (known.id.empty()) known = text;  // of several, the first
    });
  }
}

std::string users_txt(const lae::IdIndex& users) {
  std::string lines;
  for (Index user = 0; user < users.size(); ++user) lines.append(users[user]) += '\n';
  return lines;
}

std::string tags_txt(const std::vector<std::string>& names) {
  std::string lines;
  for (const std::string& name : names) lines.append(name) += '\n';
  return lines;
}

std::string items_jsonl(const Data& data) {
  const lae::ItemText nothing;
  std::string lines;
  for (Index item = 0; item < data.catalog.items.size(); ++item) {
    const lae::ItemText& text =
        data.texts.empty() ? nothing : data.texts[static_cast<std::size_t>(item)];
    lines += to_line({{"id", data.catalog.items[item]},
                      {"title", lae::one_line(text.title)},
                      {"prompt", lae::item_prompt(text)}});
  }
  return lines;
}

/// Which items nobody has in train: as many entries as items, 1 for those.
lae::Vector<Index> cold_items_of(const Interactions& train, Index items) {
  lae::Vector<Index> is_cold = lae::Vector<Index>::Ones(items);
  for (const lae::Interaction& i : train) is_cold[i.item] = 0;
  return is_cold;
}

struct PartSizes {
  std::size_t train;
  std::size_t valid;
  std::size_t test;
};

/// Writes the matrix of a log, whose memory is free afterwards.
void write_matrix(const fs::path& path, Interactions log, Index users, Index items) {
  const auto matrix = lae::interaction_matrix<float>(log, users, items);
  log = Interactions();
  lae::save_npz(path, matrix);
  Interruption::check();
}

Json parameters_json(const Settings& settings) {
  Json json;
  json["duplicates"] = duplicates_names[static_cast<int>(settings.duplicates)];
  if (const auto least = settings.least_rating()) json["rating_above"] = *least;
  if (settings.is_split()) {
    json["split"] = "as published";
  } else {
    json["k_core"] = settings.k_core;
    json["split"] = split_names[static_cast<int>(settings.split)];
    if (settings.split == SplitBy::chance || settings.split == SplitBy::chance_of_each_user) {
      json["seed"] = settings.seed;
    }
    if (settings.split == SplitBy::time) {
      json["time_borders"] = {settings.borders.valid, settings.borders.test};
    }
  }
  if (settings.has_own_format) {
    json["columns"] = {settings.format.user, settings.format.item, settings.format.rating,
                       settings.format.timestamp};
  }
  json["cold_items"] = cold_items_names[static_cast<int>(settings.cold_items)];
  json["tag_items"] = settings.tag_items;
  return json;
}

void prepare(const Settings& settings) {
  StatusLine status;
  NewFolder folder(settings.output, file_name::description, settings.replace);
  Reader reader(settings, status);

  lae::Catalog unfiltered;
  Data data = settings.is_split() ? prepare_split(settings, reader, status)
                                  : prepare_reviews(settings, reader, status, unfiltered);
  if (settings.cold_items == ColdItems::none) drop_cold_items(data);
  Interruption::check();
  read_item_texts(settings, reader, unfiltered, data);
  status.show("writing");

  const Index users = data.catalog.users.size();
  const Index items = data.catalog.items.size();
  const lae::Vector<Index> is_cold = cold_items_of(data.split.train, items);
  const Index cold_items = is_cold.sum();
  const auto cold_test = std::count_if(data.split.test.begin(), data.split.test.end(),
                                       [&](const auto& i) { return is_cold[i.item] != 0; });
  const PartSizes sizes = {data.split.train.size(), data.split.valid.size(),
                           data.split.test.size()};
  // The largest part comes last, when there is most room beside it.
  write_matrix(folder / file_name::test, std::move(data.split.test), users, items);
  write_matrix(folder / file_name::valid, std::move(data.split.valid), users, items);
  write_matrix(folder / file_name::train, std::move(data.split.train), users, items);
  write_text(folder / file_name::users, users_txt(data.catalog.users));
  write_text(folder / file_name::items, items_jsonl(data));
  Interruption::check();
  Index tag_count = 0;
  if (!settings.items.empty()) {
    const lae::ItemTags tags = lae::item_tags(data.texts, settings.tag_items);
    tag_count = tags.matrix.cols();
    lae::save_npz(folder / file_name::tags, tags.matrix);
    write_text(folder / file_name::tag_names, tags_txt(tags.names));
  }
  Interruption::check();

  const std::size_t interactions = sizes.train + sizes.valid + sizes.test;
  const double density =
      static_cast<double>(interactions) / static_cast<double>(users) / static_cast<double>(items);
  const auto with_text = std::count_if(data.texts.begin(), data.texts.end(),
                                       [](const auto& text) { return !text.id.empty(); });
  const std::string name =
      settings.name.value_or(fs::absolute(settings.output / "").parent_path().filename().string());
  const Json description = {{"name", name},
                            {"users", users},
                            {"items", items},
                            {"interactions", interactions},
                            {"density", density},
                            {"train", sizes.train},
                            {"valid", sizes.valid},
                            {"test", sizes.test},
                            {"cold_items", cold_items},
                            {"test_of_cold_items", cold_test},
                            {"items_with_text", with_text},
                            {"tags", tag_count},
                            {"parameters", parameters_json(settings)},
                            {"inputs", reader.inputs_json()},
                            {"lae_version", LAE_VERSION_STRING}};
  write_json(folder / file_name::description, description);
  const KeptEmbeddings kept(settings.output, folder / "", settings.discard_embeddings);
  folder.commit();

  status.clear();
  reader.report_skipped_lines();
  const auto digits = [](auto number) { return fmt::to_string(fmt::group_digits(number)); };
  fmt::print("train / valid / test                         {} / {} / {}\n", digits(sizes.train),
             digits(sizes.valid), digits(sizes.test));
  fmt::print("items that train does not hold               {}, in {} interactions of test\n",
             digits(cold_items), digits(cold_test));
  if (!settings.items.empty()) {
    fmt::print("items with text, tags                        {}, {}\n", digits(with_text),
               digits(tag_count));
  }
  if (!kept.model().empty()) {
    fmt::print("kept embeddings by                           {}\n", printable(kept.model()));
  }
  fmt::print("\n| data set | users | items | interactions | density |\n");
  fmt::print("| --- | ---: | ---: | ---: | ---: |\n");
  fmt::print("| {} | {} | {} | {} | {:.4f} % |\n\nwritten to {}\n", name, digits(users),
             digits(items), digits(interactions), 100 * density, settings.output.string());
  const double model_bytes = 4.0 * static_cast<double>(items) * static_cast<double>(items);
  if (model_bytes > static_cast<double>(lae::machine_memory())) {
    fmt::print(
        "\nA dense model of so many items takes {:.0f} GB, more than this machine has: they are "
        "fitted\n"
        "by blocks. A larger --k-core leaves fewer items, and so does --cold-items test.\n",
        model_bytes / 1e9);
  }
}

/// What the beginning of a file tells of all of it.
struct Forecast {
  double ratings = 0;
  double id_bytes = 0;  ///< of users and items, if they keep coming as they do at the beginning
};

Forecast forecast(const Settings& settings, const fs::path& path) {
  constexpr std::size_t most_lines = 200'000;
  lae::Catalog catalog;
  lae::InteractionLog log(catalog);
  lae::SkippedLines skipped;
  double fraction = 1;
  struct Enough {};
  lae::TextSourcePtr text = lae::open_gzip(path);
  const lae::TextSource& source = *text;
  const bool json = !settings.has_own_format && is_json(path);
  const auto take = [&](const lae::RatingLine& line) {
    log.add(line);
    if (log.size() < most_lines) return;
    fraction = std::max(source.fraction_read(), 1e-9);
    throw Enough{};
  };
  try {
    json ? lae::read_reviews_json(std::move(text), take, &skipped)
         : lae::read_rating_log(std::move(text), settings.format, take, &skipped);
  } catch (const Enough&) {
  }
  const auto ratings = static_cast<double>(log.take().size());
  double characters = 0;
  for (const lae::IdIndex* ids : {&catalog.users, &catalog.items}) {
    constexpr double bytes_of_an_entry = 32;  // where it stands, and its place in the hash table
    for (Index id = 0; id < ids->size(); ++id) {
      characters += static_cast<double>((*ids)[id].size()) + bytes_of_an_entry;
    }
  }
  return {ratings / fraction, characters / fraction};
}

/// Says how much there is to read, and how much memory and disk that takes.
void forecast_all(const Settings& settings) {
  std::vector<fs::path> files = settings.reviews;
  if (settings.is_split()) files = {*settings.train, *settings.valid, *settings.test};
  Forecast all;
  for (const fs::path& path : files) {
    const Forecast one = forecast(settings, path);
    fmt::print("{}: {} bytes, about {} ratings\n", path.string(),
               fmt::group_digits(fs::file_size(path)),
               fmt::group_digits(static_cast<std::uint64_t>(one.ratings)));
    all.ratings += one.ratings;
    all.id_bytes += one.id_bytes;
  }
  double item_bytes = 0;
  for (const fs::path& path : settings.items) {
    const auto bytes = static_cast<double>(fs::file_size(path));
    fmt::print("{}: {} bytes, of which the texts of items that are kept are in memory\n",
               path.string(), fmt::group_digits(fs::file_size(path)));
    item_bytes += bytes;
  }
  const double bytes = 32 * all.ratings + all.id_bytes;
  fmt::print(
      "memory: about {:.2f} GB for ratings, {:.2f} GB or less for the ids of users and items{}\n"
      "disk: {:.2f} GB or less for matrices\nnothing was written\n",
      32 * all.ratings / 1e9, all.id_bytes / 1e9, item_bytes > 0 ? ", and the texts of items" : "",
      12 * all.ratings / 1e9);
  const auto memory = static_cast<double>(lae::machine_memory());
  if (bytes > memory) {
    fmt::print("This machine has {:.2f} GB of memory, which is not enough.\n", memory / 1e9);
  }
}

void run(const Settings& settings) {
  if (settings.reviews.empty() && !settings.is_split()) {
    throw UsageError("--reviews or --train, --valid and --test are required (see --help)");
  }
  const bool needs_times = settings.split == SplitBy::last_out || settings.split == SplitBy::time;
  if (needs_times && settings.format.timestamp.empty()) {
    throw UsageError("--split last-out and --split time need a column of times (see --columns)");
  }
  settings.dry_run ? forecast_all(settings) : prepare(settings);
}

}  // namespace
}  // namespace example

int main(int argc, char** argv) {
  CLI::App app(
      "Makes a data-set folder for compare_models and its companions from files of Amazon Reviews\n"
      "2023 or others of their form. The folder is written as a whole or not at all.\n",
      "prepare_amazon");
  app.footer(fmt::format(
      "A directory of MovieLens 1M:\n"
      "  prepare_amazon --reviews ml-1m/ratings.dat --separator :: --no-header --columns 1,2,3,4\n"
      "                 --times s --output movielens\n"
      "Users and items are numbered as they first appear. {}",
      example::exit_codes_text));
  example::Settings settings;
  example::add_options(app, settings);
  return example::run_program(app, argc, argv, [&] { example::run(settings); });
}
