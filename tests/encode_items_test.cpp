// encode_items as a process, against a server in this one that does everything wrong.

#include <httplib.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
// A macro of <resolv.h>, which httplib.h includes. Eigen has variables of that name.
#undef _res

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <lae/io/npy.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "process.hpp"
#include "test_data.hpp"

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// What the server makes of a text: its length, its last character, and a constant.
json embedding_of(const std::string& text) {
  return {static_cast<double>(text.size()), text.empty() ? 0 : static_cast<double>(text.back()),
          0.5};
}

json answer_to(const json& request) {
  json data = json::array();
  for (const std::string text : request["input"]) {
    data.push_back(
        {{"object", "embedding"}, {"index", data.size()}, {"embedding", embedding_of(text)}});
  }
  return {{"object", "list"}, {"data", data}, {"model", request["model"]}};
}

std::string base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

/// Answers POST of any path, in whatever way a test wants.
class Server {
 public:
  using Handler = std::function<void(const json& request, httplib::Response& response)>;

  explicit Server(Handler handler) : handler_(std::move(handler)) {
    server_.Post(".*", [this](const auto& request, auto& response) {
      const json body = json::parse(request.body);
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        last_ = request;
        for (const std::string text : body["input"]) ++asked_[text];
      }
      ++requests_;
      handler_(body, response);
    });
    server_.set_tcp_nodelay(true);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int requests() const { return requests_; }
  httplib::Request last() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return last_;
  }
  /// How often each text was sent.
  std::map<std::string, int> asked() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
  }

 private:
  Handler handler_;
  httplib::Server server_;
  int port_ = 0;
  std::atomic<int> requests_{0};
  mutable std::mutex mutex_;
  std::map<std::string, int> asked_;
  httplib::Request last_;
  std::thread thread_;
};

void good(const json& request, httplib::Response& response) {
  response.set_content(answer_to(request).dump(), "application/json");
}

/// Binds a socket to a port that nobody has, and returns that.
int bind_to_free_port(int socket) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* any_address = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(bind(socket, any_address, size) == 0);
  getsockname(socket, any_address, &size);
  return ntohs(address.sin_port);
}

/// Drops every connection without a word.
class DroppingServer {
 public:
  DroppingServer() : socket_(socket(AF_INET, SOCK_STREAM, 0)), port_(bind_to_free_port(socket_)) {
    REQUIRE(listen(socket_, 10) == 0);
    thread_ = std::thread([this] {
      for (int client = 0; (client = accept(socket_, nullptr, nullptr)) >= 0;) {
        ++connections_;
        close(client);
      }
    });
  }
  DroppingServer(const DroppingServer&) = delete;
  DroppingServer& operator=(const DroppingServer&) = delete;
  ~DroppingServer() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

 private:
  int socket_;
  int port_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

/// A folder of items 0 ... count - 1, where item 3 has no prompt.
class Shop {
 public:
  explicit Shop(int count, const std::string& prompt = "prompt ") : count_(count) {
    std::string lines;
    for (int item = 0; item < count; ++item) {
      lines +=
          json{{"id", "id" + std::to_string(item)},
               {"title", "t"},
               {"prompt",
                item == 3 ? "" : prompt + std::string(static_cast<std::size_t>(item), 'x') + "."}}
              .dump() +
          "\n";
    }
    write_bytes(folder_ / "items.jsonl", lines);
  }

  Process::Words command(const std::string& url, const Process::Words& more = {},
                         const std::string& batch = "4") const {
    Process::Words words = {
        LAE_ENCODE_ITEMS, "--data",    folder_ / "", "--endpoint", url,  "--model",
        "test-model",     "--backoff", "0.02",       "--batch",    batch};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  /// That all is there, every vector in its row.
  void check_finished() const {
    const lae::Matrix<float> embeddings = lae::load_npy<float>(folder_ / "embeddings.npy");
    REQUIRE(embeddings.rows() == count_);
    REQUIRE(embeddings.cols() == 3);
    bool all_right = true;
    for (int item = 0; item < count_; ++item) {
      const bool has_text = item != 3;
      all_right = all_right &&
                  embeddings(item, 0) == (has_text ? static_cast<float>(8 + item) : 0.0F) &&
                  embeddings(item, 2) == (has_text ? 0.5F : 0.0F);
    }
    CHECK(all_right);
    const json about = json::parse(read_bytes(folder_ / "embeddings.json"));
    CHECK(about["encoder"] == "test-model");
    CHECK(about["dimensions"] == 3);
    CHECK(about["items_without_text"] == 1);
    CHECK(folder_.file_count() == 3);
  }

  /// That there are no embeddings, half-written or whole.
  void check_unfinished() const {
    CHECK_FALSE(fs::exists(folder_ / "embeddings.npy"));
    CHECK(folder_.file_count() <= 2);
  }

  fs::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  TemporaryFolder folder_;
  int count_;
};

/// What encode_items says when a server answers like this.
std::string refusal(const Server::Handler& handler, int code = 1) {
  const Shop shop(10);
  const Server server(handler);
  const Ending ending = run(shop.command(server.url(), {"--parallel", "1", "--retries", "2"}));
  CHECK(ending.code == code);
  CHECK(std::count(ending.err.begin(), ending.err.end(), '\n') == 1);
  shop.check_unfinished();
  return ending.err;
}

/// A good answer, changed as a whole.
Server::Handler changed_answer(const std::function<void(json& answer)>& change) {
  return [=](const json& request, httplib::Response& response) {
    json answer = answer_to(request);
    change(answer);
    response.set_content(answer.dump(), "application/json");
  };
}

/// A good answer, whose array is changed.
Server::Handler changed(const std::function<void(json& data)>& change) {
  return changed_answer([=](json& answer) { change(answer["data"]); });
}

/// All vectors replaced by one.
Server::Handler all_alike(const json& vector) {
  return changed([=](json& data) {
    for (json& entry : data) entry["embedding"] = vector;
  });
}

Server::Handler refusing(int status, const std::string& body) {
  return [=](const json&, httplib::Response& response) {
    response.status = status;
    response.set_content(body, "application/json");
  };
}

/// Refuses requests of more texts than that.
Server::Handler limited(std::size_t texts, int status, const std::string& body) {
  return [=](const json& request, httplib::Response& response) {
    if (request["input"].size() > texts) return refusing(status, body)(request, response);
    good(request, response);
  };
}

}  // namespace

TEST_CASE("encode_items puts each vector into its row") {
  for (const char* parallel : {"1", "4"}) {
    const Shop shop(50);
    const Server server(good);
    const Ending ending = run(shop.command(server.url() + "/v1", {"--parallel", parallel}));
    CHECK(ending.err.empty());
    REQUIRE(ending.code == 0);
    CHECK_THAT(ending.out, ContainsSubstring("50 items, 3 dimensions, by test-model"));
    CHECK_THAT(ending.out, ContainsSubstring("13 requests, 0 of them again"));
    CHECK_THAT(ending.out, ContainsSubstring("1 items without text"));
    shop.check_finished();
    CHECK(server.requests() == 13);

    // Once more: nothing is paid for again but one text, which tells that the model is the same.
    CHECK_THAT(run(shop.command(server.url())).out, ContainsSubstring("nothing to do"));
    CHECK(server.requests() == 14);
    CHECK(json::parse(server.last().body)["input"].size() == 1);
    CHECK(run(shop.command(server.url(), {"--restart"})).code == 0);
    CHECK(server.requests() == 27);
  }
}

TEST_CASE("encode_items sends model, texts and key") {
  const Shop shop(2);
  const Server server(good);
  const auto with_key = [] { setenv("MY_KEY", "secret", 1); };
  REQUIRE(
      run(shop.command(server.url() + "/v1/embeddings/", {"--key-variable", "MY_KEY"}), with_key)
          .code == 0);
  CHECK(server.last().get_header_value("Authorization") == "Bearer secret");
  const json body = json::parse(server.last().body);
  CHECK(body["model"] == "test-model");
  CHECK(body.size() == 2);  // some servers refuse what they do not know, such as encoding_format
  CHECK(body["input"] == json{"prompt .", "prompt x."});

  REQUIRE(
      run(shop.command(server.url(), {"--key-variable", "NO_KEY", "--restart", "--max-bytes", "8"}))
          .code == 0);
  CHECK_FALSE(server.last().has_header("Authorization"));
  CHECK(json::parse(server.last().body)["input"] == json{"prompt .", "prompt x"});
}

TEST_CASE("encode_items cuts texts between characters") {
  const Shop shop(1, "abc\xc3\xa9");
  const Server server(good);
  REQUIRE(run(shop.command(server.url(), {"--max-bytes", "4"})).code == 0);
  CHECK(json::parse(server.last().body)["input"] == json{"abc"});
}

TEST_CASE("encode_items tries again when a server cannot for now") {
  std::atomic<int> count{0};
  const auto fails_first = [&](const std::function<void(httplib::Response&)>& fail) {
    return [&count, fail](const json& request, httplib::Response& response) {
      if (count++ % 3 != 2) return fail(response);
      good(request, response);
    };
  };
  const auto check = [&](const Server::Handler& handler, const Process::Words& more = {}) {
    const Shop shop(10);
    const Server server(handler);
    Process::Words options = {"--parallel", "1"};
    options.insert(options.end(), more.begin(), more.end());
    const Ending ending = run(shop.command(server.url(), options));
    CHECK(ending.err.empty());
    CHECK_THAT(ending.out, ContainsSubstring("6 of them again"));
    shop.check_finished();
  };
  SECTION("status 429") {
    check(fails_first([](httplib::Response& response) {
      response.status = 429;
      response.set_header("Retry-After", "0.01");
    }));
  }
  SECTION("status 503") {
    check(fails_first([](httplib::Response& response) {
      response.status = 503;
      response.set_header("Retry-After", "Fri, 01 Jan 2100 00:00:00 GMT");
    }));
  }
  SECTION("a dropped connection") {
    check(fails_first([](httplib::Response& response) {
      response.set_content_provider(
          1000, "application/json",
          [](std::size_t, std::size_t, httplib::DataSink&) { return false; });
    }));
  }
  SECTION("a timeout") {
    check(fails_first([](httplib::Response&) {
            std::this_thread::sleep_for(std::chrono::milliseconds(300));
          }),
          {"--timeout", "0.1"});
  }
}

TEST_CASE("encode_items waits as long as the server asks") {
  std::atomic<int> count{0};
  const Shop shop(2);
  const Server server([&](const json& request, httplib::Response& response) {
    if (count++ > 0) return good(request, response);
    response.status = 429;
    response.set_header("Retry-After", "1");
  });
  const auto start = std::chrono::steady_clock::now();
  CHECK(run(shop.command(server.url())).code == 0);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::seconds(1));
}

