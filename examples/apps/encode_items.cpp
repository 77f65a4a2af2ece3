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
#include <functional>
#include <lae/data/latent_semantics.hpp>
#include <lae/data/prepare_features.hpp>
#include <lae/data/text_features.hpp>
#include <lae/io/npy.hpp>
#include <lae/io/partial_name.hpp>
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
#include "embedding_origin.hpp"
#include "encoding_journal.hpp"
#include "paid_embeddings.hpp"
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
  std::size_t batch_bytes = std::string::npos;
  std::string instruction;
  std::size_t longest_text = std::string::npos;
  std::vector<std::string> headers;
  std::string fields;  ///< JSON
  bool is_renamed = false;
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
                                         "http://localhost:8080 or https://api.openai.com/v1;\n"
                                         "reached by the proxy that http_proxy, https_proxy or\n"
                                         "all_proxy name, unless no_proxy lists its host")
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
  app.add_option("--header", settings.headers,
                 "send this, too, such as 'api-key: ...'; again for further ones; it is neither\n"
                 "shown nor stored")
      ->option_text("'NAME: VALUE'")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(server)
      ->needs(endpoint);
  app.add_option("--body", settings.fields,
                 "further fields of each request, such as '{\"dimensions\": 512}'")
      ->option_text("JSON")
      ->group(server)
      ->needs(endpoint);
  app.add_option("--instruction", settings.instruction,
                 "put this before each text, as it is, for models that are made for it")
      ->option_text("TEXT")
      ->group(server)
      ->needs(endpoint);
  app.add_option("--batch", settings.batch,
                 "texts in a request; fewer where the server refuses that many; default: 64")
      ->option_text("N")
      ->check(CLI::Range(1, 100000).description(""))
      ->group(server);
  app.add_option("--batch-bytes", settings.batch_bytes,
                 "fewer texts where they have more bytes than that together; a token of English\n"
                 "has about 4; default: as many bytes as they have")
      ->option_text("N")
      ->check(CLI::Range(1, 1000000000).description(""))
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
                 "how often to send a request again after a status that may pass (429, 503, ...),\n"
                 "a dropped connection or a timeout; default: 6")
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
  app.add_flag("--renamed", settings.is_renamed,
               "go on although the server has another name for its model than before; the\n"
               "vectors of a text are compared all the same")
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

  app.add_flag("--restart", settings.restart,
               "throw away what a server has made before, finished or not");
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

