// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "base/error.h"
#include "base/file.h"

namespace hull {
namespace {

// The variable is looked at once in a process: each case has one of its own, whose wait status it gives.
int in_child(const std::string& directory, const std::function<int()>& work) {
  pid_t pid = ::fork();
  if (pid == 0) {
    if (!directory.empty()) ::setenv("HULL_FAULTS", directory.c_str(), 1);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

struct FaultTest : testing::Test {
  FaultTest() {
    std::string pattern = testing::TempDir() + "hull-fault-XXXXXX";
    directory = ::mkdtemp(pattern.data());
  }
  ~FaultTest() override { std::filesystem::remove_all(directory); }
  void order(const std::string& place, const std::string& what) const {
    write_file_atomically(cat(directory, "/", place), what, 0600, Durability::kProcessCrash);
  }
  std::string directory;
};

TEST_F(FaultTest, NothingHappensWithoutTheVariable) {
  order("here", "kill");
  EXPECT_EQ(in_child("", [] { return fault::point("here"), fault::environment_entry() ? 1 : 0; }), 0);
  EXPECT_TRUE(exists(directory + "/here"));
}

TEST_F(FaultTest, AnOrderIsTakenOnce) {
  order("here", "fail ENOSPC");
  int status = in_child(directory, [] {
    int code = 0;
    try {
      fault::point("here");
    } catch (const Error& e) {
      code = e.code();
    }
    fault::point("here");
    return code;
  });
  EXPECT_EQ(WEXITSTATUS(status), ENOSPC);
  EXPECT_FALSE(exists(directory + "/here"));
}

TEST_F(FaultTest, TheThirdThatComesByIsKilled) {
  order("verb.step", "kill 3");
  int status = in_child(directory, [] {
    fault::point("verb.step");
    fault::point("verb", "step");
    fault::point("verb", "other");
    fault::point("verb", "step");
    return 0;
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST_F(FaultTest, PlacesAreNotedInTheirOrder) {
  order("passed", "");
  in_child(directory, [] { return fault::point("one"), fault::point("two"), 0; });
  EXPECT_EQ(read_file(directory + "/passed"), "one\ntwo\n");
}

}  // namespace
}  // namespace hull
