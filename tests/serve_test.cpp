// serve: its answers without sockets, and as a process, over loopback.

#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
// A macro of <resolv.h>, which httplib.h includes. Eigen has variables of that name.
#undef _res

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <lae/blocks.hpp>
#include <lae/spectral.hpp>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "serve_service.hpp"
#include "serve_shop.hpp"

using Catch::Matchers::ContainsSubstring;
using example::Service;
using example::ServiceAnswer;
using lae::Index;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// A service of the shop, and what tests ask of it.
class ServedShop : public ServeShop {
 public:
  Service service{{{"model", folder / "model.lae"}}, data(), "the page"};

  ServiceAnswer get(const std::string& path, const example::Parameters::Query& query = {}) {
    return service.answer({"GET", path, query});
  }

  /// The body of an answer with this status.
  json ask(const std::string& path, const example::Parameters::Query& query, int status = 200) {
    const ServiceAnswer answer = get(path, query);
    INFO(path << ": " << answer.body);
    CHECK(answer.status == status);
    return json::parse(answer.body);
  }

  json post(const std::string& path, const json& body, int status = 200) {
    const ServiceAnswer answer = service.answer({"POST", path, {}, body.dump()});
    INFO(path << " " << body << ": " << answer.body);
    CHECK(answer.status == status);
    return json::parse(answer.body);
  }
};

std::vector<std::string> ids_of(const json& items) {
  std::vector<std::string> ids;
  for (const json& item : items) ids.push_back(item["id"]);
  return ids;
}

using Ids = std::vector<std::string>;

TEST_CASE("serve: recommendations are those of the library, with its reasons") {
  ServedShop shop;
  const lae::ItemModel<float> model = shop.fit(0.5F);
  lae::Csr<float> history(1, 6);
  history.insert(0, 0) = 1;
  history.insert(0, 2) = 1;
  const auto lists = lae::recommend(model, history, {3});
  const json by_query =
      shop.ask("/recommend", {{"items", "coffee,tea,coffee"}, {"k", "3"}, {"reasons", "1"}});
  const json by_body =
      shop.post("/recommend", {{"items", {"coffee", "tea"}}, {"k", 3}, {"reasons", 1}});
  CHECK(by_query == by_body);
  CHECK(by_query["model"] == "model");
  CHECK(ids_of(by_query["history"]) == Ids{"tea", "coffee"});
  REQUIRE(by_query["items"].size() == 3);
  for (Index rank = 0; rank < 3; ++rank) {
    const json& item = by_query["items"][static_cast<std::size_t>(rank)];
    const Index index = lists.items(0, rank);
    CHECK(item["id"] == shop.ids[static_cast<std::size_t>(index)]);
    CHECK(item["title"].get<std::string>().rfind("A " + item["id"].get<std::string>(), 0) == 0);
    CHECK(item["score"].get<float>() == lists.scores(0, rank));
    CHECK(item["users"] == shop.train.col(index).sum());
    const auto why = lae::explain(model, history, index, 1);
    REQUIRE(item["reasons"].size() == 1);
    CHECK(item["reasons"][0]["id"] == shop.ids[static_cast<std::size_t>(why.reasons[0].item)]);
    CHECK(item["reasons"][0]["value"].get<float>() == why.reasons[0].value);
    CHECK(item["others"]["count"] == 1);
    CHECK(item["others"]["value"].get<float>() == why.rest);
  }
  CHECK(shop.ask("/recommend", {{"items", "tea"}, {"reasons", "0"}})["items"][0].count("reasons") ==
        0);
}

