#pragma once

// Runs programs as their users do.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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
  /// \param terminal what the program shall have for stderr, instead of the file that `wait` reads.
  explicit Process(const Words& command, const std::function<void()>& in_child = {},
                   int terminal = -1) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const std::string out = (folder_ / "out").string();
    const std::string err = (folder_ / "err").string();
    id_ = fork();
    REQUIRE(id_ >= 0);
    if (id_ > 0) return;
    if (in_child) in_child();
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(open(out.c_str(), flags, 0600), STDOUT_FILENO);
    const int file = open(err.c_str(), flags, 0600);
    dup2(terminal < 0 ? file : terminal, STDERR_FILENO);
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