TEST_CASE("encode_items gives up in the end, or at once") {
  std::string message = refusal([](const json&, httplib::Response& response) {
    response.status = 500;
    response.set_content("overloaded\n", "text/plain");
  });
  CHECK_THAT(message, ContainsSubstring("items id0 to id4: status 500: overloaded"));
  CHECK_THAT(message, ContainsSubstring("tried 3 times"));
  for (const int status : {400, 401, 402, 403, 404, 405, 407, 422, 501}) {
    std::atomic<int> count{0};
    message = refusal([&](const json&, httplib::Response& response) {
      ++count;
      response.status = status;
      response.set_content(R"({"error": "no such model"})", "application/json");
    });
    CHECK_THAT(message, ContainsSubstring("status " + std::to_string(status)));
    CHECK_THAT(message, ContainsSubstring("no such model"));
    CHECK(count == 1);
  }
  SECTION("also when connections are dropped while it writes") {
    // More than fits into the buffers of the system.
    const Shop large(1, std::string(5'000'000, 'x'));
    const DroppingServer server;
    // Other servers in this process may have changed this, and programs inherit it.
    const auto by_default = [] { std::signal(SIGPIPE, SIG_DFL); };
    const Ending ending = run(large.command(server.url(), {"--retries", "2"}), by_default);
    CHECK(ending.code == 1);
    CHECK_THAT(ending.err, ContainsSubstring("item id0: no answer"));
    CHECK(server.connections() == 3);
  }
  const Shop shop(5);
  const Ending nobody = run(shop.command("http://127.0.0.1:1", {"--retries", "1"}));
  CHECK(nobody.code == 1);
  CHECK_THAT(nobody.err, ContainsSubstring("no answer"));
}