TEST_CASE(
    "serve: users have their histories, and items besides; who has none gets what is popular") {
  ServedShop shop;
  const json known = shop.ask("/recommend", {{"user", "u3"}});
  CHECK(known["user"] == "u3");
  CHECK(ids_of(known["history"]) == Ids{"coffee", "coffee mill"});
  CHECK(known["items"] == shop.ask("/recommend", {{"items", "coffee,coffee mill"}})["items"]);
  const json more = shop.ask("/recommend", {{"user", "u3"}, {"items", "rum,coffee"}});
  CHECK(ids_of(more["history"]) == Ids{"coffee", "coffee mill", "rum"});
  const json nobody = shop.ask("/recommend", {{"user", "u6"}, {"k", "2"}});
  CHECK(nobody["popular"] == true);
  CHECK(ids_of(nobody["items"]) == Ids{"coffee", "milk"});
  CHECK(nobody["items"][0]["score"] == 4);
}

TEST_CASE("serve: filters") {
  ServedShop shop;
  const json all = shop.ask("/recommend", {{"items", "tea"}})["items"];
  CHECK(all.size() == 5);
  const auto without = [&](const auto& is_out) {
    Ids ids;
    for (const json& item : all) {
      if (!is_out(item)) ids.push_back(item["id"]);
    }
    return ids;
  };
  const auto filtered = [&](json filters) {
    filters["items"] = {"tea"};
    return ids_of(shop.post("/recommend", filters)["items"]);
  };
  CHECK(filtered({{"deny", {"rum", "milk"}}}) ==
        without([](const json& item) { return item["id"] == "rum" || item["id"] == "milk"; }));
  CHECK(filtered({{"allow", {"rum", "tea"}}}) == Ids{"rum"});
  CHECK(filtered({{"title", "COFFEE mi"}}) == Ids{"coffee mill"});
  CHECK(filtered({{"min_users", 4}}) ==
        without([](const json& item) { return item["users"] < 4; }));
  CHECK(filtered({{"max_users", 2}}) ==
        without([](const json& item) { return item["users"] > 2; }));
  CHECK(filtered({{"min_score", all[2]["score"]}}) == ids_of(json(all.begin(), all.begin() + 3)));
  CHECK(filtered({{"exclude_seen", false}}).size() == 6);
  const std::string nothing = "the filters leave no item";
  CHECK(shop.post("/recommend", {{"items", {"tea"}}, {"allow", json::array()}}, 422)["error"] ==
        nothing);
  CHECK(shop.post("/recommend", {{"items", {"tea"}}, {"title", "gold"}}, 422)["error"] == nothing);
  CHECK(shop.ask("/similar", {{"item", "tea"}, {"allow", "tea"}}, 422)["error"] == nothing);
}

TEST_CASE("serve: scores can be weighted by popularity") {
  ServedShop shop;
  const lae::Vector<float> scores = shop.fit(0.5F).score({0, 4});
  for (const double exponent : {-1.0, -0.4, 0.7}) {
    const json answer =
        shop.post("/recommend", {{"items", {"tea", "milk"}}, {"popularity", exponent}});
    double last = std::numeric_limits<double>::infinity();
    for (const json& item : answer["items"]) {
      const auto index = std::find(shop.ids.begin(), shop.ids.end(), item["id"]) - shop.ids.begin();
      const double factor = std::pow(item["users"].get<double>(), exponent);
      const double score = item["score"];
      CHECK(score ==
            Approx(static_cast<double>(scores[index]) * factor).epsilon(1e-5).margin(1e-7));
      CHECK(score <= last);
      last = score;
      double sum = item["others"]["value"];
      for (const json& reason : item["reasons"]) sum += reason["value"].get<double>();
      CHECK(sum == Approx(score).epsilon(1e-5).margin(1e-7));
    }
  }
}