/// Writes embeddings.npy and embeddings.json, which says what it is. If that fails, both are as
/// before; who is killed may leave embeddings without a word about them, but never with a wrong
/// one. \param origin of those by a server
void write_embeddings(const fs::path& folder, const lae::Matrix<float>& embeddings,
                      const std::string& encoder, const std::string& mark, std::size_t without_text,
                      const EmbeddingOrigin* origin = nullptr) {
  nlohmann::ordered_json json = {{"encoder", encoder},
                                 {"dimensions", embeddings.cols()},
                                 {"items", embeddings.rows()},
                                 {"items_without_text", without_text},
                                 {"fingerprint", mark}};
  if (origin != nullptr) json["origin"] = to_json(*origin);
  lae::AtomicReplacement vectors(folder / file_name::embeddings);
  lae::save_npy(vectors.partial(), embeddings);
  lae::AtomicReplacement about(folder / file_name::encoder);
  write_json(about.partial(), json);

  // From here on there is nothing to write but names.
  std::error_code error;
  const lae::PartialName vectors_before(vectors.target(), error);
  if (error) throw lae::FileError(vectors.target(), "cannot be replaced: " + error.message());
  const lae::PartialName about_before(about.target(), error);
  if (error) throw lae::FileError(about.target(), "cannot be replaced: " + error.message());
  std::error_code ignored;
  fs::create_hard_link(vectors.target(), vectors_before.path(), ignored);
  fs::rename(about.target(), about_before.path(), ignored);
  try {
    vectors.commit();
    about.commit();
  } catch (const lae::FileError&) {
    fs::rename(vectors_before.path(), vectors.target(), ignored);
    fs::rename(about_before.path(), about.target(), ignored);
    throw;
  }
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

/// Connections to a server, each for a thread of its own.
class Clients {
 public:
  Clients(const EmbeddingServer& server, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      clients_.push_back(std::make_unique<EmbeddingClient>(server));
    }
  }

  /// Calls `task` with each of the first clients, at the same time, and shows the status meanwhile.
  /// \throws what the first one throws that does, after the others have come to an end;
  /// lae::Cancelled after Ctrl-C
  void run(std::size_t count, const std::function<void(EmbeddingClient&)>& task,
           const std::function<std::string()>& status_text) {
    std::exception_ptr error;
    count = std::min(count, clients_.size());
    std::atomic<std::size_t> working{0};
    const auto work = [&](EmbeddingClient& client) {
      try {
        task(client);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!error) error = std::current_exception();
        has_failed_ = true;
      }
      --working;
    };
    std::vector<std::thread> threads;
    threads.reserve(count);
    try {
      for (std::size_t i = 0; i < count; ++i) start(threads, working, work, *clients_[i]);
      StatusLine status;
      while (working > 0) {
        for (auto& client : clients_) {
          // Answers under way are paid for, and worth the wait unless someone is in a hurry.
          if (has_failed_) client->give_up();
          if (Interruption::is_noted()) client->stop();
        }
        status.show(status_text());
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    } catch (...) {
      has_failed_ = true;
      for (auto& client : clients_) client->give_up();
      for (std::thread& thread : threads) thread.join();
      throw;
    }
    for (std::thread& thread : threads) thread.join();
    Interruption::check();
    if (error) std::rethrow_exception(error);
  }

  std::size_t size() const { return clients_.size(); }
  bool has_failed() const { return has_failed_; }
  int requests() const { return sum(&EmbeddingClient::requests); }
  int retries() const { return sum(&EmbeddingClient::retries); }

 private:
  /// One more thread, if the system has one; the first it must have.
  template <class Work>
  static void start(std::vector<std::thread>& threads, std::atomic<std::size_t>& working,
                    Work& work, EmbeddingClient& client) {
    ++working;
    try {
      threads.emplace_back([&] { work(client); });
    } catch (const std::exception&) {
      --working;
      if (threads.empty()) throw;
    }
  }

  int sum(int (EmbeddingClient::*count)() const) const {
    int total = 0;
    for (const auto& client : clients_) total += (*client.*count)();
    return total;
  }

  std::vector<std::unique_ptr<EmbeddingClient>> clients_;
  std::mutex mutex_;  ///< of the error
  std::atomic<bool> has_failed_{false};
};

/// How far two vectors are from each other, as a share of the longer one's length.
double relative_distance(const Eigen::Ref<const Eigen::RowVectorXf>& a,
                         const Eigen::Ref<const Eigen::RowVectorXf>& b) {
  const Eigen::RowVectorXd x = a.cast<double>();
  const Eigen::RowVectorXd y = b.cast<double>();
  const double longer = std::max(x.norm(), y.norm());
  return longer > 0 ? (x - y).norm() / longer : 0;
}

/// \throws ServerError if the server calls its model otherwise than before
void compare_names(const Settings& settings, const std::string& before, const std::string& now,
                   const EmbeddingClient& client) {
  if (settings.is_renamed || before.empty() || now.empty() || before == now) return;
  throw ServerError(fmt::format(
      "{}: the server calls its model \"{}\", but what is there was made by \"{}\"; "
      "--restart throws that away, --renamed says that both are the same",
      EmbeddingClient::address(settings.server), client.shortened(now), client.shortened(before)));
}

/// Compares an item's vector of before with the server's answer to its text now, to tell whether
/// the server still is what made the vector.
/// \throws ServerError if it is not
void compare_vectors(const Settings& settings, const EmbeddingAnswer& now,
                     const Eigen::Ref<const Eigen::RowVectorXf>& before, const std::string& id) {
  // Half precision, and integers scaled by what else is in a batch, change less; other models more.
  constexpr double largest_noise = 0.2;
  std::string problem;
  if (now.embeddings.cols() != before.cols()) {
    problem =
        fmt::format("has {} dimensions now, and had {}", now.embeddings.cols(), before.cols());
  } else if (relative_distance(now.embeddings.row(0), before) > largest_noise) {
    problem = "is another than before";
  } else {
    return;
  }
  throw ServerError(
      fmt::format("{}: this is not the model that made what is there: the vector of item {} {}; "
                  "ask the server of before, or --restart, which throws away what is there",
                  EmbeddingClient::address(settings.server), id, problem));
}