TEST_CASE("encode_items refuses answers that are wrong, and names the item") {
  const auto text = [](const std::string& body) {
    return [=](const json&, httplib::Response& response) {
      response.set_content(body, "application/json");
    };
  };
  CHECK_THAT(refusal(text("<html>")),
             ContainsSubstring("items id0 to id4: the answer is not JSON"));
  CHECK_THAT(refusal(text("")), ContainsSubstring("not JSON"));
  CHECK_THAT(refusal(text("{}")), ContainsSubstring("no array \"data\""));
  CHECK_THAT(refusal(text("[1]")), ContainsSubstring("no array \"data\""));
  CHECK_THAT(refusal(text(R"({"data": []})")), ContainsSubstring("item id0: only 0 vectors"));
  CHECK_THAT(refusal(text(R"({"data": [{"index": 0, "embedding": [1, 2]},)"
                          R"( {"index": 1, "embedding": [1, NaN]}]})")),
             ContainsSubstring("item id1: the answer is not JSON"));
  CHECK_THAT(refusal(text(R"({"data": [{"index": 0, "embedding": [1, 1e999]},)")),
             ContainsSubstring("item id0: the answer is not JSON"));
  CHECK_THAT(refusal(text(R"({"data": [{"index": 0, "embedding": [1, 2]}, {"index": 1, "emb)")),
             ContainsSubstring("item id0: the answer is not JSON"));

  CHECK_THAT(refusal(changed([](json& data) { data.erase(3); })),
             ContainsSubstring("item id4: only 3 vectors for 4 texts"));
  CHECK_THAT(refusal(changed([](json& data) { data.push_back(data[0]); })),
             ContainsSubstring("5 vectors for 4 texts"));
  CHECK_THAT(refusal(changed([](json& data) { data[1]["index"] = 2; })),
             ContainsSubstring("item id2: the vector's index is 2, as that of another"));
  for (const json& index : {json(4), json(-1), json(0.5), json("1")}) {
    CHECK_THAT(refusal(changed([&](json& data) { data[1]["index"] = index; })),
               ContainsSubstring("item id1: the vector's index is " + index.dump() + ", not one"));
  }
  // One so deep that whatever calls itself for each level would end the program.
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  const std::string fine = R"({"index": 0, "embedding": [1]})";
  for (const std::string& bad :
       {R"({"embedding": [1], "index": )" + deep + "}", R"({"embedding": [1, [)" + deep + "]]}"}) {
    const std::string body = "{\"data\": [" + bad + "," + fine + "," + fine + "," + fine + "]}";
    CHECK_THAT(refusal(text(body)), ContainsSubstring("item id"));
  }
  CHECK_THAT(refusal(changed([](json& data) {
               std::swap(data[1], data[3]);
               data[0].erase("index");
               data[1].erase("index");
             })),
             ContainsSubstring("item id1: the vector's index is missing, and others are out of"));
  CHECK_THAT(refusal(changed([](json& data) {
               for (json& entry : data) {
                 const json vector = entry["embedding"];
                 entry["embedding"] = {vector, vector};
               }
             })),
             ContainsSubstring("item id0: the embedding is a vector for each token"));
  for (const char* no_numbers : {"AACAPw=", "AACA", "no base64!!!", "AADAfw=="}) {
    CHECK_THAT(refusal(changed([&](json& data) { data[2]["embedding"] = no_numbers; })),
               ContainsSubstring("item id2: the "));
  }
  CHECK_THAT(refusal(changed([](json& data) { data[2].erase("embedding"); })),
             ContainsSubstring("item id2: the embedding is missing"));
  CHECK_THAT(refusal(changed([](json& data) { data[0]["embedding"] = json::array(); })),
             ContainsSubstring("item id0: the embedding is missing"));
  CHECK_THAT(refusal(changed([](json& data) { data[1]["embedding"].push_back(1); })),
             ContainsSubstring("item id1: the vector has 4 dimensions, others have 3"));
  CHECK_THAT(refusal(changed([](json& data) { data[1]["embedding"][2] = nullptr; })),
             ContainsSubstring("item id1: the vector holds null"));
  CHECK_THAT(refusal(changed([](json& data) { data[3]["embedding"][0] = "1"; })),
             ContainsSubstring("item id4: the vector holds \"1\""));
  CHECK_THAT(refusal(changed([](json& data) { data[3]["embedding"][0] = 1e300; })),
             ContainsSubstring("item id4: the vector holds 1e+300"));
  std::atomic<int> count{0};
  CHECK_THAT(
      refusal([&](const json& request, httplib::Response& response) {
        const bool is_second = count++ == 1;
        changed([=](json& data) {
          for (json& entry : data) {
            if (is_second) entry["embedding"].push_back(1);
          }
        })(request, response);
      }),
      ContainsSubstring("item id5: the vector has 4 dimensions, those of other items have 3"));
}

TEST_CASE("encode_items takes answers as servers give them") {
  const auto check = [](const Server::Handler& handler) {
    const Shop shop(10);
    const Server server(handler);
    const Ending ending = run(shop.command(server.url()));
    CHECK(ending.err.empty());
    CHECK(server.requests() == 3);
    shop.check_finished();
  };
  SECTION("in any order, with their indices") {
    check(changed([](json& data) { std::reverse(data.begin(), data.end()); }));
    check(changed([](json& data) { std::swap(data.front(), data.back()); }));
    check(changed([](json& data) {
      for (json& entry : data) entry["index"] = entry["index"].get<double>();
    }));
  }
  SECTION("without indices, in order") {
    check(changed([](json& data) {
      for (json& entry : data) entry.erase("index");
    }));
    check(changed([](json& data) {
      for (json& entry : data) entry["index"] = nullptr;
    }));
    check(changed([](json& data) {
      for (std::size_t i = 0; i < data.size(); i += 2) data[i].erase("index");
    }));
  }
  SECTION("without the index 0, which some leave out, in any order") {
    check(changed([](json& data) { data[0].erase("index"); }));
    check(changed([](json& data) {
      data[0].erase("index");
      std::reverse(data.begin(), data.end());
    }));
  }
  SECTION("in base64") {
    check(changed([](json& data) {
      for (json& entry : data) {
        const auto values = entry["embedding"].get<std::vector<float>>();
        entry["embedding"] = base64(raw(values));
      }
    }));
  }
  SECTION("as one row of a matrix") {
    check(changed([](json& data) {
      for (json& entry : data) entry["embedding"] = json::array({entry["embedding"]});
    }));
  }
  SECTION("as an array alone") {
    check(changed_answer([](json& answer) { answer = json(answer["data"]); }));
  }
  SECTION("with another status of success") {
    check([](const json& request, httplib::Response& response) {
      good(request, response);
      response.status = 201;
    });
  }
}

TEST_CASE("encode_items sends less at once where a server refuses so much") {
  const auto [status, body] = GENERATE(table<int, std::string>(
      {{413, ""},
       {422, R"({"message": "batch size 4 > maximum allowed batch size 3"})"},
       {400, R"({"error": "too many inputs"})"},
       {500, R"({"error": "input is too large to process"})"}}));
  CAPTURE(status);
  const Shop shop(60);
  const Server server(limited(3, status, body));
  const Ending ending = run(shop.command(server.url(), {"--parallel", "1"}, "16"));
  REQUIRE(ending.code == 0);
  shop.check_finished();
  CHECK_THAT(ending.out, ContainsSubstring("0 of them again"));
  CHECK_THAT(ending.out, ContainsSubstring("too large: --batch 2 spares them"));
  int refused = 0;  // 16 and the first 8 and 4 of them, then 4, 8 and 4 again
  for (const auto& [text, times] : server.asked()) refused += times > 1 ? 1 : 0;
  CHECK(refused == 16);
  CHECK(server.requests() == 7 + 8 + (59 - 16 + 1) / 2);
}

TEST_CASE("encode_items names the text that a server never takes, and keeps the others") {
  const Shop shop(20);
  const std::string long_text = "prompt xxxxxxxxxx.";  // of item 10
  const auto [status, body] = GENERATE(table<int, std::string>(
      {{400, R"({"error": "maximum context length is 512 tokens"})"},
       {413, ""},
       {422, R"({"error": "too long"})"},
       {500, R"({"error": "input (596 tokens) is too large; batch size: 512"})"}}));
  CAPTURE(status);
  std::atomic<bool> refuses{true};
  const Server server(
      [&, status = status, body = body](const json& request, httplib::Response& response) {
        const auto texts = request["input"].get<std::vector<std::string>>();
        const bool is_there = std::find(texts.begin(), texts.end(), long_text) != texts.end();
        if (is_there && refuses) return refusing(status, body)(request, response);
        good(request, response);
      });
  const auto command = shop.command(server.url(), {"--parallel", "1"}, "8");
  const Ending ending = run(command);
  CHECK(ending.code == 1);
  CHECK_THAT(ending.err, ContainsSubstring("item id10: status " + std::to_string(status)) &&
                             ContainsSubstring("--max-bytes"));
  CHECK(server.requests() == 1 + 5);  // 8 texts; 8, 4, 2, the one before it, and itself
  refuses = false;
  CHECK(run(command).code == 0);
  shop.check_finished();
}

TEST_CASE("encode_items tells errors that pass from those that do not") {
  for (const int status : {408, 409, 425, 429, 500, 502, 503, 504, 529}) {
    CAPTURE(status);
    std::atomic<int> count{0};
    const Shop shop(3);
    const Server server([&](const json& request, httplib::Response& response) {
      if (count++ < 1) return refusing(status, "quota of this minute")(request, response);
      good(request, response);
    });
    CHECK(run(shop.command(server.url())).code == 0);
    CHECK(count == 2);
  }
  const auto refused_at_once = [](int status, const std::string& body) {
    std::atomic<int> count{0};
    const std::string message = refusal([&](const json& request, httplib::Response& response) {
      ++count;
      refusing(status, body)(request, response);
    });
    CHECK(count == 1);
    CHECK_THAT(message, ContainsSubstring("status " + std::to_string(status)));
  };
  refused_at_once(429, R"({"error": {"message": "...", "code": "insufficient_quota"}})");
  refused_at_once(429, R"({"error": {"message": "Insufficient balance"}})");
  refused_at_once(400, R"({"detail": "extra fields not permitted"})");
  SECTION("also behind a status of success") {
    std::atomic<int> count{0};
    const Shop shop(3);
    const Server server([&](const json& request, httplib::Response& response) {
      if (count++ == 0) return refusing(200, R"({"error": "model overloaded"})")(request, response);
      good(request, response);
    });
    CHECK(run(shop.command(server.url())).code == 0);
  }
}

TEST_CASE("encode_items says where a server has moved") {
  const std::string message = refusal([](const json&, httplib::Response& response) {
    response.set_redirect("http://127.0.0.1:9/new/v1/embeddings?pass=word", 307);
  });
  CHECK_THAT(message, ContainsSubstring("status 307") &&
                          ContainsSubstring("\"http://127.0.0.1:9/new/v1/embeddings\"") &&
                          ContainsSubstring("--endpoint"));
  CHECK(message.find("word") == message.npos);
}

TEST_CASE("encode_items takes URLs with a query, and keeps that to itself") {
  const Shop shop(2);
  const Server server(good);
  REQUIRE(
      run(shop.command(server.url() + "/deployments/m/embeddings?api-version=1&k=secret")).code ==
      0);
  CHECK(server.last().path == "/deployments/m/embeddings");
  CHECK(server.last().get_param_value("api-version") == "1");
  CHECK(server.last().get_param_value("k") == "secret");
  CHECK(read_bytes(shop / "embeddings.json").find("secret") == std::string::npos);
  REQUIRE(run(shop.command(server.url() + "?k=other", {"--restart"})).code == 0);
  CHECK(server.last().path == "/v1/embeddings");
  CHECK(server.last().get_param_value("k") == "other");
}

TEST_CASE("encode_items goes by the proxy of the environment") {
  const Server proxy(good);
  const Server server(good);
  const std::string away = "http://embeddings.invalid/v1";
  using Environment = std::vector<std::pair<std::string, std::string>>;
  const auto requests_by_proxy = [&](const std::string& url, const Environment& environment) {
    const Shop shop(2);
    const int before = proxy.requests();
    run(shop.command(url, {"--retries", "0"}), [&] {
      for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                               "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"}) {
        unsetenv(name);
      }
      for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    });
    return proxy.requests() - before;
  };
  CHECK(requests_by_proxy(away, {}) == 0);
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
    CHECK(requests_by_proxy(away, {{name, proxy.url()}}) == 1);
  }
  CHECK(proxy.last().path == "http://embeddings.invalid:80/v1/embeddings");
  CHECK(proxy.last().get_header_value("Host") == "embeddings.invalid");
  const std::string address = proxy.url().substr(7);
  CHECK(requests_by_proxy(away, {{"http_proxy", address}, {"HTTP_PROXY", "127.0.0.1:1"}}) == 1);
  CHECK(requests_by_proxy(away, {{"http_proxy", "http://me:p%40ss@" + address + "/"}}) == 1);
  CHECK(proxy.last().get_header_value("Proxy-Authorization") == "Basic " + base64("me:p@ss"));
  for (const char* mine : {"*", "embeddings.invalid", "a.b, .invalid", "invalid", "*.invalid",
                           "EMBEDDINGS.INVALID:80"}) {
    for (const char* name : {"no_proxy", "NO_PROXY"}) {
      CAPTURE(mine, name);
      CHECK(requests_by_proxy(away, {{"http_proxy", address}, {name, mine}}) == 0);
    }
  }
  for (const char* others : {"", ",", "dings.invalid", "embeddings.invalid:81", "10.0.0.0/8"}) {
    CAPTURE(others);
    CHECK(requests_by_proxy(away, {{"http_proxy", address}, {"no_proxy", others}}) == 1);
  }
  CHECK(requests_by_proxy("http://10.1.2.3", {{"http_proxy", address}}) == 1);
  CHECK(requests_by_proxy("http://10.1.2.3:99",
                          {{"http_proxy", address}, {"no_proxy", "x,10.0.0.0/8"}, {}}) == 0);
  // This machine is reached without, as it was before there was a proxy.
  CHECK(requests_by_proxy(server.url(), {{"http_proxy", address}}) == 0);
  CHECK(server.requests() == 1);
  // It is of another kind.
  CHECK(requests_by_proxy(away, {{"http_proxy", "socks5://" + address}}) == 0);
}