TEST_CASE("serve: lists can be diverse, by maximal marginal relevance") {
  ServedShop shop;
  const json plain = shop.ask("/recommend", {{"items", "milk"}})["items"];
  lae::Matrix<double> directions = shop.embeddings.cast<double>();
  directions.rowwise().normalize();
  const auto index_of = [&](const json& item) {
    return std::find(shop.ids.begin(), shop.ids.end(), item["id"]) - shop.ids.begin();
  };
  for (const double d : {0.3, 0.6, 1.0}) {
    std::vector<json> left(plain.begin(), plain.end());
    const double best = plain.front()["score"];
    const double worst = plain.back()["score"];
    Ids expected;
    std::vector<Index> taken;
    while (expected.size() < 4) {
      const auto gain = [&](const json& item) {
        double nearest = -1;
        for (const Index other : taken) {
          nearest = std::max(nearest, directions.row(index_of(item)).dot(directions.row(other)));
        }
        return (1 - d) * (item["score"].get<double>() - worst) / (best - worst) - d * nearest;
      };
      const auto next =
          std::max_element(left.begin(), left.end(),
                           [&](const json& a, const json& b) { return gain(a) < gain(b); });
      expected.push_back((*next)["id"]);
      taken.push_back(index_of(*next));
      left.erase(next);
    }
    const json diverse = shop.post("/recommend", {{"items", {"milk"}}, {"diversity", d}, {"k", 4}});
    CHECK(ids_of(diverse["items"]) == expected);
    CHECK(diverse["items"][0].count("reasons") == 1);
  }
}

TEST_CASE("serve: similar items, by the model and by embeddings") {
  ServedShop shop;
  const lae::ItemModel<float> model = shop.fit(0.5F);
  const json similar = shop.ask("/similar", {{"item", "coffee"}, {"k", "6"}});
  CHECK(similar["items"].size() == 5);
  for (const json& item : similar["items"]) {
    const auto index = std::find(shop.ids.begin(), shop.ids.end(), item["id"]) - shop.ids.begin();
    CHECK(item["score"].get<float>() == model.weights()(2, index));
  }
  const json nearest = shop.ask("/similar", {{"item", "tea"}, {"by", "embeddings"}, {"k", "2"}});
  CHECK(ids_of(nearest["items"]) == Ids{"teapot", "milk"});
  CHECK(nearest["items"][0]["score"].get<double>() == Approx(3 / std::sqrt(10.0)));
}

TEST_CASE("serve: items are found by their titles and ids") {
  ServedShop shop;
  const auto found = [&](const std::string& q) {
    return ids_of(shop.ask("/items", {{"q", q}})["items"]);
  };
  CHECK(found("coffee") == Ids{"coffee", "coffee mill"});  // the id, then by users
  CHECK(found("A TEA") == Ids{"tea", "teapot"});           // the beginnings
  CHECK(found("mil") == Ids{"milk", "coffee mill"});       // the beginnings of words, by users
  CHECK(found("ill  coff") == Ids{"coffee mill"});         // all words, anywhere
  CHECK(found("gold").empty());
  CHECK(found("  ").empty());
  CHECK(ids_of(shop.ask("/items", {{"q", "make"}, {"k", "2"}})["items"]) == Ids{"coffee", "milk"});
}

