// encode_items as a process, against a server in this one that does everything wrong.

#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
// A macro of <resolv.h>, which httplib.h includes. Eigen has variables of that name.
#undef _res

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <lae/io/npy.hpp>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "process.hpp"

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

/// Answers POST /v1/embeddings, in whatever way a test wants.
class Server {
 public:
  using Handler = std::function<void(const json& request, httplib::Response& response)>;

  explicit Server(Handler handler) : handler_(std::move(handler)) {
    server_.Post("/v1/embeddings", [this](const auto& request, auto& response) {
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

/// Drops every connection without a word.
class DroppingServer {
 public:
  DroppingServer() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* any_address = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(socket_, any_address, size) == 0);
    REQUIRE(listen(socket_, 10) == 0);
    getsockname(socket_, any_address, &size);
    port_ = ntohs(address.sin_port);
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
  int port_ = 0;
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

/// A good answer, changed.
Server::Handler changed(const std::function<void(json& data)>& change) {
  return [=](const json& request, httplib::Response& response) {
    json answer = answer_to(request);
    change(answer["data"]);
    response.set_content(answer.dump(), "application/json");
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

    // Once more: nothing is paid for again.
    CHECK_THAT(run(shop.command(server.url())).out, ContainsSubstring("nothing to do"));
    CHECK(server.requests() == 13);
    CHECK(run(shop.command(server.url(), {"--restart"})).code == 0);
    CHECK(server.requests() == 26);
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
  CHECK(body["encoding_format"] == "float");
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
  for (const int status : {400, 401, 404}) {
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
  CHECK_THAT(refusal(changed([](json& data) { std::swap(data[1], data[2]); })),
             ContainsSubstring("item id1: the vector's index is 2, not 1"));
  CHECK_THAT(refusal(changed([](json& data) { data[2].erase("index"); })),
             ContainsSubstring("item id2: the vector's index is missing"));
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
    CHECK(twice == 4);  // the batch that was under way
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
  CHECK(texts <= 199 + kills * 6 * 3);
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
    damaged[whole.size() / 2] ^= 1;
    write_bytes(journal, damaged);
    const int before = server.requests();
    REQUIRE(run(command).code == 0);
    shop.check_finished();
    CHECK(server.requests() - before > 4);
    CHECK(server.requests() - before < 8);
  }
  SECTION("with something behind it: that does not count") {
    for (const std::string& rest : {std::string(1000, '\0'), whole}) {
      write_bytes(journal, whole + rest);
      const int before = server.requests();
      REQUIRE(run(command).code == 0);
      CHECK(server.requests() - before == 4);
      shop.check_finished();
      fs::remove(shop / "embeddings.npy");
      fs::remove(shop / "embeddings.json");
    }
  }
  SECTION("that was torn and goes on: all is whole again") {
    write_bytes(journal, whole.substr(0, whole.size() - 7));
    good_answers = count + 2;
    // Batches of another size, so that records lie elsewhere.
    REQUIRE(run(shop.command(server.url(), {"--parallel", "1"}, "3")).code == 1);
    good_answers = 1000;
    const int before = server.requests();
    REQUIRE(run(command).code == 0);
    shop.check_finished();
    CHECK(server.requests() - before == 3);  // 29 texts, 12 + 6 of them done
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
                                "http://me@localhost", "http://localhost?key=1"}) {
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
  CHECK(server.requests() <= 15 + 4);
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
