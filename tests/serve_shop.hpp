#pragma once

// A small shop for tests of `serve`: a model file, a data-set folder, and the program that serves
// them.

#include <chrono>
#include <filesystem>
#include <lae/io/model_file.hpp>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "process.hpp"

/// Six items and seven users, of whom the last has no history. Tea and teapot go together, and
/// coffee and its mill.
class ServeShop {
 public:
  ServeShop() : train(7, 6), embeddings(6, 3) {
    const Eigen::MatrixXf bought{{1, 1, 0, 0, 1, 0}, {1, 1, 0, 0, 0, 1}, {0, 0, 1, 1, 1, 0},
                                 {0, 0, 1, 1, 0, 0}, {1, 0, 1, 0, 1, 1}, {0, 0, 1, 0, 1, 0},
                                 {0, 0, 0, 0, 0, 0}};
    train = bought.sparseView();
    embeddings << 2, 0, 0, 3, 1, 0, 0, 5, 1, 0, 2, 0, 1, 1, 0, 0, 0, 0;
    lae::save_npz(folder / "train.npz", train);
    lae::save_npy(folder / "embeddings.npy", embeddings);
    std::string users;
    for (int user = 0; user < 7; ++user) users += "u" + std::to_string(user) + "\n";
    write_bytes(folder / "users.txt", users);
    std::string items;
    for (const std::string& id : ids) {
      items += R"({"id": ")" + id + R"(", "title": "A )" + id + " of <b>old</b> make\"}\n";
    }
    write_bytes(folder / "items.jsonl", items);
    save("model.lae", 0.5F);
  }

  lae::ItemModel<float> fit(float lambda) const { return lae::Ease<float>({lambda}).fit(train); }

  void save(const std::string& name, float lambda) const {
    lae::save_model(folder / name, fit(lambda),
                    {ids, "ease", {{"lambda", std::to_string(lambda)}}});
  }

  std::filesystem::path data() const { return folder / ""; }

  TemporaryFolder folder;
  std::vector<std::string> ids{"tea", "teapot", "coffee", "coffee mill", "milk", "rum"};
  lae::Csr<float> train;
  lae::Matrix<float> embeddings;
};

/// The program, serving at a port of its own.
class ServeProgram {
 public:
  explicit ServeProgram(const ServeShop& shop, std::vector<std::string> more = {})
      : process_(command(shop, std::move(more))) {
    const std::string before = "127.0.0.1:";
    for (;;) {
      const std::string out = process_.out();
      const std::size_t found = out.find(before);
      if (found != out.npos && out.back() == '\n') {
        port_ = std::stoi(out.substr(found + before.size()));
        return;
      }
      REQUIRE(!process_.has_ended());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  int port() const { return port_; }
  Process& process() { return process_; }

 private:
  static Process::Words command(const ServeShop& shop, std::vector<std::string> more) {
    Process::Words words{LAE_SERVE, (shop.folder / "model.lae").string(),
                         "--port",  "0",
                         "--data",  shop.data().string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  Process process_;
  int port_ = 0;
};