TEST_CASE("serve: what cannot be answered has an error and the right status") {
  ServedShop shop;
  struct Case {
    int status;
    std::string path;
    example::Parameters::Query query;
    std::string names;
  };
  const std::vector<Case> cases = {
      {404, "/nothing", {}, "/nothing"},
      {405, "/reload", {}, "/reload answers POST alone"},
      {400, "/recommend", {}, "user"},
      {404, "/recommend", {{"user", "u9"}}, "there is no user \"u9\""},
      {404, "/recommend", {{"items", "tea,gin"}}, "there is no item \"gin\""},
      {404, "/recommend", {{"items", "tea"}, {"deny", "gin"}}, "gin"},
      {404, "/recommend", {{"items", "tea"}, {"model", "other"}}, "there is no model \"other\""},
      {400, "/recommend", {{"items", "tea"}, {"k", "0"}}, "\"k\" is not in 1 ... 1000"},
      {400, "/recommend", {{"items", "tea"}, {"k", "2.5"}}, "\"k\" is not a whole number"},
      {400, "/recommend", {{"items", "tea"}, {"k", "3x"}}, "\"k\" is not a number"},
      {400, "/recommend", {{"items", "tea"}, {"k", ""}}, "\"k\" is not a number"},
      {400, "/recommend", {{"items", "tea"}, {"k", "1"}, {"k", "2"}}, "more than once"},
      {400, "/recommend", {{"items", "tea"}, {"popularity", "nan"}}, "popularity"},
      {400, "/recommend", {{"items", "tea"}, {"diversity", "1.5"}}, "diversity"},
      {400, "/recommend", {{"items", "tea"}, {"exclude_seen", "yes"}}, "neither true nor false"},
      {400, "/recommend", {{"items", "tea"}, {"colour", "red"}}, "no parameter \"colour\""},
      {404, "/similar", {}, "item"},
      {400, "/similar", {{"item", "tea"}, {"by", "magic"}}, "by"},
      {400, "/items", {}, "q"},
      {400, "/items", {{"q", "tea"}, {"k", "1e9"}}, "k"}};
  for (const Case& one : cases) {
    const ServiceAnswer answer = shop.get(one.path, one.query);
    INFO(one.path << " " << answer.body);
    CHECK(answer.status == one.status);
    CHECK(answer.type == "application/json");
    CHECK_THAT(json::parse(answer.body)["error"].get<std::string>(), ContainsSubstring(one.names));
  }
  for (const std::string body :
       {"", "{", "[]", "1", "\"tea\"", "{\"items\": \"tea\"}", "{\"items\": [1]}",
        "{\"items\": [\"tea\"], \"k\": \"3\"}", "{\"items\": [\"tea\"], \"k\": -1}",
        "{\"items\": [\"tea\"], \"k\": 18446744073709551615}",
        "{\"items\": [\"tea\"], \"k\": 1e400}", "{\"items\": [\"tea\"], \"exclude_seen\": 1}",
        "{\"user\": 3}", "{\"items\": [\"\xff\"]}", "{\"items\": [\"tea\"], \"title\": []}"}) {
    const ServiceAnswer answer = shop.service.answer({"POST", "/recommend", {}, body});
    INFO(body << ": " << answer.body);
    CHECK(answer.status == 400);
    CHECK(json::parse(answer.body).count("error") == 1);
  }
  CHECK(shop.service.answer({"POST", "/recommend", {{"k", "1"}}, "{}"}).status == 400);
  CHECK(shop.service.answer({"POST", "/recommend", {}, std::string(100000, '[')}).status == 400);
  CHECK(shop.service.answer({"PUT", "/recommend"}).status == 405);
  CHECK(shop.service.answer({"POST", "/reload", {}, "", /*is_local=*/false}).status == 403);
  CHECK(shop.get("/recommend", {{"items", "\xff\xfe"}}).status == 404);
}

TEST_CASE("serve: a model file alone serves, without what it cannot know") {
  const ServeShop shop;
  Service service({{"model", shop.folder / "model.lae"}}, "", "");
  const auto status = [&](const example::Parameters::Query& query) {
    return service.answer({"GET", "/recommend", query}).status;
  };
  CHECK(status({{"items", "tea"}}) == 200);
  CHECK(status({{"user", "u0"}}) == 404);
  CHECK(status({{"items", ""}}) == 422);
  CHECK(status({{"items", "tea"}, {"popularity", "1"}}) == 400);
  CHECK(status({{"items", "tea"}, {"min_users", "1"}}) == 400);
  CHECK(status({{"items", "tea"}, {"diversity", "0.5"}}) == 400);
  CHECK(service.answer({"GET", "/similar", {{"item", "tea"}, {"by", "embeddings"}}}).status == 400);
  const json health = json::parse(service.answer({"GET", "/health"}).body);
  CHECK(health["users"] == 0);
  CHECK(health["has_embeddings"] == false);
}

