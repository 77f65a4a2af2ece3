// Serves a model file over HTTP: `serve --help`.

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>
// A macro of <resolv.h>, which httplib.h includes. Eigen has variables of that name.
#undef _res

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <lae/core/errors.hpp>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "serve_page.hpp"
#include "serve_service.hpp"
#include "terminal.hpp"

namespace example {
namespace {

namespace fs = std::filesystem;

struct Settings {
  fs::path model;
  std::optional<fs::path> compare;
  fs::path data;
  std::string host = "127.0.0.1";
  int port = 8080;
  std::size_t connections = 64;
  std::size_t waiting = 256;
  std::size_t max_body = 256;
  int timeout = 5;
};

void add_options(CLI::App& app, Settings& settings) {
  app.add_option("MODEL", settings.model, "a model file, such as recommend --save writes")
      ->required()
      ->option_text("FILE");
  app.add_option("--compare", settings.compare,
                 "another model of the same items, to look at beside the first")
      ->option_text("FILE");
  app.add_option("--data", settings.data,
                 "a data-set folder: titles from items.jsonl, users' histories from train.npz and\n"
                 "users.txt, and embeddings.npy for diverse lists, as far as they are there")
      ->option_text("DIR")
      ->check(CLI::ExistingDirectory);
  const std::string network = "Network";
  app.add_option("--host", settings.host,
                 "address to listen at; default: 127.0.0.1, this machine alone")
      ->option_text("ADDRESS")
      ->group(network);
  app.add_option("--port", settings.port, "default: 8080; 0: any that is free")
      ->option_text("PORT")
      ->check(CLI::Range(0, 65535).description(""))
      ->group(network);
  app.add_option("--connections", settings.connections,
                 "served at once, a thread each; default: 64")
      ->option_text("N")
      ->check(CLI::Range(1, 10000).description(""))
      ->group(network);
  app.add_option("--waiting", settings.waiting,
                 "connections that may wait for their turn; further ones get a 503; default: 256")
      ->option_text("N")
      ->check(CLI::Range(0, 100000).description(""))
      ->group(network);
  app.add_option("--max-body", settings.max_body, "kilobytes of a request's body; default: 256")
      ->option_text("KB")
      ->check(CLI::Range(1, 1000000).description(""))
      ->group(network);
  app.add_option("--timeout", settings.timeout,
                 "seconds to wait for a client that neither reads nor writes; default: 5")
      ->option_text("SECONDS")
      ->check(CLI::Range(1, 3600).description(""))
      ->group(network);
}

/// Connections that are served, a thread each, and those that wait for one. What is beyond goes to
/// one more thread, on which `is_refusing` says that every request is to be refused.
class ConnectionQueue final : public httplib::TaskQueue {
 public:
  ConnectionQueue(std::size_t threads, std::size_t waiting) : most_(threads + waiting) {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { work(served_); });
    }
    threads_.emplace_back([this] {
      is_refusing_ = true;
      work(refused_);
    });
  }

  void enqueue(std::function<void()> connection) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool has_place = served_.busy + served_.connections.size() < most_;
    Line& line = has_place ? served_ : refused_;
    line.connections.push_back(std::move(connection));
    line.changed.notify_one();
  }

  void shutdown() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_ending_ = true;
    }
    for (Line* line : {&served_, &refused_}) line->changed.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  static bool is_refusing() { return is_refusing_; }

 private:
  struct Line {
    std::deque<std::function<void()>> connections;
    std::condition_variable changed;
    std::size_t busy = 0;  ///< threads that have a connection
  };

  void work(Line& line) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      line.changed.wait(lock, [&] { return is_ending_ || !line.connections.empty(); });
      if (line.connections.empty()) return;
      const std::function<void()> serve = std::move(line.connections.front());
      line.connections.pop_front();
      ++line.busy;
      lock.unlock();
      serve();
      lock.lock();
      --line.busy;
    }
  }

  static inline thread_local bool is_refusing_ = false;

  std::size_t most_;  ///< connections, served and waiting
  std::mutex mutex_;  ///< of the lines
  Line served_;
  Line refused_;
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