/// Looks out for a server that has the same vector for all texts.
class SameVectors {
 public:
  explicit SameVectors(const std::vector<std::string>& texts) : texts_(texts) {
    const auto first = std::find_if_not(texts.begin(), texts.end(), is_blank);
    if (first == texts.end()) return;
    std::size_t others = 0;
    for (const std::string& text : texts) others += !is_blank(text) && text != *first ? 1 : 0;
    enough_ = std::min(others, enough_);
    has_varied_ = others == 0;
  }

  /// \return whether all vectors so far are the same, of so many texts that it is no chance
  bool add(Index item, const Eigen::Ref<const Eigen::RowVectorXf>& vector) {
    const std::string& text = texts_[static_cast<std::size_t>(item)];
    if (has_varied_ || is_blank(text)) return false;
    if (vector_.size() == 0) {
      vector_ = vector;
      text_ = &text;
    } else if (vector_.size() != vector.size() || relative_distance(vector_, vector) > rounding) {
      has_varied_ = true;
    } else if (text != *text_) {
      ++same_;
    }
    return !has_varied_ && same_ >= enough_;
  }

 private:
  static constexpr double rounding = 1e-5;

  const std::vector<std::string>& texts_;
  // Few texts may well be the same to a model, such as those that differ in capital letters.
  std::size_t enough_ = 15;
  bool has_varied_ = false;
  Eigen::RowVectorXf vector_;
  const std::string* text_ = nullptr;
  std::size_t same_ = 0;  ///< other texts than this one
};

/// Sends the texts that the journal lacks, several requests at a time.
class Encoder {
 public:
  Encoder(const Settings& settings, const std::vector<std::string>& ids,
          const std::vector<std::string>& texts, EncodingJournal& journal)
      : settings_(settings),
        ids_(ids),
        texts_(texts),
        journal_(journal),
        same_vectors_(texts),
        largest_batch_(settings.batch) {
    for (std::size_t item = 0; item < texts.size(); ++item) {
      if (texts[item].empty()) continue;
      ++all_;
      const auto row = static_cast<Index>(item);
      // Zeros may have been kept before they were looked at.
      const bool is_there = journal.is_done(row) &&
                            (is_blank(texts[item]) || !journal.embeddings().row(row).isZero(0));
      if (!is_there) missing_.push_back(item);
    }
    done_ = all_ - missing_.size();
    clients_.emplace(settings.server,
                     std::min(missing_.size(), static_cast<std::size_t>(settings.parallel)));
  }

  /// \throws ServerError, lae::FileError, lae::Cancelled; what was finished is in the journal.
  void run() {
    check_journal();
    const ProgressBar bar(done_, all_);
    clients_->run(
        clients_->size(), [&](EmbeddingClient& client) { work(client); },
        [&] { return bar.text(done_); });
    keep_zeros();
  }

  /// For the last line.
  std::string summary() const {
    std::string text =
        fmt::format(" ({} requests, {} of them again)", clients_->requests(), clients_->retries());
    if (refused_ > 0) {
      text += fmt::format("; {} requests were too large: --batch {} spares them", refused_.load(),
                          largest_batch_);
    }
    if (!zeros_.empty()) {
      text += fmt::format("; {} items with text got zeros, such as {}", zeros_.size(),
                          ids_[zeros_.front()]);
    }
    return text;
  }

 private:
  /// That what is there is sound, and of the server that is asked for the rest.
  void check_journal() {
    std::optional<Index> known;
    for (Index item = 0; item < static_cast<Index>(texts_.size()); ++item) {
      if (!journal_.is_done(item)) continue;
      const auto vector = journal_.embeddings().row(item);
      if (vector.isZero(0)) continue;
      ++sound_;
      if (!known) known = item;
      if (same_vectors_.add(item, vector)) refuse_same_vectors("--restart throws them away");
    }
    if (missing_.empty() || !known) return;
    clients_->run(
        1,
        [&](EmbeddingClient& client) {
          const auto i = static_cast<std::size_t>(*known);
          const EmbeddingAnswer now = client.embed({texts_[i]}, {ids_[i]});
          compare_names(settings_, journal_.origin().served_model, now.model, client);
          compare_vectors(settings_, now, journal_.embeddings().row(*known), ids_[i]);
        },
        [] { return "comparing with what is there"; });
  }