TEST_CASE("serve: models of any kind and scalar") {
  const ServeShop shop;
  const fs::path file = shop.folder / "other.lae";
  const lae::ModelInfo info{shop.ids, "other", {}};
  const auto answer = [&] {
    Service service({{"model", file}}, shop.data(), "");
    return json::parse(service.answer({"GET", "/recommend", {{"items", "tea,milk"}}}).body);
  };
  const lae::Csr<double> train = shop.train.cast<double>();
  lae::save_model(file, lae::Ease<double>({0.5}).fit(train), info);
  const json in_double = answer();
  CHECK(in_double["items"].size() == 4);
  lae::save_model(file, lae::prune(shop.fit(0.5F), {6}), info);
  CHECK(ids_of(answer()["items"]) == ids_of(in_double["items"]));
  lae::save_model(file, lae::GfCf<float>().fit(shop.train), info);
  CHECK(answer()["items"][0]["reasons"].size() == 2);
  lae::save_model(file, lae::Sgfcf<float>().fit(shop.train), info);
  CHECK(answer()["items"][0].count("reasons") == 0);
}

TEST_CASE("serve: a new model file is taken up, or refused while the old one goes on") {
  ServedShop shop;
  const auto scores = [&] { return shop.ask("/recommend", {{"items", "tea"}})["items"]; };
  const json before = scores();
  const json old_health = shop.ask("/health", {});
  CHECK(old_health["status"] == "ok");
  shop.save("model.lae", 5);
  CHECK(scores() == before);  // not before it is told
  CHECK(shop.post("/reload", "")["models"][0]["sha256"] != old_health["models"][0]["sha256"]);
  const json after = scores();
  CHECK(after != before);

  const std::string whole = read_bytes(shop.folder / "model.lae");
  const auto is_refused = [&](const std::string& why) {
    CHECK_THAT(shop.post("/reload", "", 409)["error"].get<std::string>(), ContainsSubstring(why));
    CHECK(scores() == after);
    const json health = shop.ask("/health", {});
    CHECK(health["status"] == "serving an older model");
    CHECK_THAT(health["models"][0]["reload_error"].get<std::string>(), ContainsSubstring(why));
    CHECK_THAT(shop.get("/metrics").body,
               ContainsSubstring("lae_model_is_current{model=\"model\"} 0"));
  };
  // Written beside it and renamed, as save_model does: the old file is still looked at.
  const auto replace = [&](const std::string& bytes) {
    write_bytes(shop.folder / "next", bytes);
    fs::rename(shop.folder / "next", shop.folder / "model.lae");
  };
  std::string damaged = whole;
  damaged[damaged.size() - 100] ^= 1;
  replace(damaged);
  is_refused("is damaged");
  replace(whole.substr(0, whole.size() - 64));
  is_refused("model.lae");
  replace("not a model");
  is_refused("model.lae");
  auto others = shop.ids;
  std::swap(others[1], others[4]);
  lae::save_model(shop.folder / "model.lae", shop.fit(1), {others, "ease", {}});
  is_refused("is a model of another catalogue: its item 1 is \"milk\", not \"teapot\"");
  lae::save_model(shop.folder / "model.lae", lae::ItemModel<float>(lae::Matrix<float>::Zero(5, 5)));
  is_refused("is a model of 5 items, but the catalogue has 6");
  fs::remove(shop.folder / "model.lae");
  is_refused("model.lae");
  replace(whole);
  CHECK(shop.post("/reload", "")["status"] == "ok");
  CHECK_THAT(shop.get("/metrics").body, ContainsSubstring("lae_reloads_total{result=\"done\"} 2"));
  CHECK_THAT(shop.get("/metrics").body,
             ContainsSubstring("lae_reloads_total{result=\"refused\"} 6"));
}