TEST_CASE("encode_items sends further headers, and does not show them") {
  const Shop shop(2);
  std::atomic<bool> refuses{false};
  const Server server([&](const json& request, httplib::Response& response) {
    if (!refuses) return good(request, response);
    refusing(403, "the key secret-1 is wrong")(request, response);
  });
  const auto command =
      shop.command(server.url(), {"--header", "api-key: secret-1", "--header", "X-Team:a b "});
  REQUIRE(run(command).code == 0);
  CHECK(server.last().get_header_value("api-key") == "secret-1");
  CHECK(server.last().get_header_value("X-Team") == "a b");
  CHECK(read_bytes(shop / "embeddings.json").find("secret") == std::string::npos);
  refuses = true;
  fs::remove(shop / "embeddings.json");
  const Ending ending = run(command);
  CHECK_THAT(ending.err, ContainsSubstring("the key <api-key> is wrong"));
  for (const std::string header : {"", "secret", ": secret", "a:", "a: ", "a b: secret",
                                   "a: secret\r\nb: c", "a: secret\xc3\xa9"}) {
    CAPTURE(header);
    const Ending refused = run(shop.command(server.url(), {"--header", header}));
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, ContainsSubstring("--header"));
    CHECK(refused.err.find("secret") == std::string::npos);
  }
}

TEST_CASE("encode_items sends further fields, which are part of what embeddings are") {
  const Shop shop(2);
  const Server server(good);
  const auto command = [&](const std::string& fields) {
    return shop.command(server.url(), {"--body", fields});
  };
  REQUIRE(run(command(R"({"dimensions": 3, "user": "me"})")).code == 0);
  const json body = json::parse(server.last().body);
  CHECK(body["dimensions"] == 3);
  CHECK(body["user"] == "me");
  CHECK(body["input"].size() == 2);
  // Of fields, neither their order nor how numbers come counts.
  CHECK_THAT(run(command(R"({"user":"me", "encoding_format":"base64", "dimensions":3})")).out,
             ContainsSubstring("nothing to do"));
  const std::string before = read_bytes(shop / "embeddings.npy");
  for (const Ending& ending :
       {run(command(R"({"dimensions": 2})")), run(shop.command(server.url()))}) {
    CHECK(ending.code == 1);
    CHECK_THAT(ending.err, ContainsSubstring("--body") && ContainsSubstring("dimensions") &&
                               ContainsSubstring("--restart"));
  }
  CHECK(read_bytes(shop / "embeddings.npy") == before);
  for (const char* wrong : {"x", "[1]", "3", R"({"model": "x"})", R"({"input": []})"}) {
    CAPTURE(wrong);
    const Ending ending = run(command(wrong));
    CHECK(ending.code == 2);
    CHECK_THAT(ending.err, ContainsSubstring("--body"));
  }
}

TEST_CASE("encode_items puts an instruction before each text") {
  const Shop shop(5);
  const Server server(good);
  const auto command = [&](const Process::Words& more) { return shop.command(server.url(), more); };
  REQUIRE(run(command({"--instruction", "passage: "})).code == 0);
  CHECK(json::parse(server.last().body)["input"] == json{"passage: prompt .", "passage: prompt x.",
                                                         "passage: prompt xx.",
                                                         "passage: prompt xxxx."});
  CHECK(json::parse(read_bytes(shop / "embeddings.json"))["origin"]["instruction"] == "passage: ");
  const int paid = server.requests();
  const Ending without = run(command({}));
  CHECK(without.code == 1);
  CHECK_THAT(without.err, ContainsSubstring("--instruction \"passage: \", not none") &&
                              ContainsSubstring("--restart"));
  CHECK(server.requests() == paid);
  REQUIRE(run(command({"--instruction", "passage: ", "--max-bytes", "12", "--restart"})).code == 0);
  CHECK(json::parse(server.last().body)["input"][1] == "passage: pro");
  const Ending nothing_left = run(command({"--instruction", "passage: ", "--max-bytes", "9"}));
  CHECK(nothing_left.code == 2);
  CHECK_THAT(nothing_left.err, ContainsSubstring("--max-bytes"));
}

TEST_CASE("encode_items sends so many bytes at once") {
  const Shop shop(20);
  std::atomic<std::size_t> most{0};
  const Server server([&](const json& request, httplib::Response& response) {
    std::size_t bytes = 0;
    for (const std::string text : request["input"]) bytes += text.size();
    if (request["input"].size() > 1 && bytes > most) most = bytes;
    good(request, response);
  });
  REQUIRE(run(shop.command(server.url(), {"--batch-bytes", "30", "--parallel", "1"})).code == 0);
  shop.check_finished();
  // Texts of 8 to 27 bytes, without that of 11: 8 9 10, 12 13, 14 15, 16, 17, ...
  CHECK(most == 29);
  CHECK(server.requests() == 3 + 12);
}

