#pragma once

// Runs programs as their users do.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "files.hpp"

/// How a program ended, and what it printed.
struct Ending {
  int code = -1;   ///< exit code, or -1
  int signal = 0;  ///< that killed it, or 0
  std::string out;
  std::string err;
};

/// A program that runs in a process of its own.
class Process {
 public:
  using Words = std::vector<std::string>;

  /// \param in_child is called in the new process before the program starts.
  explicit Process(const Words& command, const std::function<void()>& in_child = {}) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const std::string out = (folder_ / "out").string();
    const std::string err = (folder_ / "err").string();
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    id_ = fork();
    REQUIRE(id_ >= 0);
    if (id_ > 0) {
      // The pipe ends when the program begins: until then, signal handlers are those of the tests.
      close(ends[1]);
      char nothing;
      while (read(ends[0], &nothing, 1) < 0 && errno == EINTR) continue;
      close(ends[0]);
      return;
    }
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(open(out.c_str(), flags, 0600), STDOUT_FILENO);
    dup2(open(err.c_str(), flags, 0600), STDERR_FILENO);
    if (in_child) in_child();
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (id_ <= 0) return;
    kill(id_, SIGKILL);
    wait();
  }

  void send(int signal) { kill(id_, signal); }

  /// What it has printed so far.
  std::string out() const { return read_bytes(folder_ / "out"); }

  /// Waits until the program handles this signal itself, or has ended.
  void await_handler(int signal) const {
    const std::string status = "/proc/" + std::to_string(id_) + "/status";
    const std::string name = "SigCgt:";
    while (!has_ended()) {
      const std::string text = read_bytes(status);
      const std::size_t found = text.find(name);
      const std::string mask = found == text.npos ? "0" : text.substr(found + name.size(), 17);
      if ((std::stoull(mask, nullptr, 16) >> (signal - 1) & 1) != 0) return;
    }
  }

  bool has_ended() const {
    siginfo_t end{};
    waitid(P_PID, static_cast<id_t>(id_), &end, WEXITED | WNOHANG | WNOWAIT);
    return end.si_pid != 0;
  }

  Ending wait() {
    int status = 0;
    waitpid(id_, &status, 0);
    id_ = 0;
    Ending ending;
    if (WIFEXITED(status)) ending.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) ending.signal = WTERMSIG(status);
    ending.out = read_bytes(folder_ / "out");
    ending.err = read_bytes(folder_ / "err");
    return ending;
  }

 private:
  TemporaryFolder folder_;
  pid_t id_ = 0;
};

/// Runs a program to its end.
inline Ending run(const Process::Words& command, const std::function<void()>& in_child = {}) {
  return Process(command, in_child).wait();
}

/// For `in_child`: lets writing more than so many bytes to any file fail, as on a full disk.
inline std::function<void()> limit_file_size(rlim_t bytes) {
  return [=] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
  };
}

/// For `in_child`: takes the right to write into anything away from root.
inline void become_nobody() {
  constexpr uid_t nobody = 65534;
  if (geteuid() == 0 && (setgid(nobody) != 0 || setuid(nobody) != 0)) _exit(126);
}

/// Whether a program can be run like that at all, which depends on where it is.
inline bool can_be_run_by_nobody(const std::string& program) {
  if (run({program, "--help"}, become_nobody).code == 0) return true;
  WARN("not run without the rights of root: " << program);
  return false;
}

/// While it lives, only root may write into a folder.
class ReadOnlyFolder {
 public:
  explicit ReadOnlyFolder(std::filesystem::path path) : path_(std::move(path)) {
    std::filesystem::permissions(path_, std::filesystem::perms(0555));
  }
  ReadOnlyFolder(const ReadOnlyFolder&) = delete;
  ReadOnlyFolder& operator=(const ReadOnlyFolder&) = delete;
  ~ReadOnlyFolder() { std::filesystem::permissions(path_, std::filesystem::perms(0755)); }

 private:
  std::filesystem::path path_;
};
