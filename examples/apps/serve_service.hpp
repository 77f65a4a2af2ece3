#pragma once

/// \file
/// What `serve` answers, from request to answer, without sockets.
///
/// \code
/// example::Service service({{"model", "shop.lae"}}, "shop-data", page);
/// service.answer({"GET", "/recommend", {{"items", "tea,milk"}}}).body;  // {"items": [...
/// \endcode

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "serve_catalogue.hpp"
#include "serve_metrics.hpp"
#include "serve_model.hpp"
#include "serve_parameters.hpp"

namespace example {

struct ServiceRequest {
  std::string method;
  std::string path;
  Parameters::Query query{};
  std::string body{};
  bool is_local = true;  ///< whether it comes from this machine
};

struct ServiceAnswer {
  int status = 200;
  std::string body{};
  std::string type = "application/json";
};

/// Answers requests on any number of threads, and changes to new model files between them: who is
/// being answered keeps the model that they began with.
class Service {
 public:
  using Json = nlohmann::ordered_json;
  using ModelFiles = std::vector<std::pair<std::string, std::filesystem::path>>;

  static constexpr Index most_items = 1000;  ///< in a list asked for, or given

  /// \param files what requests call each model, and its file; the first serves who names none
  /// \param data a data-set folder, or empty
  /// \throws lae::FileError
  Service(const ModelFiles& files, const std::filesystem::path& data, std::string page)
      : page_(std::move(page)) {
    for (const auto& [name, path] : files) {
      auto model = std::make_shared<const ServedModel>(open_model(path));
      const Index items = model->ranker->items();
      if (!catalogue_) catalogue_ = std::make_unique<const Catalogue>(model->info, items, data);
      catalogue_->require_items_of(path, model->info, items);
      slots_.push_back({name, path, std::move(model), std::time(nullptr), ""});
    }
  }

  const Catalogue& catalogue() const { return *catalogue_; }

  ServiceAnswer answer(const ServiceRequest& request) {
    const auto start = std::chrono::steady_clock::now();
    const Route* const route = find_route(request.path);
    ServiceAnswer answer;
    try {
      if (route == nullptr) {
        throw RequestError(404,
                           fmt::format("there is nothing at \"{}\"", printable(request.path, 60)));
      }
      const bool is_read = request.method == "GET" || request.method == "HEAD";
      const bool is_write = request.method == "POST";
      if (!(is_read && route->by_get) && !(is_write && route->by_post)) {
        throw RequestError(405, fmt::format("{} answers {} alone", route->path,
                                            !route->by_post  ? "GET"
                                            : !route->by_get ? "POST"
                                                             : "GET and POST"));
      }
      answer = (this->*route->handle)(request);
    } catch (const RequestError& error) {
      answer = failure(error.status(), error.what());
    } catch (const std::bad_alloc&) {
      answer = failure(503, "not enough memory");
    } catch (const std::exception& error) {
      answer = failure(500, error.what());
    }
    metrics_.count(route == nullptr ? "other" : route->path, answer.status, seconds_since(start));
    return answer;
  }

  /// The answer to what cannot be taken for a request, or is not let in; it is counted, too.
  ServiceAnswer refuse(int status, const std::string& message) {
    metrics_.count("other", status, 0);
    return failure(status, message);
  }