TEST_CASE("encode_items and vectors that are all zeros") {
  const json zeros = {0, 0, 0};
  SECTION("of all texts: after other attempts they are refused") {
    for (const char* batch : {"1", "4", "64"}) {
      std::atomic<int> count{0};
      const Shop shop(10);
      const Server server([&](const json& request, httplib::Response& response) {
        ++count;
        all_alike(zeros)(request, response);
      });
      const Ending ending = run(shop.command(server.url(), {"--parallel", "1"}, batch));
      CHECK(ending.code == 1);
      CHECK_THAT(ending.err, ContainsSubstring("item id0: the vector is all zeros"));
      CHECK(count >= 3);
      shop.check_unfinished();
      CHECK_FALSE(fs::exists(shop / "embeddings.journal"));
    }
    // A long list is not sent to its end.
    const Shop shop(200);
    const Server server(all_alike(zeros));
    CHECK(run(shop.command(server.url(), {"--parallel", "1"})).code == 1);
    CHECK(server.requests() == 3 * 4);
  }
  SECTION("for now") {
    std::atomic<int> count{0};
    const Shop shop(10);
    const Server server([&](const json& request, httplib::Response& response) {
      if (count++ < 2) return all_alike(zeros)(request, response);
      good(request, response);
    });
    CHECK(run(shop.command(server.url(), {"--parallel", "1"})).code == 0);
    shop.check_finished();
  }
  SECTION("of one text for now") {
    std::atomic<int> count{0};
    const Shop shop(10);
    const Server server([&](const json& request, httplib::Response& response) {
      changed([&](json& data) {
        if (count++ == 1) data[2]["embedding"] = zeros;
      })(request, response);
    });
    CHECK(run(shop.command(server.url(), {"--parallel", "1"})).code == 0);
    shop.check_finished();
    CHECK(server.requests() == 4);
  }
  SECTION("of few texts: their words may be unknown to the model") {
    for (const char* batch : {"1", "4", "64"}) {
      const Shop shop(40);
      const Server server([&](const json& request, httplib::Response& response) {
        changed([&](json& data) {
          for (std::size_t i = 0; i < data.size(); ++i) {
            if (request["input"][i] == "prompt .") data[i]["embedding"] = zeros;
          }
        })(request, response);
      });
      const Ending ending = run(shop.command(server.url(), {"--parallel", "1"}, batch));
      REQUIRE(ending.code == 0);
      CHECK_THAT(ending.out, ContainsSubstring("1 items with text got zeros, such as id0"));
      const auto embeddings = lae::load_npy<float>(shop / "embeddings.npy");
      CHECK(embeddings.row(0).isZero(0));
      CHECK(embeddings(1, 0) == 9);
      CHECK_THAT(run(shop.command(server.url())).out, ContainsSubstring("nothing to do"));
    }
  }
  SECTION("of many texts") {
    const Shop shop(200);
    const Server server([&](const json& request, httplib::Response& response) {
      changed([&](json& data) {
        for (std::size_t i = 0; i < data.size(); ++i) {
          const bool is_even = request["input"][i].get<std::string>().size() % 2 == 0;
          if (is_even) data[i]["embedding"] = zeros;
        }
      })(request, response);
    });
    const Ending ending = run(shop.command(server.url(), {"--parallel", "1"}));
    CHECK(ending.code == 1);
    CHECK_THAT(ending.err, ContainsSubstring("item id0: the vector is all zeros"));
    CHECK(server.requests() < 50);
  }
  SECTION("in a journal from before they were looked at: they are asked for again") {
    const Shop shop(10);
    const Server server(good);
    REQUIRE(run(shop.command(server.url())).code == 0);
    const std::string mark = json::parse(read_bytes(shop / "embeddings.json"))["fingerprint"];
    fs::remove(shop / "embeddings.json");
    const std::string record =
        raw<std::int64_t>({0, 1, 2}) + raw<float>({8, 46, 0.5, 0, 0, 0, 10, 46, 0.5});
    const auto checksum = crc32(0, reinterpret_cast<const unsigned char*>(record.data()),
                                static_cast<unsigned>(record.size()));
    write_bytes(shop / "embeddings.journal", "lae encoding journal 1\n" + mark + "\n" +
                                                 raw<std::uint64_t>({3, 3, checksum}) + record);
    REQUIRE(run(shop.command(server.url(), {}, "64")).code == 0);
    shop.check_finished();
    const auto asked = server.asked();
    CHECK(asked.at("prompt .") == 2);  // to compare
    CHECK(asked.at("prompt x.") == 2);
    CHECK(asked.at("prompt xx.") == 1);
  }
  SECTION("of blanks are no wonder") {
    const Shop shop(2);
    write_bytes(shop / "items.jsonl",
                "{\"id\": \"a\", \"prompt\": \" \"}\n"
                "{\"id\": \"b\", \"prompt\": \"b\"}\n");
    const Server server(changed([&](json& data) { data[0]["embedding"] = zeros; }));
    const Ending ending = run(shop.command(server.url()));
    CHECK(ending.code == 0);
    CHECK(ending.out.find("got zeros") == ending.out.npos);
  }
}

TEST_CASE("encode_items refuses a model that has the same vector for all texts") {
  for (const char* batch : {"1", "4", "64"}) {
    const Shop shop(100);
    const Server server(all_alike({0.1, 0.2, 0.3}));
    const Ending ending = run(shop.command(server.url(), {"--parallel", "1"}, batch));
    CHECK(ending.code == 1);
    CHECK_THAT(ending.err, ContainsSubstring("all texts so far have got the same vector"));
    shop.check_unfinished();
    CHECK(server.requests() <= 16);
  }
  SECTION("also few texts, and leaves nothing of it") {
    const Shop shop(5);
    const Server server(all_alike({0.1, 0.2, 0.3}));
    CHECK(run(shop.command(server.url(), {}, "64")).code == 1);
    CHECK_FALSE(fs::exists(shop / "embeddings.journal"));
  }
  SECTION("but not one that does not tell some texts apart") {
    const Shop shop(60);
    const Server server([](const json& request, httplib::Response& response) {
      changed([&](json& data) {
        for (std::size_t i = 0; i < data.size(); ++i) {
          const auto size = request["input"][i].get<std::string>().size();
          if (size < 20) data[i]["embedding"] = {1, 1, 1};
        }
      })(request, response);
    });
    CHECK(run(shop.command(server.url(), {"--parallel", "1"})).code == 0);
  }
  SECTION("but texts that are all the same are the same") {
    const Shop shop(1);
    std::string lines;
    for (int i = 0; i < 30; ++i) lines += json{{"id", "x"}, {"prompt", "same"}}.dump() + "\n";
    write_bytes(shop / "items.jsonl", lines);
    const Server server(good);
    CHECK(run(shop.command(server.url())).code == 0);
  }
}

namespace {

/// As good, of another model with as many dimensions.
void other(const json& request, httplib::Response& response) {
  changed([](json& data) {
    for (json& entry : data) std::swap(entry["embedding"][0], entry["embedding"][2]);
  })(request, response);
}

Server::Handler named(const std::string& model) {
  return changed_answer([=](json& answer) { answer["model"] = model; });
}

/// Answers this many requests; after that it is broken.
Server::Handler breaking(int answers, const Server::Handler& handler) {
  const auto count = std::make_shared<std::atomic<int>>(0);
  return [=](const json& request, httplib::Response& response) {
    if ((*count)++ < answers) return handler(request, response);
    response.status = 400;
  };
}

}  // namespace

TEST_CASE("encode_items does not go on with another model behind the same name") {
  const Shop shop(20);
  {
    const Server first(breaking(2, named("real-1")));
    REQUIRE(run(shop.command(first.url(), {"--parallel", "1"})).code == 1);
  }
  const std::string journal = read_bytes(shop / "embeddings.journal");
  const auto check_refused = [&](const Server::Handler& handler, const std::string& reason,
                                 const Process::Words& more = {}) {
    const Server server(handler);
    const Ending ending = run(shop.command(server.url(), more));
    CHECK(ending.code == 1);
    CHECK_THAT(ending.err, ContainsSubstring(reason) && ContainsSubstring("--restart"));
    CHECK(server.requests() == 1);
    CHECK(read_bytes(shop / "embeddings.journal") == journal);
  };
  check_refused(named("real-2"), "calls its model \"real-2\"");
  const auto without_name = [](const std::function<void(json&)>& change) {
    return changed_answer([=](json& answer) {
      answer.erase("model");
      change(answer["data"][0]["embedding"]);
    });
  };
  const std::string by_vector = "the vector of item id0 ";
  check_refused(without_name([](json& vector) { vector = {0.5, 46, 8}; }), by_vector);
  check_refused(without_name([](json& vector) { vector = {80, 460, 5}; }), by_vector);  // scaled
  check_refused(without_name([](json& vector) { vector = {8, 46}; }), by_vector);
  check_refused(other, by_vector, {"--renamed"});

  const auto noisy = changed_answer([](json& answer) {
    answer["model"] = "real-1";
    json& number = answer["data"][0]["embedding"][1];
    number = number.get<double>() * 1.1;
  });
  SECTION("but with the same one at another address, with the noise of half precision") {
    const Server server(noisy);
    CHECK(run(shop.command(server.url())).code == 0);
    shop.check_finished();
    const json about = json::parse(read_bytes(shop / "embeddings.json"));
    CHECK(about["origin"]["served_model"] == "real-1");
  }
  SECTION("but with one that does not say its name") {
    const Server server(without_name([](json&) {}));
    CHECK(run(shop.command(server.url())).code == 0);
    shop.check_finished();
  }
  SECTION("but with a new name if told so") {
    const Server server(named("real-1-new"));
    CHECK(run(shop.command(server.url(), {"--renamed"})).code == 0);
    shop.check_finished();
  }
  SECTION("but with one from the beginning if told so") {
    const Server server(named("real-2"));
    CHECK(run(shop.command(server.url(), {"--restart"})).code == 0);
    CHECK(server.requests() == 5);
    shop.check_finished();
  }
  SECTION("and not with other fields or another instruction") {
    const Server server(named("real-1"));
    for (const Process::Words& more : {Process::Words{"--body", R"({"dimensions": 3})"},
                                       Process::Words{"--instruction", "query: "}}) {
      const Ending ending = run(shop.command(server.url(), more));
      CHECK(ending.code == 1);
      CHECK_THAT(ending.err,
                 ContainsSubstring(more[0] + " none, not \"") && ContainsSubstring("--restart"));
    }
    CHECK(server.requests() == 0);
  }
  SECTION("in the format of before, which tells less") {
    const std::size_t second = journal.find('\n', journal.find('\n') + 1) + 1;
    std::string before = journal;
    before.erase(second, before.find('\n', second) + 1 - second);
    before.replace(before.find('2'), 1, "1");
    write_bytes(shop / "embeddings.journal", before);
    CHECK_THAT(
        [&] {
          const Server server(other);
          return run(shop.command(server.url())).err;
        }(),
        ContainsSubstring(by_vector));
    const Server server(good);
    CHECK(run(shop.command(server.url())).code == 0);
    CHECK(server.requests() == 1 + 3);
    shop.check_finished();
  }
}

