// Loops over tiles, and what a process knows of its threads and its memory.

#include <filesystem>
#include <fstream>
#include <lae/core/fit_control.hpp>
#include <lae/core/threads.hpp>
#include <lae/detail/core/parallel.hpp>
#include <stdexcept>
#include <string>
#include <vector>
#if __has_include(<sys/wait.h>)
#include <sys/wait.h>
#include <unistd.h>
#define LAE_TEST_FORKS
#endif

#include "catch.hpp"
#include "threads.hpp"

using lae::Index;

TEST_CASE("Exceptions leave a parallel loop once, and every index is visited", "[parallel]") {
  std::vector<int> visits(1000, 0);
  lae::detail::parallel_for(1000, [&](Index i) { ++visits[static_cast<std::size_t>(i)]; });
  CHECK(visits == std::vector<int>(1000, 1));
  CHECK_THROWS_WITH(lae::detail::parallel_for(1000,
                                              [](Index i) {
                                                if (i == 700) throw std::runtime_error("at 700");
                                              }),
                    "at 700");
  Index covered = 0;
  lae::detail::parallel_tiles(103, 1000, [&](Index first, Index length) {
    CHECK(first == 0);
    covered = length;
  });
  CHECK(covered == 103);
  lae::detail::parallel_for(0, [](Index) { FAIL("nothing to do"); });
}

#ifdef LAE_TEST_FORKS
TEST_CASE("A forked process runs on one thread instead of waiting for ever", "[parallel][fork]") {
  with_threads(2, [] {
    lae::detail::parallel_for(8, [](Index) {});  // the parent has threads now
    return 0;
  });
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);
    std::vector<int> visits(100, 0);
    lae::detail::parallel_for(100, [&](Index i) { ++visits[static_cast<std::size_t>(i)]; });
    _exit(lae::thread_count() == 1 && visits == std::vector<int>(100, 1) ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
#endif

TEST_CASE("The memory of a container is what its control groups allow", "[memory]") {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / "lae-control-groups";
  const auto write = [&](const std::string& path, const std::string& text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text << "\n";
  };
  const auto limit = [&] { return lae::detail::control_group_memory(root.string()); };
  fs::remove_all(root);
  CHECK(limit() == lae::detail::unlimited);

  // Version 2: the least of a group and of those around it.
  write("proc/self/cgroup", "0::/shop/fit");
  write("sys/fs/cgroup/memory.max", "max");
  write("sys/fs/cgroup/shop/memory.max", "3000000");
  write("sys/fs/cgroup/shop/fit/memory.max", "max");
  CHECK(limit() == 3000000);
  write("sys/fs/cgroup/shop/fit/memory.max", "2000000");
  CHECK(limit() == 2000000);

  // A container sees its own group as the root, but is told the host's path.
  write("proc/self/cgroup", "0::/docker/0123abcd");
  write("sys/fs/cgroup/memory.max", "5000000");
  CHECK(limit() == 5000000);

  // Version 1.
  fs::remove_all(root);
  write("proc/self/cgroup", "12:cpu,cpuacct:/shop\n7:memory:/shop\n1:name=systemd:/");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  write("sys/fs/cgroup/memory/shop/memory.limit_in_bytes", "4000000");
  CHECK(limit() == 4000000);
  fs::remove_all(root);

  CHECK(lae::machine_memory() > 0);
  CHECK(lae::FitControl().memory_budget == lae::machine_memory());
}