  /// Opens all model files anew. One that cannot be served leaves the old model where it is.
  /// \return what is wrong with them; empty if nothing is
  std::string reload() {
    const std::lock_guard<std::mutex> one_at_a_time(reloading_);
    std::string failures;
    for (Slot& slot : slots_) {
      std::string error;
      std::shared_ptr<const ServedModel> next;
      try {
        next = std::make_shared<const ServedModel>(open_model(slot.path));
        catalogue_->require_items_of(slot.path, next->info, next->ranker->items());
      } catch (const std::exception& reason) {
        next = nullptr;
        error = reason.what();
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      ++reloads_[next ? 1 : 0];
      slot.error = error;
      if (next) {
        slot.model.swap(next);  // the old one goes with its last request
        slot.since = std::time(nullptr);
      } else {
        failures += (failures.empty() ? "" : "; ") + error;
      }
    }
    return failures;
  }

 private:
  struct Slot {
    std::string name;
    std::filesystem::path path;
    std::shared_ptr<const ServedModel> model;
    std::time_t since;
    std::string error;  ///< of the last attempt to reload it
  };

  using Handler = ServiceAnswer (Service::*)(const ServiceRequest&);
  struct Route {
    const char* path;
    bool by_get;
    bool by_post;
    Handler handle;
  };

  static const Route* find_route(std::string_view path) {
    static const Route routes[] = {{"/", true, false, &Service::answer_page},
                                   {"/recommend", true, true, &Service::answer_recommend},
                                   {"/similar", true, true, &Service::answer_similar},
                                   {"/items", true, false, &Service::answer_items},
                                   {"/health", true, false, &Service::answer_health},
                                   {"/metrics", true, false, &Service::answer_metrics},
                                   {"/reload", false, true, &Service::answer_reload}};
    const auto found = std::find_if(std::begin(routes), std::end(routes),
                                    [&](const Route& route) { return route.path == path; });
    return found == std::end(routes) ? nullptr : found;
  }

  static ServiceAnswer as_json(const Json& json, int status = 200) {
    return {status, to_line(json)};
  }

  static ServiceAnswer failure(int status, const std::string& message) {
    return as_json({{"error", message}}, status);
  }

  static Parameters parameters_of(const ServiceRequest& request) {
    return {request.query, request.method == "POST" ? std::optional(request.body) : std::nullopt};
  }

  ServiceAnswer answer_page(const ServiceRequest&) {
    return {200, page_, "text/html; charset=utf-8"};
  }

  ServiceAnswer answer_recommend(const ServiceRequest& request) {
    const Parameters parameters = parameters_of(request);
    parameters.allow({"user", "items", "reasons", "exclude_seen", "popularity", "diversity",
                      "min_score", "model", "k", "allow", "deny", "title", "min_users",
                      "max_users"});
    Wish wish = wish_of(parameters);
    Json answer;
    if (parameters.has("user")) {
      const std::string id = parameters.text("user");
      const auto user = catalogue_->find_user(id);
      if (!user) throw unknown("user", id);
      wish.history = catalogue_->history(*user);
      answer["user"] = id;
    } else if (!parameters.has("items")) {
      throw RequestError(400, "neither \"user\" nor \"items\" says for whom");
    }
    add_items(wish.history, find_items(parameters, "items"));
    wish.reasons = parameters.integer("reasons", 3, 0, 100);
    wish.exclude_seen = parameters.flag("exclude_seen", true);
    wish.diversity = parameters.number("diversity", 0, 0, 1);
    if (wish.diversity > 0 && !catalogue_->has_embeddings()) {
      throw RequestError(400, "\"diversity\" needs the items' embeddings, which are not there");
    }
    const bool is_popular = wish.history.items.empty();
    if (is_popular && catalogue_->popularity() == nullptr) {
      throw RequestError(422, "the history is empty, and nothing is known of what is popular");
    }
    if (is_popular) wish.reasons = 0;

    answer["history"] = Json::array();
    for (const Index item : wish.history.items) answer["history"].push_back(described(item));
    const Slot slot = slot_of(parameters);
    answer["model"] = slot.name;
    if (is_popular) answer["popular"] = true;
    answer["items"] = listed(slot.model->ranker->rank(wish, *catalogue_));
    return as_json(answer);
  }

  ServiceAnswer answer_similar(const ServiceRequest& request) {
    const Parameters parameters = parameters_of(request);
    parameters.allow({"item", "by", "model", "k", "allow", "deny", "title", "popularity",
                      "min_score", "min_users", "max_users"});
    const std::string id = parameters.text("item");
    const auto item = catalogue_->find_item(id);
    if (!item) throw unknown("item", id);
    const std::string by = parameters.has("by") ? parameters.text("by") : "model";
    if (by != "model" && by != "embeddings") {
      throw RequestError(400, "\"by\" is neither model nor embeddings");
    }
    Wish wish = wish_of(parameters);
    add_items(wish.history, {*item});
    Json answer = {{"item", described(*item)}, {"by", by}};
    if (by == "embeddings") {
      if (!catalogue_->has_embeddings()) throw RequestError(400, "there are no embeddings");
      answer["items"] = listed(RankerBy(Cosines{*catalogue_}).rank(wish, *catalogue_));
    } else {
      const Slot slot = slot_of(parameters);
      answer["model"] = slot.name;
      answer["items"] = listed(slot.model->ranker->rank(wish, *catalogue_));
    }
    return as_json(answer);
  }

  ServiceAnswer answer_items(const ServiceRequest& request) {
    const Parameters parameters = parameters_of(request);
    parameters.allow({"q", "k"});
    const Index k = parameters.integer("k", 10, 1, most_items);
    if (!parameters.has("q")) throw RequestError(400, "\"q\" is missing: what to search for");
    Json answer = {{"items", Json::array()}};
    for (const Index item : catalogue_->search(parameters.text("q"), k)) {
      answer["items"].push_back(described(item));
    }
    return as_json(answer);
  }

  ServiceAnswer answer_health(const ServiceRequest&) {
    Json models = Json::array();
    bool is_current = true;
    for (const Slot& slot : slots()) {
      Json options = Json::object();
      for (const auto& [name, value] : slot.model->info.options) options[name] = value;
      models.push_back({{"name", slot.name},
                        {"file", slot.path.filename().string()},
                        {"is", slot.model->info.model},
                        {"options", options},
                        {"sha256", slot.model->sha256},
                        {"serving_since", slot.since}});
      if (slot.error.empty()) continue;
      is_current = false;
      models.back()["reload_error"] = slot.error;
    }
    return as_json({{"status", is_current ? "ok" : "serving an older model"},
                    {"items", catalogue_->items()},
                    {"users", catalogue_->users()},
                    {"has_embeddings", catalogue_->has_embeddings()},
                    {"has_popularity", catalogue_->popularity() != nullptr},
                    {"models", models}});
  }

  ServiceAnswer answer_metrics(const ServiceRequest&) {
    std::string text = metrics_.text();
    text +=
        "# HELP lae_model_info The model files that are served.\n"
        "# TYPE lae_model_info gauge\n";
    const std::vector<Slot> served = slots();
    for (const Slot& slot : served) {
      text +=
          fmt::format("lae_model_info{{model={},is={},sha256=\"{}\"}} 1\n", label_value(slot.name),
                      label_value(slot.model->info.model), slot.model->sha256);
    }
    text +=
        "# HELP lae_model_is_current Whether the last reload of the file succeeded.\n"
        "# TYPE lae_model_is_current gauge\n";
    for (const Slot& slot : served) {
      text += fmt::format("lae_model_is_current{{model={}}} {}\n", label_value(slot.name),
                          slot.error.empty() ? 1 : 0);
    }
    text +=
        "# HELP lae_reloads_total Model files opened anew, or refused.\n"
        "# TYPE lae_reloads_total counter\n";
    const std::lock_guard<std::mutex> lock(mutex_);
    text += fmt::format(
        "lae_reloads_total{{result=\"done\"}} {}\nlae_reloads_total{{result=\"refused\"}} {}\n",
        reloads_[1], reloads_[0]);
    return {200, std::move(text), "text/plain; version=0.0.4; charset=utf-8"};
  }

  ServiceAnswer answer_reload(const ServiceRequest& request) {
    if (!request.is_local) throw RequestError(403, "/reload answers this machine alone");
    const std::string failures = reload();
    if (!failures.empty()) throw RequestError(409, failures + "; the old model goes on serving");
    return answer_health(request);
  }

  /// The embeddings' cosines to the items of the history, as a scorer.
  struct Cosines {
    using Scalar = float;
    const Catalogue& catalogue;

    Index items() const { return catalogue.items(); }
    void add_scores(const lae::History<float>& history, Index begin,
                    lae::ScoreRow<float> scores) const {
      for (const auto& [item, value] : history) {
        for (Index i = 0; i < scores.size(); ++i) {
          scores[i] += value * catalogue.similarity(item, begin + i);
        }
      }
    }
  };

  /// What /recommend and /similar share: length of the list, and filters.
  Wish wish_of(const Parameters& parameters) const {
    Wish wish;
    wish.k = parameters.integer("k", 10, 1, most_items);
    wish.popularity = parameters.number("popularity", 0, -1, 1);
    wish.min_score = parameters.number("min_score", -1e300, -1e300, 1e300);
    wish.min_users = parameters.integer("min_users", 0, 0, most_users);
    wish.max_users = parameters.integer("max_users", most_users, 0, most_users);
    for (const char* name : {"popularity", "min_users", "max_users"}) {
      if (parameters.has(name) && catalogue_->popularity() == nullptr) {
        throw RequestError(400,
                           fmt::format("\"{}\" needs users' histories, which are not there", name));
      }
    }
    if (parameters.has("allow")) wish.allow = find_items(parameters, "allow");
    wish.deny = find_items(parameters, "deny");
    wish.title_words = Catalogue::words_of(parameters.text("title"));
    return wish;
  }

  std::vector<Index> find_items(const Parameters& parameters, const char* name) const {
    const std::vector<std::string> ids = parameters.texts(name);
    if (ids.size() > static_cast<std::size_t>(most_items)) {
      throw RequestError(
          400, fmt::format("\"{}\" holds {} ids, more than {}", name, ids.size(), most_items));
    }
    std::vector<Index> items;
    for (const std::string& id : ids) {
      const auto item = catalogue_->find_item(id);
      if (!item) throw unknown("item", id);
      items.push_back(*item);
    }
    return items;
  }

  /// Items that are not in the history yet come into it with the value 1.
  static void add_items(WeightedItems& history, const std::vector<Index>& items) {
    for (const Index item : items) {
      const auto at = std::lower_bound(history.items.begin(), history.items.end(), item);
      if (at != history.items.end() && *at == item) continue;
      history.values.insert(history.values.begin() + (at - history.items.begin()), 1);
      history.items.insert(at, item);
    }
  }

  static RequestError unknown(const char* kind, const std::string& id) {
    return {404, fmt::format("there is no {} \"{}\"", kind, printable(id, 60))};
  }

  Json described(Index item) const {
    Json json = {{"id", catalogue_->id(item)}};
    if (!catalogue_->title(item).empty()) json["title"] = catalogue_->title(item);
    if (catalogue_->popularity() != nullptr) {
      json["users"] = static_cast<Index>(catalogue_->popularity()->users()[item]);
    }
    return json;
  }

  Json listed(const std::vector<Recommended>& ranked) const {
    if (ranked.empty()) throw RequestError(422, "the filters leave no item");
    Json list = Json::array();
    for (const Recommended& one : ranked) {
      Json json = described(one.item);
      json["score"] = one.score;
      if (one.is_explained) {
        json["reasons"] = Json::array();
        Index others = one.others;
        for (const auto& reason : one.reasons) {
          if (reason.value == 0) {  // of a pruned model, no reason
            ++others;
            continue;
          }
          Json because = described(reason.item);
          because["value"] = reason.value;
          json["reasons"].push_back(std::move(because));
        }
        json["others"] = {{"count", others}, {"value", one.rest}};
      }
      list.push_back(std::move(json));
    }
    return list;
  }

  std::vector<Slot> slots() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return slots_;
  }

  /// As it is now: a reload does not touch it.
  Slot slot_of(const Parameters& parameters) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!parameters.has("model")) return slots_.front();
    const std::string name = parameters.text("model");
    for (const Slot& slot : slots_) {
      if (slot.name == name) return slot;
    }
    throw unknown("model", name);
  }

  static constexpr Index most_users = Index(1) << 50;

  std::string page_;
  std::unique_ptr<const Catalogue> catalogue_;
  mutable std::mutex mutex_;  ///< of slots and reloads
  std::vector<Slot> slots_;
  std::uint64_t reloads_[2] = {0, 0};  ///< refused, done
  std::mutex reloading_;
  RequestMetrics metrics_;
};

}  // namespace example
