// Makes embeddings of items from their prompts: `encode_items --help`.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <lae/data/text_features.hpp>
#include <lae/io/npy.hpp>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catalog.hpp"
#include "checksum.hpp"
#include "command_line.hpp"
#include "dataset.hpp"
#include "embedding_client.hpp"
#include "encoding_journal.hpp"
#include "terminal.hpp"

namespace example {
namespace {

using lae::Index;
namespace fs = std::filesystem;

struct Settings {
  fs::path data;
  EmbeddingServer server;
  std::string key_variable = "OPENAI_API_KEY";
  std::size_t batch = 64;
  int parallel = 4;
  std::size_t longest_text = std::string::npos;
  bool restart = false;
  bool built_in = false;
  std::optional<Index> dimensions;
};

void add_options(CLI::App& app, Settings& settings) {
  app.add_option("--data", settings.data, "a data-set folder with items.jsonl")
      ->option_text("DIR")
      ->required()
      ->check(CLI::ExistingDirectory);

  const std::string server = "By a server";
  CLI::Option* endpoint = app.add_option("--endpoint", settings.server.url,
                                         "of a server that knows POST /v1/embeddings, such as\n"
                                         "http://localhost:8080 or https://api.openai.com/v1")
                              ->option_text("URL")
                              ->group(server);
  CLI::Option* model =
      app.add_option("--model", settings.server.model, "the name by which the server knows it")
          ->option_text("NAME")
          ->group(server)
          ->needs(endpoint);
  endpoint->needs(model);
  app.add_option("--key-variable", settings.key_variable,
                 "environment variable with the key to send; default: OPENAI_API_KEY")
      ->option_text("NAME")
      ->group(server);
  app.add_option("--batch", settings.batch, "texts in a request; default: 64")
      ->option_text("N")
      ->check(CLI::Range(1, 100000).description(""))
      ->group(server);
  app.add_option("--parallel", settings.parallel, "requests at a time; default: 4")
      ->option_text("N")
      ->check(CLI::Range(1, 64).description(""))
      ->group(server);
  app.add_option("--max-bytes", settings.longest_text,
                 "cut texts to that many bytes, for models that refuse long ones;\n"
                 "default: whole texts")
      ->option_text("N")
      ->check(CLI::Range(1, 1000000000).description(""))
      ->group(server);
  app.add_option("--retries", settings.server.retries,
                 "how often to send a request again after status 429, 5xx, a dropped\n"
                 "connection or a timeout; default: 6")
      ->option_text("N")
      ->check(CLI::Range(0, 1000).description(""))
      ->group(server);
  app.add_option("--backoff", settings.server.backoff_seconds,
                 "seconds to wait before the first retry, give or take a quarter; twice as long\n"
                 "before each further one, or what the server asks for if that is more;\n"
                 "default: 1")
      ->option_text("S")
      ->check(CLI::Range(0.0, 60.0).description(""))
      ->group(server);
  app.add_option("--timeout", settings.server.timeout_seconds,
                 "seconds to wait for an answer; default: 300")
      ->option_text("S")
      ->check(CLI::Range(0.01, 86400.0).description(""))
      ->group(server);
  app.add_flag("--restart", settings.restart,
               "do not go on with what an interrupted run has finished")
      ->group(server);

  const std::string built_in = "Without a server";
  app.add_flag("--built-in", settings.built_in,
               "latent semantic analysis of the same texts: tf-idf weights of their words, and\n"
               "the largest singular values and vectors of that matrix")
      ->option_text(" ")  // else the help lists what it excludes
      ->group(built_in)
      ->excludes(endpoint);
  app.add_option("--dimensions", settings.dimensions,
                 "at most; default: a tenth of the number of items, but no more than 256")
      ->option_text("D")
      ->check(CLI::Range(1, 100000).description(""))
      ->group(built_in)
      ->excludes(endpoint);
}

/// Of encoder and texts: the same where embeddings may be mixed.
std::string fingerprint(const std::string& encoder, const std::vector<std::string>& texts) {
  Sha256 sha256;
  const auto add = [&](const std::string& text) {
    const std::uint64_t size = text.size();
    sha256.add(&size, sizeof(size));
    sha256.add(text.data(), text.size());
  };
  add(encoder);
  for (const std::string& text : texts) add(text);
  return sha256.digits();
}

/// Writes embeddings.npy and then embeddings.json, which says what it is.
void write_embeddings(const fs::path& folder, const lae::Matrix<float>& embeddings,
                      const std::string& encoder, const std::string& mark,
                      std::size_t without_text) {
  std::error_code ignored;
  fs::remove(folder / file_name::encoder, ignored);
  lae::save_npy(folder / file_name::embeddings, embeddings);
  write_json(folder / file_name::encoder, {{"encoder", encoder},
                                           {"dimensions", embeddings.cols()},
                                           {"items", embeddings.rows()},
                                           {"items_without_text", without_text},
                                           {"fingerprint", mark}});
}

/// Whether the folder holds the embeddings of this fingerprint already.
bool is_finished(const fs::path& folder, const std::string& mark) {
  if (!fs::exists(folder / file_name::embeddings) || !fs::exists(folder / file_name::encoder)) {
    return false;
  }
  return read_json_text(folder / file_name::encoder, "fingerprint") == mark;
}

/// How far the encoding is, and how long it will take, for the status line.
class ProgressBar {
 public:
  ProgressBar(std::size_t done_before, std::size_t all) : before_(done_before), all_(all) {}