  [[noreturn]] void refuse_same_vectors(const char* advice) const {
    throw ServerError(
        fmt::format("{}: all texts so far have got the same vector, so they say nothing; {}",
                    EmbeddingClient::address(settings_.server), advice));
  }

  void work(EmbeddingClient& client) {
    while (!clients_->has_failed()) {
      const std::vector<std::size_t> items = next_batch();
      if (items.empty()) return;
      encode(client, items);
    }
  }

  /// The next missing items, as many as a request may have; none if there are no more.
  std::vector<std::size_t> next_batch() {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::size_t> items;
    std::size_t bytes = 0;
    for (; next_ < missing_.size() && items.size() < largest_batch_; ++next_) {
      const std::size_t size = texts_[missing_[next_]].size();
      if (!items.empty() && size > settings_.batch_bytes - std::min(bytes, settings_.batch_bytes)) {
        break;
      }
      items.push_back(missing_[next_]);
      bytes += size;
    }
    return items;
  }

  /// In halves where the server refuses so much at once: what it takes is then paid for only once,
  /// and what it never takes is known by its name.
  void encode(EmbeddingClient& client, const std::vector<std::size_t>& items) {
    std::vector<std::string> texts;
    std::vector<std::string> ids;
    for (const std::size_t item : items) {
      texts.push_back(texts_[item]);
      ids.push_back(ids_[item]);
    }
    // Zeros may come of a server that is about to start or to break. It does not get well by
    // waiting for long.
    const int retries_of_zeros = sound_ > 0 ? 0 : 2;
    std::optional<EmbeddingAnswer> answer;
    try {
      answer = client.embed(texts, ids, retries_of_zeros);
    } catch (const RequestTooLarge&) {
      if (items.size() == 1) throw;
    }
    if (answer) return keep(client, items, *answer);
    ++refused_;
    const auto middle = items.begin() + static_cast<std::ptrdiff_t>((items.size() + 1) / 2);
    encode(client, {items.begin(), middle});
    encode(client, {middle, items.end()});
    // Since both halves were taken, it was their number.
    const std::lock_guard<std::mutex> lock(mutex_);
    largest_batch_ = std::min(largest_batch_, (items.size() + 1) / 2);
  }

  void keep(EmbeddingClient& client, const std::vector<std::size_t>& items,
            EmbeddingAnswer& answer) {
    if (sound_ > 0 || !answer.embeddings.isZero(0)) ask_again_for_zeros(client, items, answer);
    std::vector<std::size_t> zeros;
    std::vector<Index> sound;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto row = static_cast<Index>(i);
      if (is_zero(answer, row, items[i])) {
        zeros.push_back(items[i]);
      } else {
        sound.push_back(row);
      }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    const Index dimensions = journal_.embeddings().cols();
    if (dimensions > 0 && dimensions != answer.embeddings.cols()) {
      throw ServerError(
          fmt::format("item {}: the vector has {} dimensions, those of other items "
                      "have {}",
                      ids_[items.front()], answer.embeddings.cols(), dimensions));
    }
    compare_names(settings_, journal_.origin().served_model, answer.model, client);
    std::vector<Index> numbers;
    lae::Matrix<float> rows(static_cast<Index>(sound.size()), answer.embeddings.cols());
    for (const Index row : sound) {
      const auto item = static_cast<Index>(items[static_cast<std::size_t>(row)]);
      rows.row(static_cast<Index>(numbers.size())) = answer.embeddings.row(row);
      numbers.push_back(item);
      if (same_vectors_.add(item, answer.embeddings.row(row))) {
        refuse_same_vectors(
            "is it the right model, and is the --instruction shorter than what it "
            "reads?");
      }
    }
    journal_.set_served_model(answer.model);
    if (!numbers.empty()) journal_.append(numbers, rows);
    sound_ += numbers.size();
    zeros_.insert(zeros_.end(), zeros.begin(), zeros.end());
    constexpr std::size_t many = 16;  // fewer may be few in the end
    if (zeros_.size() >= many) check_zeros();
    done_ += items.size();
  }

  bool is_zero(const EmbeddingAnswer& answer, Index row, std::size_t item) const {
    return !is_blank(texts_[item]) && answer.embeddings.row(row).isZero(0);
  }

