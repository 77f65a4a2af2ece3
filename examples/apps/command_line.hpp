#pragma once

/// \file
/// What all example programs do alike: exit codes, one line on stderr for whatever goes wrong, and
/// text files written as a whole or not at all.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "lae/core/progress.hpp"
#include "lae/io/file.hpp"
#include "lae/io/partial_name.hpp"
#include "terminal.hpp"

namespace example {

enum ExitCode { success = 0, failure = 1, wrong_usage = 2, interrupted = 130 };

inline constexpr const char* exit_codes_text =
    "Exit codes: 0 done, 1 bad data or failure, 2 wrong usage, 130 interrupted (Ctrl-C, SIGTERM).";

/// Options that are well-formed, but cannot work.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {

inline std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Where memory ends in a place that cannot throw, such as a destructor of another library or a
/// parallel loop, the program ends all the same as it does elsewhere. Files are whole; what was
/// begun beside them is removed by the next program.
class EndWithoutMemory {
 public:
  EndWithoutMemory() : otherwise_(std::set_terminate(&end)) {}

 private:
  static void end() noexcept;
  std::terminate_handler otherwise_;
};
inline const EndWithoutMemory end_without_memory;

inline void EndWithoutMemory::end() noexcept {
  try {
    if (const auto error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    std::fputs("not enough memory\n", stderr);
    std::_Exit(failure);
  } catch (...) {
    // A mistake of the program's.
  }
  end_without_memory.otherwise_();
  std::abort();
}

}  // namespace detail

/// Parses the arguments and runs the program, which Ctrl-C interrupts where it checks for that.
/// \return the exit code; what goes wrong is one line on stderr. That is also said of a standard
/// output that nobody reads, or that cannot hold what was written to it.
inline int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& program) {
  const auto complain = [&](std::string_view message) {
    // Not by fmt::print, which throws if there is no stderr.
    std::fputs(fmt::format("{}: {}\n", app.get_name(), printable(message)).c_str(), stderr);
  };
  const auto complain_of_output = [&](std::string_view reason) {
    complain(fmt::format("standard output: cannot be written: {}", reason));
    return failure;
  };
  try {
    app.parse(argc, argv);
    const Interruption interruption;
    std::signal(SIGPIPE, SIG_IGN);  // a write fails instead, and all is cleared up
    program();
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return success;
    return complain_of_output(std::generic_category().message(errno));
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    complain(fmt::format("{} (see --help)", error.what()));
    return wrong_usage;
  } catch (const UsageError& error) {
    complain(error.what());
    return wrong_usage;
  } catch (const lae::Cancelled&) {
    complain("interrupted");
    return interrupted;
  } catch (const std::bad_alloc&) {
    complain("not enough memory");
    return failure;
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) != 0) return complain_of_output(error.code().message());
    if (error.code() == std::errc::resource_unavailable_try_again) {
      complain("no thread can be started: not enough memory, or too many processes");
      return failure;
    }
    complain(error.what());
    return failure;
  } catch (const std::exception& error) {
    complain(error.what());
    return failure;
  }
}

/// Ids separated by commas, as in a line of CSV: one with a comma in it stands in double quotes, in
/// which two of them are one. What is not quoted so is taken as it is.
inline std::vector<std::string> split_ids(std::string_view text) {
  std::vector<std::string> ids;
  while (!text.empty()) {
    std::string id;
    std::size_t end = text.npos;  // of the quoted id, behind the closing quote
    if (text.front() == '"') {
      for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"' && text.substr(i + 1, 1) == "\"")
          ++i;
        else if (text[i] == '"') {
          if (i + 1 == text.size() || text[i + 1] == ',') end = i + 1;
          break;
        }
        id += text[i];
      }
    }
    if (end == text.npos) {
      end = std::min(text.find(','), text.size());
      id = text.substr(0, end);
    }
    if (!id.empty()) ids.push_back(std::move(id));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return ids;
}

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Removes what killed writers of a file left beside it, where it may not be written again.
inline void clear_up_beside(const std::filesystem::path& path) {
  std::error_code ignored;
  const lae::PartialName name(path, ignored);
}

/// \throws lae::FileError; an existing file is then as it was.
inline void write_text(const std::filesystem::path& path, std::string_view text) {
  lae::AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

/// JSON as text; what is not UTF-8 in it is replaced.
inline std::string to_text(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// One object a line, for files of JSON lines.
inline std::string to_line(const nlohmann::ordered_json& json) {
  return to_text(json, -1);
}

/// \throws lae::FileError as write_text.
inline void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& json) {
  write_text(path, to_text(json, 2));
}

}  // namespace example