  std::string text(std::size_t done) const {
    constexpr std::size_t width = 30;
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const std::size_t filled = width * done / std::max<std::size_t>(all_, 1);
    std::string text = fmt::format("[{:=<{}}{:>{}}] {} / {} items", "", filled, "", width - filled,
                                   fmt::group_digits(done), fmt::group_digits(all_));
    if (done > before_ && seconds > 0) {
      const double a_second = static_cast<double>(done - before_) / seconds;
      const auto left = std::chrono::seconds(
          static_cast<std::int64_t>(static_cast<double>(all_ - done) / a_second));
      text += fmt::format(", {:.1f} a second, {:%H:%M:%S} left", a_second, left);
    }
    return text;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::size_t before_;
  std::size_t all_;
  Clock::time_point start_ = Clock::now();
};

/// Sends the texts that the journal lacks, several requests at a time.
class Encoder {
 public:
  Encoder(const Settings& settings, const std::vector<std::string>& ids,
          const std::vector<std::string>& texts, EncodingJournal& journal)
      : settings_(settings), ids_(ids), texts_(texts), journal_(journal) {
    for (std::size_t item = 0; item < texts.size(); ++item) {
      if (texts[item].empty()) continue;
      ++all_;
      if (!journal.is_done(static_cast<Index>(item))) missing_.push_back(item);
    }
    done_ = all_ - missing_.size();
    const std::size_t batches = (missing_.size() + settings.batch - 1) / settings.batch;
    for (int i = 0; i < settings.parallel && static_cast<std::size_t>(i) < batches; ++i) {
      clients_.push_back(std::make_unique<EmbeddingClient>(settings.server));
    }
  }