TEST_CASE("encode_items does not mix models when they change while it runs") {
  const Shop shop(20);
  std::atomic<int> count{0};
  const Server server([&](const json& request, httplib::Response& response) {
    named(count++ < 2 ? "real-1" : "real-2")(request, response);
  });
  const Ending ending = run(shop.command(server.url(), {"--parallel", "1"}));
  CHECK(ending.code == 1);
  CHECK_THAT(ending.err, ContainsSubstring("calls its model \"real-2\""));
  shop.check_unfinished();
}

TEST_CASE("encode_items knows whether what is finished is what is asked for") {
  const Shop shop(10);
  std::optional<Server> first(std::in_place, named("real-1"));
  const std::string url = first->url();
  REQUIRE(run(shop.command(url)).code == 0);
  const auto bytes = [&] {
    return read_bytes(shop / "embeddings.npy") + read_bytes(shop / "embeddings.json");
  };
  const std::string before = bytes();
  const auto check_refused = [&](const Process::Words& command, const std::string& reason) {
    CAPTURE(reason);
    const Ending ending = run(command);
    CHECK(ending.code == 1);
    CHECK(ending.out.empty());
    CHECK_THAT(ending.err, ContainsSubstring(reason) && ContainsSubstring("--restart"));
    CHECK(bytes() == before);
  };
  CHECK_THAT(run(shop.command(url)).out, ContainsSubstring("nothing to do"));

  const Server renamed(named("real-2"));
  check_refused(shop.command(renamed.url()), "\"real-2\"");
  const Server different(other);
  check_refused(shop.command(different.url(), {"--renamed"}), "the vector of item id0");
  Process::Words command = shop.command(url);
  *std::find(command.begin(), command.end(), "test-model") = "another";
  check_refused(command, "--model \"test-model\", not \"another\"");
  check_refused(shop.command(url, {"--max-bytes", "9"}), "--max-bytes none, not \"9\"");
  check_refused({LAE_ENCODE_ITEMS, "--data", shop / "", "--built-in"}, "test-model");

  SECTION("another server with the same vectors is as good") {
    const Server same(named("real-1"));
    const Ending ending = run(shop.command(same.url()));
    CHECK(ending.code == 0);
    CHECK_THAT(ending.out, ContainsSubstring("nothing to do") && ContainsSubstring(url));
  }
  SECTION("the same server need not be there any more, another one must") {
    first.reset();
    CHECK_THAT(run(shop.command(url)).out,
               ContainsSubstring("nothing to do") && ContainsSubstring("could not be asked"));
    check_refused(shop.command("http://127.0.0.1:1"), url);
  }
  SECTION("other texts") {
    write_bytes(shop / "items.jsonl", json{{"id", "new"}, {"prompt", "new"}}.dump() + "\n");
    check_refused(shop.command(url), "other texts");
    CHECK(run(shop.command(url, {"--restart"})).code == 0);
    CHECK(lae::load_npy<float>(shop / "embeddings.npy").rows() == 1);
  }
  SECTION("in the format of before, which tells less") {
    json about = json::parse(read_bytes(shop / "embeddings.json"));
    about.erase("origin");
    write_bytes(shop / "embeddings.json", about.dump());
    CHECK_THAT(run(shop.command(url)).out, ContainsSubstring("nothing to do"));
    CHECK_THAT(run(shop.command(different.url())).err, ContainsSubstring("the vector of item id0"));
  }
  SECTION("replaced if told so") {
    CHECK(run({LAE_ENCODE_ITEMS, "--data", shop / "", "--built-in", "--restart"}).code == 0);
    // What costs nothing is replaced without a word.
    CHECK(run(shop.command(url)).code == 0);
    shop.check_finished();
  }
}