bool is_loopback(const std::string& address) {
  return address.compare(0, 4, "127.") == 0 || address == "::1" ||
         address.compare(0, 11, "::ffff:127.") == 0;
}

/// Why httplib answers a request by itself.
std::string reason_of(int status) {
  switch (status) {
    case 404:
      return "there is nothing here";
    case 408:
      return "the request took too long to arrive";
    case 413:
      return "the body is too long (see --max-body)";
    case 414:
      return "the address is too long";
    case 415:
      return "a body is JSON, not a form";
    case 503:
      return "too many connections (see --connections)";
    default:
      return "this is not a request that can be answered";
  }
}

/// Sockets before a Service.
class HttpServer {
 public:
  HttpServer(const Settings& settings, Service& service) : settings_(settings), service_(service) {
    server_.new_task_queue = [&settings]() -> httplib::TaskQueue* {
      return new ConnectionQueue(settings.connections, settings.waiting);
    };
    server_.set_tcp_nodelay(true);
    server_.set_read_timeout(settings.timeout);
    server_.set_write_timeout(settings.timeout);
    server_.set_payload_max_length(settings.max_body * 1024);
    server_.set_keep_alive_timeout(std::min(settings.timeout, 2));  // what a shutdown waits for
    server_.set_keep_alive_max_count(100000);
    server_.set_default_headers(
        {{"X-Content-Type-Options", "nosniff"},
         {"Content-Security-Policy",
          "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
          "connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"}});
    // Not SO_REUSEPORT, httplib's choice, by which another server may take the same port.
    server_.set_socket_options([this](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
      listener_ = socket;
    });
    server_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          // Whoever asks for a part of an answer gets all of it, as HTTP permits.
          const_cast<httplib::Request&>(request).ranges.clear();
          if (!ConnectionQueue::is_refusing()) return httplib::Server::HandlerResponse::Unhandled;
          refuse(503, response);
          response.set_header("Retry-After", "1");
          return httplib::Server::HandlerResponse::Handled;
        });
    server_.set_error_handler([this](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) refuse(response.status, response);
    });
    server_.set_exception_handler([this](const httplib::Request&, httplib::Response& response,
                                         std::exception_ptr) { refuse(500, response); });
    const char* const any = "[^]*";
    const auto without_body = [this](const auto& request, auto& response) {
      respond(request, "", response);
    };
    const auto with_body = [this](const auto& request, auto& response, const auto& reader) {
      if (const auto body = read_body(request, reader, response)) {
        respond(request, *body, response);
      }
    };
    server_.Get(any, without_body).Options(any, without_body);
    server_.Post(any, with_body).Put(any, with_body).Patch(any, with_body).Delete(any, with_body);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// \return the port. \throws std::runtime_error if the address cannot be listened at
  int bind() {
    const int port =
        settings_.port == 0
            ? server_.bind_to_any_port(settings_.host)
            : (server_.bind_to_port(settings_.host, settings_.port) ? settings_.port : -1);
    if (port < 0) {
      throw std::runtime_error(
          fmt::format("cannot listen at {}, port {}", printable(settings_.host), settings_.port));
    }
    // httplib lets five connections wait to be accepted, too few when many come at once.
    ::listen(listener_, SOMAXCONN);
    return port;
  }

  /// Serves until `stop`. \return whether it went as it should
  bool run() { return server_.listen_after_bind(); }

  bool is_running() const { return server_.is_running(); }

  /// What has begun is answered.
  void stop() { server_.stop(); }

 private:
  static void set(const ServiceAnswer& answer, httplib::Response& response) {
    response.status = answer.status;
    response.set_content(answer.body, answer.type.c_str());
    if (answer.type.compare(0, 9, "text/html") != 0) {
      response.set_header("Cache-Control", "no-store");
    }
  }

  void refuse(int status, httplib::Response& response) {
    set(service_.refuse(status, reason_of(status)), response);
  }

  void respond(const httplib::Request& request, std::string body, httplib::Response& response) {
    ServiceRequest of_service{
        request.method, request.path, {}, std::move(body), is_loopback(request.remote_addr)};
    of_service.query.insert(request.params.begin(), request.params.end());
    set(service_.answer(of_service), response);
  }

  /// Nothing if the body is refused: too long, a form, or not there in time.
  std::optional<std::string> read_body(const httplib::Request& request,
                                       const httplib::ContentReader& reader,
                                       httplib::Response& response) {
    if (request.is_multipart_form_data()) {
      refuse(415, response);
      return {};
    }
    const auto start = std::chrono::steady_clock::now();
    int status = 400;
    std::string body;
    const bool is_whole = reader([&](const char* data, std::size_t size) {
      if (body.size() + size > settings_.max_body * 1024) status = 413;
      if (seconds_since(start) > settings_.timeout) status = 408;
      if (status != 400) return false;
      body.append(data, size);
      return true;
    });
    if (is_whole) return body;
    refuse(response.status == 413 ? 413 : status, response);
    return {};
  }

  const Settings& settings_;
  Service& service_;
  httplib::Server server_;
  socket_t listener_ = INVALID_SOCKET;
};