  void ask_again_for_zeros(EmbeddingClient& client, const std::vector<std::size_t>& items,
                           EmbeddingAnswer& answer) const {
    std::vector<Index> rows;
    std::vector<std::string> texts;
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!is_zero(answer, static_cast<Index>(i), items[i])) continue;
      rows.push_back(static_cast<Index>(i));
      texts.push_back(texts_[items[i]]);
      ids.push_back(ids_[items[i]]);
    }
    if (rows.empty()) return;
    EmbeddingAnswer again;
    try {
      again = client.embed(texts, ids);
    } catch (const ServerError&) {
      return;  // the other vectors are paid for
    } catch (const lae::Cancelled&) {
      return;
    }
    if (again.embeddings.cols() != answer.embeddings.cols()) return;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      answer.embeddings.row(rows[i]) = again.embeddings.row(static_cast<Index>(i));
    }
  }

  /// A model may know no word of a text. It knows those of most.
  void check_zeros() const {
    if (zeros_.empty() || 3 * zeros_.size() <= sound_) return;
    throw ServerError(
        fmt::format("{}, item {}: the vector is all zeros, though the text is not empty and was "
                    "sent again; so are {} of {} vectors",
                    EmbeddingClient::address(settings_.server), ids_[zeros_.front()], zeros_.size(),
                    zeros_.size() + sound_));
  }

  /// Takes zeros for what they are, where they are few.
  void keep_zeros() {
    check_zeros();
    if (zeros_.empty()) return;
    journal_.append(
        {zeros_.begin(), zeros_.end()},
        lae::Matrix<float>::Zero(static_cast<Index>(zeros_.size()), journal_.embeddings().cols()));
  }

  const Settings& settings_;
  const std::vector<std::string>& ids_;
  const std::vector<std::string>& texts_;
  EncodingJournal& journal_;
  std::optional<Clients> clients_;
  std::size_t all_ = 0;
  std::atomic<std::size_t> done_{0};
  std::atomic<int> refused_{0};  ///< requests, for their size
  std::vector<std::size_t> missing_;
  std::atomic<std::size_t> sound_{0};  ///< vectors that are not zeros

  std::mutex mutex_;  ///< of the journal and of what follows
  SameVectors same_vectors_;
  std::size_t next_ = 0;  ///< of those missing
  std::size_t largest_batch_;
  std::vector<std::size_t> zeros_;  ///< items with text of which the server makes zeros
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

/// Whether the folder holds the embeddings that are asked for; says so then.
/// \throws lae::FileError, ServerError if it holds others that were paid for
bool is_finished(const Settings& settings, const ItemCatalog& items,
                 const std::vector<std::string>& texts, const EmbeddingOrigin& asked) {
  const auto there = find_paid(settings.data);
  if (!there) return false;
  if (there->fingerprint != asked.fingerprint) {
    throw lae::FileError(
        settings.data / file_name::embeddings,
        fmt::format("was made with {}; --restart replaces it", difference(*there, asked)));
  }
  const auto embeddings = lae::load_npy<float>(settings.data / file_name::embeddings);
  std::size_t item = 0;
  while (item < texts.size() && static_cast<Index>(item) < embeddings.rows() &&
         embeddings.row(static_cast<Index>(item)).isZero(0)) {
    ++item;
  }
  std::string remark;
  if (item < texts.size() && embeddings.rows() == static_cast<Index>(texts.size())) {
    EmbeddingServer server = settings.server;
    server.retries = 0;  // since the answer may not be needed
    const bool is_other_server = !there->url.empty() && there->url != asked.url;
    std::string failure;
    Clients(server, 1).run(
        1,
        [&](EmbeddingClient& client) {
          EmbeddingAnswer now;
          try {
            now = client.embed({texts[item]}, {items.ids[item]});
          } catch (const ServerError& error) {
            failure = error.what();
            return;
          }
          compare_names(settings, there->served_model, now.model, client);
          compare_vectors(settings, now, embeddings.row(static_cast<Index>(item)), items.ids[item]);
        },
        [] { return "comparing with what is there"; });
    if (is_other_server && !failure.empty()) {
      throw ServerError(
          fmt::format("{}; so it is unknown whether this is what made the embeddings that are "
                      "there, which was {}; --restart replaces them",
                      failure, there->url));
    }
    if (is_other_server) remark = fmt::format("; {} made them, with the same result", there->url);
    if (!failure.empty()) remark = "; the server could not be asked again: " + printable(failure);
  }
  fmt::print("nothing to do: the embeddings of these texts by {} are there{}\n", there->model,
             remark);
  return true;
}