TEST_CASE("serve: requests are counted and timed") {
  ServedShop shop;
  for (int i = 0; i < 3; ++i) shop.get("/recommend", {{"items", "tea"}});
  shop.get("/recommend");
  shop.get("/wp-login.php");
  const ServiceAnswer answer = shop.get("/metrics");
  CHECK(answer.type == "text/plain; version=0.0.4; charset=utf-8");
  for (const char* line : {"lae_requests_total{route=\"/recommend\",status=\"200\"} 3\n",
                           "lae_requests_total{route=\"/recommend\",status=\"400\"} 1\n",
                           "lae_requests_total{route=\"other\",status=\"404\"} 1\n",
                           "lae_request_seconds_bucket{route=\"/recommend\",le=\"+Inf\"} 4\n",
                           "lae_request_seconds_count{route=\"/recommend\"} 4\n",
                           "lae_model_info{model=\"model\",is=\"ease\",sha256=\""}) {
    CHECK_THAT(answer.body, ContainsSubstring(line));
  }
  CHECK(example::label_value("a\"\\\n") == "\"a\\\"\\\\\\n\"");
  CHECK(shop.get("/").body == "the page");
}

/// Sends bytes and returns the answer, if there is one.
std::string exchange(int port, const std::string& bytes) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
  const std::string length = "Content-Length: ";
  std::string answer;
  char buffer[4096];
  for (ssize_t size; (size = recv(socket, buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(size));
    const std::size_t head = answer.find("\r\n\r\n");
    const std::size_t field = answer.find(length);
    if (head == answer.npos || field == answer.npos) continue;
    if (answer.size() >= head + 4 + std::stoul(answer.substr(field + length.size()))) break;
  }
  close(socket);
  return answer;
}

TEST_CASE("serve: the program answers over HTTP until it is told to end") {
  const ServeShop shop;
  shop.save("second.lae", 5);
  ServeProgram program(shop, {"--compare", (shop.folder / "second.lae").string(), "--max-body", "1",
                              "--timeout", "1"});
  httplib::Client client("127.0.0.1", program.port());
  const auto page = client.Get("/");
  REQUIRE(page);
  CHECK_THAT(page->body, ContainsSubstring("<!doctype html>"));
  CHECK_THAT(page->get_header_value("Content-Security-Policy"), ContainsSubstring("'self'"));
  const auto answer = client.Get("/recommend?items=tea&model=compare&k=2");
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(json::parse(answer->body)["items"].size() == 2);
  const std::string wish = R"({"items": ["tea"], "k": 2, "model": "compare"})";
  CHECK(client.Post("/recommend", wish, "application/json")->body == answer->body);
  // A part is asked for, but all is what an answer is.
  CHECK(client.Get("/recommend?items=tea&model=compare&k=2", {{"Range", "bytes=0-3"}})->body ==
        answer->body);

  const auto has_error = [](const auto& result, int status) {
    REQUIRE(result);
    CHECK(result->status == status);
    CHECK(json::parse(result->body).count("error") == 1);
  };
  has_error(client.Get("/nothing"), 404);
  has_error(client.Put("/recommend", "x", "text/plain"), 405);
  has_error(client.Delete("/health"), 405);
  has_error(client.Options("/health"), 405);
  has_error(client.Post("/recommend", std::string(2000, ' '), "application/json"), 413);
  has_error(client.Get("/recommend?items=" + std::string(9000, 'x')), 414);
  const std::string local = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
  for (const std::string bytes :
       {"nonsense\r\n\r\n", "GET\r\n\r\n", "BREW / HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"}) {
    const std::string refused = exchange(program.port(), bytes);
    INFO(bytes << refused);
    CHECK_THAT(refused, ContainsSubstring("HTTP/1.1 400"));
    CHECK(json::parse(refused.substr(refused.find("\r\n\r\n"))).count("error") == 1);
  }
  // Bodies in chunks have the same limit, and so have those that say nothing true of their length.
  const std::string chunk = "400\r\n" + std::string(0x400, ' ') + "\r\n";
  CHECK_THAT(exchange(program.port(), "POST /recommend" + local +
                                          "Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk),
             ContainsSubstring("HTTP/1.1 413"));
  CHECK_THAT(exchange(program.port(), "POST /recommend" + local + "Content-Length: 50\r\n\r\n{"),
             ContainsSubstring("HTTP/1.1 400"));
  CHECK_THAT(exchange(program.port(), "POST /recommend" + local +
                                          "Content-Type: multipart/form-data; boundary=x\r\n"
                                          "Content-Length: 9\r\n\r\n--x\r\n--x--"),
             ContainsSubstring("HTTP/1.1 415"));

  const Ending second = run(
      {LAE_SERVE, (shop.folder / "model.lae").string(), "--port", std::to_string(program.port())});
  CHECK(second.code == 1);
  CHECK_THAT(second.err, ContainsSubstring("cannot listen at 127.0.0.1"));
  const Ending missing = run({LAE_SERVE, (shop.folder / "missing.lae").string()});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.err, ContainsSubstring("missing.lae"));

  program.process().send(SIGTERM);
  const Ending ending = program.process().wait();
  CHECK(ending.code == 0);
  CHECK(ending.err.empty());
}

