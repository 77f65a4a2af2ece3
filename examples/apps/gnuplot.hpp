#pragma once

/// \file
/// Plots as PNG, by gnuplot if it is there.

#include <fmt/format.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command_line.hpp"

namespace example {

/// A table of numbers, one column a series; gnuplot reads it from a file.
struct PlotData {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;

  std::string text() const {
    std::string lines;
    const auto add = [&](const std::vector<std::string>& cells) {
      for (std::size_t i = 0; i < cells.size(); ++i) {
        lines += (i == 0 ? "" : "\t") + cells[i];
      }
      lines += "\n";
    };
    add(columns);
    for (const auto& row : rows) add(row);
    return lines;
  }
};

/// Writes plots into a folder: NAME.tsv with the numbers, NAME.gp with what gnuplot is to do, and
/// NAME.png, if there is a gnuplot.
class Plots {
 public:
  explicit Plots(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
  }

  /// \param commands for gnuplot, where `data` is the name of the file of numbers.
  /// \return why there is no picture; nothing, if there is one.
  std::string draw(const std::string& name, const PlotData& data, const std::string& commands,
                   int width, int height) const {
    write_text(folder_ / (name + ".tsv"), data.text());
    write_text(folder_ / (name + ".gp"),
               fmt::format("set terminal pngcairo size {},{} font 'sans,11' noenhanced\n"
                           "if (!exists('picture')) picture = '{}.png'\n"
                           "set output picture\n"
                           "set datafile separator tab\n"
                           "set key noenhanced\n"
                           "data = '{}.tsv'\n{}",
                           width, height, name, name, commands));
    lae::AtomicReplacement picture(folder_ / (name + ".png"));
    const int code = run_gnuplot(name + ".gp", picture.partial().filename().string());
    if (code == not_found) return "there was no gnuplot";
    if (code != 0 || !is_whole(picture.partial())) return "gnuplot failed";
    picture.commit();
    return "";
  }

 private:
  /// Whether a PNG has its end: gnuplot does not notice that a disk is full.
  static bool is_whole(const std::filesystem::path& path) {
    constexpr std::string_view end("IEND\xae\x42\x60\x82", 8);
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::string last(end.size(), '\0');
    file.seekg(-static_cast<std::streamoff>(last.size()), std::ios::end);
    file.read(last.data(), static_cast<std::streamsize>(last.size()));
    return file && last == end;
  }

  /// Not what gnuplot, a shell or a loader of programs ends with.
  static constexpr int not_found = 100;

  /// \return the exit code: 0 if all is well, not_found if there is no gnuplot.
  int run_gnuplot(const std::string& script, const std::string& picture) const {
    const std::string output = "picture='" + picture + "'";
    const pid_t id = fork();
    if (id < 0) return 127;
    if (id == 0) {
#if defined(__linux__)
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // else it might write when nobody owns the file any more
#endif
      if (chdir(folder_.c_str()) != 0) _exit(127);
      execlp("gnuplot", "gnuplot", "-e", output.c_str(), script.c_str(),
             static_cast<char*>(nullptr));
      _exit(errno == ENOENT ? not_found : 127);
    }
    int status = 0;
    waitpid(id, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
  }

  std::filesystem::path folder_;
};

}  // namespace example