/// What decides the embeddings.
EmbeddingOrigin origin_of(const Settings& settings, const std::vector<std::string>& texts) {
  const EmbeddingServer& server = settings.server;
  EmbeddingOrigin origin;
  origin.url = EmbeddingClient::address(server);
  origin.model = server.model;
  origin.instruction = settings.instruction;
  if (!server.fields.empty()) origin.fields = server.fields.dump();
  if (settings.longest_text != std::string::npos) {
    origin.max_bytes = fmt::to_string(settings.longest_text);
  }
  nlohmann::json fields = server.fields;
  fields.erase("encoding_format");  // the same numbers
  origin.fingerprint =
      fingerprint(server.model + (fields.empty() ? "" : "\n" + fields.dump()), texts);
  return origin;
}

void encode_by_server(const Settings& settings, const ItemCatalog& items,
                      std::size_t without_text) {
  const Stopwatch watch;
  std::vector<std::string> texts;
  for (const std::string& prompt : items.prompts) {
    texts.push_back(
        prompt.empty() ? "" : first_bytes(settings.instruction + prompt, settings.longest_text));
  }
  const EmbeddingOrigin asked = origin_of(settings, texts);
  EncodingJournal journal(settings.data / file_name::journal, asked,
                          static_cast<Index>(texts.size()), settings.restart);
  if (!settings.restart && journal.is_empty() && is_finished(settings, items, texts, asked)) return;
  Encoder encoder(settings, items.ids, texts, journal);
  encoder.run();
  write_embeddings(settings.data, journal.embeddings(), settings.server.model, asked.fingerprint,
                   without_text, &journal.origin());
  journal.remove();
  report(journal.embeddings(), settings.server.model, without_text, watch.seconds(),
         encoder.summary());
}

void encode_built_in(const Settings& settings, const ItemCatalog& items, std::size_t without_text) {
  if (const auto paid = find_paid(settings.data); paid && !settings.restart) {
    throw lae::FileError(
        settings.data / file_name::embeddings,
        fmt::format("was made by {}, a server's model; --restart replaces it", paid->model));
  }
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
  const std::string encoder = fmt::format("{} of {} words", built_in_name, terms.terms.size());
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

/// \throws UsageError, which does not show the value
std::pair<std::string, std::string> parse_header(const std::string& line) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string name = line.substr(0, colon);
  const std::size_t begin = std::min(line.find_first_not_of(' ', colon + 1), line.size());
  const auto is_of_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  };
  if (name.empty() || begin == line.size() || !std::all_of(name.begin(), name.end(), is_of_name) ||
      std::any_of(line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; })) {
    throw UsageError("--header: give 'NAME: VALUE', without line ends or characters beyond ASCII");
  }
  return {name, line.substr(begin, line.find_last_not_of(' ') + 1 - begin)};
}

/// \throws UsageError
nlohmann::json parse_fields(const std::string& text) {
  const nlohmann::json fields = nlohmann::json::parse(text, nullptr, false);
  if (!fields.is_object()) throw UsageError("--body: this is no JSON object");
  for (const char* name : {"model", "input"}) {
    if (fields.contains(name)) throw UsageError(fmt::format("--body: \"{}\" is set already", name));
  }
  return fields;
}

void run(Settings& settings) {
  if (settings.built_in == !settings.server.url.empty()) {
    throw UsageError("--endpoint and --model, or --built-in, are required (see --help)");
  }
  if (!settings.built_in) settings.server.key = find_key(settings.key_variable);
  for (const std::string& line : settings.headers) {
    settings.server.headers.push_back(parse_header(line));
  }
  if (!settings.fields.empty()) settings.server.fields = parse_fields(settings.fields);
  if (settings.instruction.size() >= settings.longest_text) {
    throw UsageError("--max-bytes leaves nothing of the texts after the --instruction");
  }
  const fs::path path = settings.data / file_name::items;
  const ItemCatalog items = read_item_catalog(path);
  const auto without_text =
      static_cast<std::size_t>(std::count(items.prompts.begin(), items.prompts.end(), ""));
  if (without_text == items.prompts.size()) throw lae::FileError(path, "holds no prompts");
  // An unwritable folder is better known now than after the work.
  { const lae::AtomicReplacement reservation(settings.data / file_name::embeddings); }
  clear_up_beside(settings.data / file_name::encoder);
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