namespace {

/// A server of a file outside, in Python.
class OutsideServer {
 public:
  OutsideServer(const fs::path& script, const std::string& mode)
      : port_(free_port()),
        process_({"/usr/bin/env", "python3", script.string(), std::to_string(port_), mode}) {
    httplib::Client client("127.0.0.1", port_);
    while (!client.Get("/") && !process_.has_ended()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  static int free_port() {
    const int any = socket(AF_INET, SOCK_STREAM, 0);
    const int port = bind_to_free_port(any);
    close(any);
    return port;
  }

  int port_;
  Process process_;
};

bool has_python() {
  if (run({"/usr/bin/env", "python3", "--version"}).code == 0) return true;
  WARN("skipped: no python3");
  return false;
}

}  // namespace

TEST_CASE("encode_items and servers as they are in the field") {
  const auto script = find_outside("cases/embedding_server.py");
  if (!script || !has_python()) return;
  const auto encode = [&](const std::string& mode, int items, const std::string& wait = "0.02") {
    const Shop shop(0);
    std::string lines;
    for (int i = 0; i < items; ++i) {
      const std::string n = std::to_string(i);
      std::string prompt = "Title: t" + n;
      for (int word = 0; i == 3 && word < 60; ++word) prompt += " long";
      lines += json{{"id", "I" + n}, {"prompt", prompt}}.dump() + "\n";
    }
    write_bytes(shop / "items.jsonl", lines);
    const OutsideServer server(*script, mode);
    Process::Words command = shop.command(server.url(), {}, "64");
    std::replace(command.begin(), command.end(), std::string("0.02"), wait);
    Ending ending = run(command);
    if (ending.code == 0) ending.out = read_bytes(shop / "embeddings.npy");
    return ending;
  };
  const auto start = std::chrono::steady_clock::now();
  const std::string five = encode("ok", 5).out;
  for (const char* mode : {"gemini", "reverse", "noindex", "enc400", "base64", "nested", "array",
                           "413", "chunked", "gzip", "close", "201", "503load"}) {
    CAPTURE(mode);
    const Ending ending = encode(mode, 5);
    CHECK(ending.code == 0);
    CHECK(ending.out == five);
  }
  const Ending forty = encode("ok", 40);
  CHECK(forty.code == 0);
  CHECK(encode("limit32", 40).out == forty.out);
  CHECK(encode("413", 40).out == forty.out);

  const auto check_refused = [&](const std::string& mode, const std::string& reason) {
    CAPTURE(mode);
    // Not as short as in other tests, so that it takes long if it is tried again and again.
    const Ending ending = encode(mode, 5, "1");
    CHECK(ending.code == 1);
    CHECK_THAT(ending.err, ContainsSubstring(reason));
  };
  check_refused("zeros", "item I0: ");
  check_refused("same", "the same vector");
  check_refused("index0", "item I1: ");
  check_refused("toolong500", "item I0: status 500");
  check_refused("toolong400", "item I3: status 400");
  check_refused("429quota", "insufficient_quota");
  check_refused("redirect", "/new/v1/embeddings");
  check_refused("401", "status 401");
  check_refused("404", "status 404");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
}

TEST_CASE("encode_items and two models of one name, in the field") {
  const auto script = find_outside("cases/other_model_same_name.py");
  if (!script || !has_python()) return;
  const Shop shop(10);
  const OutsideServer a(*script, "A");
  const OutsideServer b(*script, "B");
  const Process::Words one = {"--parallel", "1"};
  CHECK_THAT(run(shop.command(a.url(), one, "1")).err, ContainsSubstring("item id2: status 400"));
  const std::string journal = read_bytes(shop / "embeddings.journal");
  const Ending ending = run(shop.command(b.url(), one, "1"));
  CHECK(ending.code == 1);
  CHECK_THAT(ending.err, ContainsSubstring("real-model-B") && ContainsSubstring("--restart"));
  CHECK(read_bytes(shop / "embeddings.journal") == journal);
  shop.check_unfinished();
}

TEST_CASE("encode_items goes on where it was interrupted, and pays for nothing twice") {
  for (const int signal : {SIGINT, SIGKILL}) {
    CAPTURE(signal);
    const Shop shop(60);
    std::atomic<bool> hangs{true};
    std::atomic<int> count{0};
    const Server server([&](const json& request, httplib::Response& response) {
      // Seven batches are answered; then nothing more.
      if (hangs && count++ >= 7) {
        for (int i = 0; i < 500 && hangs; ++i) {
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        response.status = 500;
        return;
      }
      good(request, response);
    });
    const std::map<std::string, int> before = [&] {
      Process process(shop.command(server.url(), {"--parallel", "1"}));
      while (count < 8) std::this_thread::yield();
      process.send(signal);
      const Ending ending = process.wait();
      if (signal == SIGINT) CHECK(ending.code == 130);
      if (signal == SIGKILL) CHECK(ending.signal == SIGKILL);
      return server.asked();
    }();
    shop.check_unfinished();
    hangs = false;
    const Ending ending = run(shop.command(server.url(), {}, "5"));
    CHECK(ending.code == 0);
    shop.check_finished();
    int twice = 0;
    for (const auto& [text, times] : server.asked()) twice += times > 1 ? 1 : 0;
    CHECK(twice == 5);  // the batch that was under way, and one text to compare
  }
}

TEST_CASE("encode_items killed again and again pays twice only for what was under way") {
  const Shop shop(200);
  std::atomic<int> texts{0};
  std::atomic<int> count{0};
  const Server server([&](const json& request, httplib::Response& response) {
    const int number = count++;
    std::this_thread::sleep_for(std::chrono::milliseconds(number % 5));
    if (number % 6 == 5) {
      response.status = 500;
      return;
    }
    texts += static_cast<int>(request["input"].size());
    good(request, response);
  });
  int kills = 0;
  for (bool is_done = false; !is_done;) {
    Process process(shop.command(server.url(), {"--parallel", "6"}, "3"));
    std::this_thread::sleep_for(std::chrono::milliseconds(40 + 10 * kills));
    process.send(SIGKILL);
    is_done = process.wait().code == 0;
    if (!is_done) ++kills;
  }
  CHECK(kills > 0);
  CHECK(texts <= 199 + kills * (6 * 3 + 1));
  CHECK(run(shop.command(server.url())).code == 0);
  const lae::Matrix<float> embeddings = lae::load_npy<float>(shop / "embeddings.npy");
  for (int item = 0; item < 200; ++item) {
    CHECK(embeddings(item, 0) == (item == 3 ? 0.0F : static_cast<float>(8 + item)));
  }
  CHECK_FALSE(fs::exists(shop / "embeddings.journal"));
}

TEST_CASE("encode_items interrupted while it waits to try again") {
  const Shop shop(10);
  std::atomic<int> count{0};
  const Server server([&](const json& request, httplib::Response& response) {
    if (count == 0) good(request, response);
    if (count > 0) {
      response.status = 503;
      response.set_header("Retry-After", "600");
    }
    ++count;
  });
  Process process(shop.command(server.url(), {"--parallel", "1"}));
  while (count < 2) std::this_thread::yield();
  process.send(SIGINT);
  const Ending ending = process.wait();
  CHECK(ending.code == 130);
  CHECK(ending.err == "encode_items: interrupted\n");
  CHECK(fs::exists(shop / "embeddings.journal"));
  shop.check_unfinished();
}

TEST_CASE("encode_items does not show the key, and sends none that cannot be one") {
  const Shop shop(2);
  const Server server([](const json&, httplib::Response& response) {
    response.status = 401;
    response.set_content("the key sk-1234 is wrong", "text/plain");
  });
  const auto command = shop.command(server.url(), {"--key-variable", "MY_KEY"});
  Ending ending = run(command, [] { setenv("MY_KEY", "sk-1234", 1); });
  CHECK_THAT(ending.err, ContainsSubstring("status 401: the key <key> is wrong"));
  ending = run(command, [] { setenv("MY_KEY", "sk-1234\nX-Other: 1", 1); });
  CHECK(ending.code == 2);
  CHECK_THAT(ending.err, ContainsSubstring("MY_KEY holds"));
  CHECK(ending.err.find("1234") == ending.err.npos);
  CHECK(server.requests() == 1);
}

TEST_CASE("encode_items leaves no journal that holds nothing, and minds none") {
  const Shop shop(10);
  const Server server([](const json&, httplib::Response& response) { response.status = 400; });
  CHECK(run(shop.command(server.url())).code == 1);
  CHECK_FALSE(fs::exists(shop / "embeddings.journal"));

  // As a process leaves it that is killed before its first batch, on other texts.
  const std::string line(64, '0');
  write_bytes(shop / "embeddings.journal", "lae encoding journal 1\n" + line + "\n");
  const Server good_server(good);
  CHECK(run(shop.command(good_server.url())).code == 0);
  shop.check_finished();
  write_bytes(shop / "embeddings.journal", "lae encoding journal 1\n" + line + "\n");
  CHECK_THAT(run(shop.command(good_server.url())).out, ContainsSubstring("nothing to do"));
  shop.check_finished();
}

TEST_CASE("encode_items stopped between its last batch and its end pays for nothing again") {
  const Shop shop(10);
  const Server server(good);
  // The last file that it writes cannot be written.
  fs::create_directories(shop / "embeddings.json" / "in the way");
  const Ending ending = run(shop.command(server.url()));
  CHECK(ending.code == 1);
  CHECK_THAT(ending.err, ContainsSubstring("embeddings.json"));
  const int paid = server.requests();
  const std::string journal = read_bytes(shop / "embeddings.journal");
  fs::remove_all(shop / "embeddings.json");
  CHECK(run(shop.command(server.url())).code == 0);
  shop.check_finished();
  // Or it was killed just before it removed the journal.
  write_bytes(shop / "embeddings.journal", journal);
  CHECK(run(shop.command(server.url())).code == 0);
  shop.check_finished();
  CHECK(server.requests() == paid);
}

TEST_CASE("encode_items and its journal") {
  const Shop shop(30);
  std::atomic<int> count{0};
  std::atomic<int> good_answers{4};
  const Server server([&](const json& request, httplib::Response& response) {
    if (count++ < good_answers) return good(request, response);
    response.status = 400;
  });
  const auto command = shop.command(server.url(), {"--parallel", "1"});
  REQUIRE(run(command).code == 1);
  const fs::path journal = shop / "embeddings.journal";
  const std::string whole = read_bytes(journal);
  good_answers = 1000;

  SECTION("that was torn anywhere: what is whole counts") {
    for (std::size_t size = 0; size < whole.size(); size += 97) {
      CAPTURE(size);
      write_bytes(journal, whole.substr(0, size));
      REQUIRE(run(command).code == 0);
      shop.check_finished();
      fs::remove(shop / "embeddings.npy");
      fs::remove(shop / "embeddings.json");
    }
  }
  SECTION("with a damaged record: it and what follows are done again") {
    std::string damaged = whole;
    damaged[whole.size() - 150] ^= 1;  // in the third of four
    write_bytes(journal, damaged);
    const int before = server.requests();
    REQUIRE(run(command).code == 0);
    shop.check_finished();
    CHECK(server.requests() - before == 1 + 6);
  }
  SECTION("with something behind it: that does not count") {
    for (const std::string& rest : {std::string(1000, '\0'), whole}) {
      write_bytes(journal, whole + rest);
      const int before = server.requests();
      REQUIRE(run(command).code == 0);
      CHECK(server.requests() - before == 1 + 4);
      shop.check_finished();
      fs::remove(shop / "embeddings.npy");
      fs::remove(shop / "embeddings.json");
    }
  }
  SECTION("that was torn and goes on: all is whole again") {
    write_bytes(journal, whole.substr(0, whole.size() - 7));
    good_answers = count + 1 + 2;
    // Batches of another size, so that records lie elsewhere.
    REQUIRE(run(shop.command(server.url(), {"--parallel", "1"}, "3")).code == 1);
    good_answers = 1000;
    const int before = server.requests();
    REQUIRE(run(command).code == 0);
    shop.check_finished();
    CHECK(server.requests() - before == 1 + 3);  // 29 texts, 12 + 6 of them done
  }
  SECTION("of other texts or another model is refused, unless told to restart") {
    const auto other_model = [&](Process::Words words) {
      *(std::find(words.begin(), words.end(), "test-model")) = "another";
      return words;
    };
    const Ending refused = run(other_model(command));
    CHECK(refused.code == 1);
    CHECK_THAT(refused.err, ContainsSubstring("--restart"));
    CHECK(read_bytes(journal) == whole);
    write_bytes(shop / "items.jsonl", read_bytes(shop / "items.jsonl") +
                                          R"({"id": "new", "title": "", "prompt": "new"})" + "\n");
    CHECK_THAT(run(command).err, ContainsSubstring("--restart"));
    CHECK(run(shop.command(server.url(), {"--restart"})).code == 0);
    CHECK(lae::load_npy<float>(shop / "embeddings.npy").rows() == 31);
  }
  SECTION("in use by another process is refused") {
    good_answers = 0;
    std::atomic<bool> is_asked{false};
    std::atomic<bool> waits{true};
    const Server slow([&](const json&, httplib::Response& response) {
      is_asked = true;
      while (waits) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      response.status = 400;
    });
    Process first(shop.command(slow.url(), {"--parallel", "1"}));
    while (!is_asked) std::this_thread::yield();
    const Ending second = run(command);
    waits = false;
    CHECK(second.code == 1);
    CHECK_THAT(second.err, ContainsSubstring("another process"));
    CHECK(first.wait().code == 1);
  }
}

TEST_CASE("encode_items refuses what cannot work before it asks a server") {
  const Shop shop(5);
  const Server server(good);
  const auto error = [&](const Process::Words& command, int code,
                         const std::function<void()>& in_child = {}) {
    const Ending ending = run(command, in_child);
    CHECK(ending.code == code);
    return ending.err;
  };
  for (const std::string url : {"localhost:8080", "ftp://localhost", "http://", "http:///v1",
                                "http://me@localhost", "http://localhost#key", "http://?a=b"}) {
    CAPTURE(url);
    CHECK_THAT(error(shop.command(url), 2), ContainsSubstring("not a URL"));
  }
  CHECK_THAT(error({LAE_ENCODE_ITEMS, "--data", shop / ""}, 2), ContainsSubstring("--built-in"));
  CHECK_THAT(error({LAE_ENCODE_ITEMS, "--data", shop / "", "--endpoint", "http://x"}, 2),
             ContainsSubstring("--model"));
  CHECK_THAT(error(shop.command(server.url(), {"--built-in"}), 2), ContainsSubstring("--built-in"));
  write_bytes(shop / "items.jsonl", "{\"id\": \"a\", \"prompt\": \"p\"}\n{\"title\": 1}\n");
  CHECK_THAT(error(shop.command(server.url()), 1), ContainsSubstring("items.jsonl, line 2"));
  write_bytes(shop / "items.jsonl", "{\"id\": \"a\"}\n");
  CHECK_THAT(error(shop.command(server.url()), 1), ContainsSubstring("no prompts"));
  fs::remove(shop / "items.jsonl");
  CHECK_THAT(error(shop.command(server.url()), 1), ContainsSubstring("No such file"));
  CHECK(server.requests() == 0);
}

TEST_CASE("encode_items in a folder that is not writable says so before it asks a server") {
  if (!can_be_run_by_nobody(LAE_ENCODE_ITEMS)) return;
  const Shop shop(5);
  const Server server(good);
  const ReadOnlyFolder folder(shop / "");
  for (const Process::Words& command :
       {shop.command(server.url()),
        Process::Words{LAE_ENCODE_ITEMS, "--data", shop / "", "--built-in"}}) {
    const Ending ending = run(command, become_nobody);
    CHECK(ending.code == 1);
    CHECK_THAT(ending.err,
               ContainsSubstring("embeddings.npy: cannot be written: Permission denied"));
  }
  CHECK(server.requests() == 0);
}

TEST_CASE("encode_items shows how far it is and how long it will take, on a terminal") {
  const std::string terminal = "/usr/bin/script";  // runs a command in a terminal of its own
  if (!fs::exists(terminal)) {
    WARN("skipped: no " << terminal);
    return;
  }
  const Shop shop(50);
  const Server server([](const json& request, httplib::Response& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    good(request, response);
  });
  std::string command;
  for (const std::string& word : shop.command(server.url(), {"--parallel", "1"})) {
    command += "'" + word + "' ";
  }
  const Ending ending = run({terminal, "--quiet", "--return", "--command", command, "/dev/null"});
  CAPTURE(ending.out);
  REQUIRE(ending.code == 0);
  shop.check_finished();
  // After 16 of 49 items, in four tenths of a second.
  CHECK_THAT(ending.out,
             ContainsSubstring("\r\x1b[K[=========                     ] 16 / 49 items, ") &&
                 ContainsSubstring(" a second, 00:00:0") && ContainsSubstring(" left"));
}

TEST_CASE("encode_items on a full disk says so") {
  const Shop shop(60);
  const Server server(good);
  const Ending ending = run(shop.command(server.url()), limit_file_size(600));
  CHECK(ending.code == 1);
  CHECK_THAT(ending.err, ContainsSubstring("File too large"));
  shop.check_unfinished();
  const int paid = server.requests();
  CHECK(paid > 1);
  CHECK(run(shop.command(server.url())).code == 0);
  shop.check_finished();
  // Of 15 batches, those that did not fit, at most one for each thread, are paid for twice.
  CHECK(server.requests() <= 15 + 4 + 1);
}

TEST_CASE("encode_items without a server") {
  const Shop shop(40, "the same words ");
  const Process::Words command = {LAE_ENCODE_ITEMS, "--data", shop / "", "--built-in"};
  const Ending ending = run(command);
  REQUIRE(ending.code == 0);
  const lae::Matrix<float> embeddings = lae::load_npy<float>(shop / "embeddings.npy");
  CHECK(embeddings.rows() == 40);
  CHECK(embeddings.row(3).squaredNorm() == 0);
  CHECK(embeddings.row(4).norm() == Approx(1));
  CHECK_THAT(json::parse(read_bytes(shop / "embeddings.json"))["encoder"].get<std::string>(),
             ContainsSubstring("built-in"));
  const std::string before = read_bytes(shop / "embeddings.npy");
  REQUIRE(run(command).code == 0);
  CHECK(read_bytes(shop / "embeddings.npy") == before);

  const Ending full = run(command, limit_file_size(100));
  CHECK(full.code == 1);
  CHECK(read_bytes(shop / "embeddings.npy") == before);
}

TEST_CASE("encode_items without a server, interrupted, leaves what was there") {
  const TemporaryFolder folder;
  std::string lines;
  for (int item = 0; item < 20'000; ++item) {
    std::string prompt;
    for (int word = 0; word < 20; ++word) {
      prompt += " w" + std::to_string(item * (word + 1) % 4999);
    }
    lines += json{{"id", std::to_string(item)}, {"prompt", prompt}}.dump() + "\n";
  }
  write_bytes(folder / "items.jsonl", lines);
  write_bytes(folder / "embeddings.npy", "old");
  Process process({LAE_ENCODE_ITEMS, "--data", folder / "", "--built-in"});
  process.await_handler(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  process.send(SIGINT);
  const Ending ending = process.wait();
  CHECK(ending.code == 130);
  CHECK(ending.err == "encode_items: interrupted\n");
  CHECK(read_bytes(folder / "embeddings.npy") == "old");
  CHECK(folder.file_count() == 2);
}