  /// \throws ServerError, lae::FileError, lae::Cancelled; what was finished is in the journal.
  void run() {
    std::vector<std::thread> threads;
    working_ = static_cast<int>(clients_.size());
    for (auto& client : clients_) {
      threads.emplace_back([this, &client] {
        try {
          work(*client);
        } catch (...) {
          const std::lock_guard<std::mutex> lock(mutex_);
          if (!error_) error_ = std::current_exception();
          has_failed_ = true;
        }
        --working_;
      });
    }
    StatusLine status;
    const ProgressBar bar(done_, all_);
    while (working_ > 0) {
      for (auto& client : clients_) {
        // Answers under way are paid for, and worth the wait unless someone is in a hurry.
        if (has_failed_) client->give_up();
        if (Interruption::is_noted()) client->stop();
      }
      status.show(bar.text(done_));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    for (std::thread& thread : threads) thread.join();
    Interruption::check();
    if (error_) std::rethrow_exception(error_);
  }

  std::size_t texts() const { return all_; }
  int requests() const { return sum(&EmbeddingClient::requests); }
  int retries() const { return sum(&EmbeddingClient::retries); }

 private:
  int sum(int (EmbeddingClient::*count)() const) const {
    int total = 0;
    for (const auto& client : clients_) total += (*client.*count)();
    return total;
  }

  void work(EmbeddingClient& client) {
    while (!has_failed_) {
      const std::size_t first = next_.fetch_add(settings_.batch);
      if (first >= missing_.size()) return;
      const std::size_t end = std::min(first + settings_.batch, missing_.size());
      std::vector<Index> items;
      std::vector<std::string> texts;
      std::vector<std::string> ids;
      for (std::size_t i = first; i < end; ++i) {
        items.push_back(static_cast<Index>(missing_[i]));
        texts.push_back(texts_[missing_[i]]);
        ids.push_back(ids_[missing_[i]]);
      }
      const lae::Matrix<float> embeddings = client.embed(texts, ids);
      const std::lock_guard<std::mutex> lock(mutex_);
      const Index dimensions = journal_.embeddings().cols();
      if (dimensions > 0 && dimensions != embeddings.cols()) {
        throw ServerError(
            fmt::format("item {}: the vector has {} dimensions, those of other items "
                        "have {}",
                        ids.front(), embeddings.cols(), dimensions));
      }
      journal_.append(items, embeddings);
      done_ += items.size();
    }
  }

  const Settings& settings_;
  const std::vector<std::string>& ids_;
  const std::vector<std::string>& texts_;
  EncodingJournal& journal_;
  std::mutex mutex_;  ///< of journal and error
  std::vector<std::size_t> missing_;
  std::size_t all_ = 0;
  std::vector<std::unique_ptr<EmbeddingClient>> clients_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> done_{0};
  std::atomic<int> working_{0};
  std::atomic<bool> has_failed_{false};
  std::exception_ptr error_;  ///< the first one
};

/// How long something took, for the last line.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void report(const lae::Matrix<float>& embeddings, const std::string& encoder,
            std::size_t without_text, double seconds, const std::string& more) {
  fmt::print("{} items, {} dimensions, by {}, in {:.1f} s{}\n",
             fmt::group_digits(embeddings.rows()), embeddings.cols(), encoder, seconds, more);
  if (without_text > 0) {
    fmt::print("{} items without text got zeros\n", fmt::group_digits(without_text));
  }
}

void encode_by_server(const Settings& settings, const ItemCatalog& items,
                      std::size_t without_text) {
  const Stopwatch watch;
  std::vector<std::string> texts;
  for (const std::string& prompt : items.prompts) {
    texts.push_back(first_bytes(prompt, settings.longest_text));
  }
  const std::string mark = fingerprint(settings.server.model, texts);
  EncodingJournal journal(settings.data / "embeddings.journal", mark,
                          static_cast<Index>(texts.size()), settings.restart);
  if (!settings.restart && journal.is_empty() && is_finished(settings.data, mark)) {
    fmt::print("nothing to do: the embeddings of these texts by {} are there\n",
               settings.server.model);
    return;
  }
  Encoder encoder(settings, items.ids, texts, journal);
  encoder.run();
  write_embeddings(settings.data, journal.embeddings(), settings.server.model, mark, without_text);
  journal.remove();
  report(journal.embeddings(), settings.server.model, without_text, watch.seconds(),
         fmt::format(" ({} requests, {} of them again)", encoder.requests(), encoder.retries()));
}

void encode_built_in(const Settings& settings, const ItemCatalog& items, std::size_t without_text) {
  const Stopwatch watch;
  StatusLine status;
  status.show("counting words");
  std::vector<std::vector<std::string>> documents;
  for (const std::string& prompt : items.prompts) documents.push_back(lae::words_of(prompt));
  const auto all = static_cast<Index>(documents.size());
  // More dimensions than there are topics in the texts would be the noise of single items.
  const Index dimensions = settings.dimensions.value_or(std::clamp<Index>(all / 10, 1, 256));
  const lae::TermCounts terms = lae::count_terms(documents, 2, all);
  if (terms.terms.empty()) {
    throw lae::FileError(settings.data / file_name::items,
                         "no word stands in the prompts of two items, so there is nothing to "
                         "analyse");
  }
  const lae::Matrix<float> embeddings = lae::latent_semantic_embeddings(
      lae::tf_idf(terms.counts), dimensions, 1, example::watch(status, "encoding"));
  const std::string encoder =
      fmt::format("built-in latent semantic analysis of {} words", terms.terms.size());
  status.show("writing");
  write_embeddings(settings.data, embeddings, encoder, fingerprint(encoder, items.prompts),
                   without_text);
  status.clear();
  report(embeddings, encoder, without_text, watch.seconds(), "");
}

/// The key that the environment holds, or nothing.
/// \throws UsageError if it cannot stand in a line of HTTP.
std::string find_key(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  const std::string key = value == nullptr ? "" : value;
  if (std::any_of(key.begin(), key.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    throw UsageError(
        fmt::format("{} holds spaces, line ends or characters beyond ASCII", variable));
  }
  return key;
}

void run(Settings& settings) {
  if (settings.built_in == !settings.server.url.empty()) {
    throw UsageError("--endpoint and --model, or --built-in, are required (see --help)");
  }
  if (!settings.built_in) settings.server.key = find_key(settings.key_variable);
  const fs::path path = settings.data / file_name::items;
  const ItemCatalog items = read_item_catalog(path);
  const auto without_text =
      static_cast<std::size_t>(std::count(items.prompts.begin(), items.prompts.end(), ""));
  if (without_text == items.prompts.size()) throw lae::FileError(path, "holds no prompts");
  // An unwritable folder is better known now than after the work.
  { const lae::AtomicReplacement reservation(settings.data / file_name::embeddings); }
  settings.built_in ? encode_built_in(settings, items, without_text)
                    : encode_by_server(settings, items, without_text);
}

}  // namespace
}  // namespace example

int main(int argc, char** argv) {
  CLI::App app(
      "Makes embeddings.npy of a data-set folder: one vector for each item, from its prompt.\n"
      "Interrupted at any point and started again, it goes on with what is missing.\n",
      "encode_items");
  app.footer(fmt::format(
      "Items without a prompt get zeros, and are not sent. Finished batches are kept in\n"
      "embeddings.journal until all are there; embeddings.json tells what made the embeddings.\n{}",
      example::exit_codes_text));
  example::Settings settings;
  example::add_options(app, settings);
  return example::run_program(app, argc, argv, [&] { example::run(settings); });
}