TEST_CASE("serve: a reload loses no request") {
  const ServeShop shop;
  ServeProgram program(shop);
  std::atomic<bool> is_over{false};
  std::atomic<int> answered{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      httplib::Client client("127.0.0.1", program.port());
      client.set_keep_alive(true);
      while (!is_over) {
        const auto answer = client.Get("/recommend?items=tea");
        ++(answer && answer->status == 200 ? answered : failed);
      }
    });
  }
  const std::string reloaded = "reloaded\n";
  const auto count_reloads = [&] {
    const std::string out = program.process().out();
    int count = 0;
    for (std::size_t at = 0; (at = out.find(reloaded, at)) != out.npos; ++at) ++count;
    return count;
  };
  for (int i = 1; i <= 10; ++i) {
    shop.save("model.lae", static_cast<float>(i));
    program.process().send(SIGHUP);
    while (count_reloads() < i) std::this_thread::yield();
  }
  is_over = true;
  for (std::thread& client : clients) client.join();
  CHECK(failed == 0);
  CHECK(answered > 10);
  write_bytes(shop.folder / "next", "no model");
  fs::rename(shop.folder / "next", shop.folder / "model.lae");
  program.process().send(SIGHUP);
  while (program.process().out().find("not reloaded") == std::string::npos) {
    std::this_thread::yield();
  }
  httplib::Client client("127.0.0.1", program.port());
  CHECK(client.Get("/recommend?items=tea")->status == 200);
  program.process().send(SIGINT);
  CHECK(program.process().wait().code == 0);
}

TEST_CASE("serve: connections beyond the limit are refused") {
  const ServeShop shop;
  ServeProgram program(shop, {"--connections", "1", "--waiting", "0", "--timeout", "1"});
  httplib::Client first("127.0.0.1", program.port());
  first.set_keep_alive(true);
  CHECK(first.Get("/health")->status == 200);  // and keeps the only place
  httplib::Client second("127.0.0.1", program.port());
  const auto refused = second.Get("/health");
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(refused->get_header_value("Retry-After") == "1");
  CHECK(json::parse(refused->body).count("error") == 1);
}

TEST_CASE("serve: malformed requests get errors in JSON, and end nothing") {
  const Ending python = run({"/usr/bin/python3", "--version"});
  if (python.code != 0) {
    WARN("skipped: no Python");
    return;
  }
  const ServeShop shop;
  ServeProgram program(shop, {"--timeout", "1"});
  const Ending ending = run({"/usr/bin/python3", LAE_TESTS "/serve_malformed.py", "--port",
                             std::to_string(program.port()), "--requests", "400"});
  INFO(ending.out << ending.err);
  CHECK(ending.code == 0);
  CHECK(!program.process().has_ended());
}

}  // namespace