/// Runs the server until SIGINT or SIGTERM; SIGHUP opens the model files anew. These signals have
/// to be blocked in all threads.
void serve_until_signalled(const Settings& settings, Service& service, const sigset_t& signals) {
  HttpServer server(settings, service);
  const int port = server.bind();
  bool was_stopped = false;
  std::atomic<bool> has_ended{false};
  std::thread thread([&] {
    was_stopped = server.run();
    has_ended = true;
    kill(getpid(), SIGTERM);  // for when it ended by itself
  });
  const bool is_v6 = settings.host.find(':') != std::string::npos;
  fmt::print("serving {} items at http://{}{}{}:{}/\n", service.catalogue().items(),
             is_v6 ? "[" : "", printable(settings.host), is_v6 ? "]" : "", port);
  std::fflush(stdout);
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
    const std::string failures = service.reload();
    fmt::print("{}\n", failures.empty()
                           ? "reloaded"
                           : "not reloaded: " + printable(failures) + "; the old model serves");
    std::fflush(stdout);
  }
  while (!server.is_running() && !has_ended) std::this_thread::yield();
  server.stop();
  thread.join();
  if (!was_stopped) throw std::runtime_error("connections can no longer be accepted");
}

void serve(const Settings& settings) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  Service::ModelFiles files{{"model", settings.model}};
  if (settings.compare) files.emplace_back("compare", *settings.compare);
  Service service(files, settings.data, serve_page);
  serve_until_signalled(settings, service, signals);
}

}  // namespace
}  // namespace example

int main(int argc, char** argv) {
  example::Settings settings;
  CLI::App app(
      "Serves a model over HTTP: recommendations with reasons, similar items and a search, as "
      "JSON\n"
      "and on a page to explore them.\n\n"
      "  GET /                  the page\n"
      "  GET or POST /recommend user, items, k, reasons, exclude_seen, diversity, model, filters\n"
      "  GET or POST /similar   item, by (model or embeddings), k, model, filters\n"
      "  GET /items             q, k: items by their titles\n"
      "  GET /health /metrics   what is served; what was served, for Prometheus\n"
      "  POST /reload           opens the model files anew, as SIGHUP does\n\n"
      "Filters: allow, deny (ids), title (words), popularity, min_score, min_users, max_users.",
      "serve");
  app.footer(std::string("SIGINT and SIGTERM end it once what has begun is answered.\n") +
             "Exit codes: 0 ended by a signal, 1 bad files or failure, 2 wrong usage.");
  example::add_options(app, settings);
  return example::run_program(app, argc, argv, [&] { example::serve(settings); });
}
