// SPDX-License-Identifier: Apache-2.0
#include "build/step_history.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace hull::build {
namespace {

StepKey key_of(std::string_view below, const std::vector<std::string>& variables, const std::string& files,
               std::string listing) {
  StepKey key("test");
  key.add(kLayersBelow, below).add(kVariables, variables);
  if (!files.empty()) key.add_files(files, [listing = std::move(listing)] { return listing; });
  return key;
}

class StepHistoryTest : public testing::Test {
 protected:
  // The reason for a step in a second build, after a first one with `before`.
  std::string why(StepKey before, StepKey after, const std::string& instruction_after = "RUN x") {
    {
      StepHistory first(root_.path(), "project");
      first.keep_listings(before);
      first.note({"stage-0", 2, "[2/2] RUN x", "RUN x", before.digest(), before.parts()});
      first.save(true);
    }
    StepHistory second(root_.path(), "project");
    second.keep_listings(after);
    return second.why({"stage-0", 2, "[2/2] RUN x", instruction_after, after.digest(), after.parts()}, "[1/2] FROM b");
  }
  TempDir root_;
};

TEST_F(StepHistoryTest, NothingIsKnownOfTheFirstBuild) {
  StepHistory history(root_.path(), "project");
  EXPECT_EQ(history.why({"a", 1, "", "RUN x", "k", {}}, ""),
            "no earlier build of this context and Dockerfile is known");
}

TEST_F(StepHistoryTest, VariablesAndLayersAreNamed) {
  EXPECT_EQ(why(key_of("l", {"A=1", "B=2"}, "", ""), key_of("l", {"A=1", "B=3", "C="}, "", "")),
            "B was \"2\" and is \"3\", C is new");
  EXPECT_EQ(why(key_of("l", {}, "", ""), key_of("m", {}, "", "")), "it stands on another result of [1/2] FROM b");
  EXPECT_EQ(why(key_of("l", {}, "", ""), key_of("l", {}, "", "")), "its result is not in the cache any more");
  EXPECT_EQ(why(key_of("l", {}, "", ""), key_of("l", {}, "", ""), "RUN y"),
            "the instruction changed: it was \"RUN x\"");
}

TEST_F(StepHistoryTest, FilesAreNamed) {
  std::string before =
      "a\x1f"
      "100644 0:0 11\nb\x1f"
      "100644 0:0 22\nc\x1f"
      "100644 0:0 33\n";
  std::string after =
      "a\x1f"
      "100755 0:0 11\nb\x1f"
      "100644 0:0 23\nd\x1f"
      "100644 0:0 33\n";
  EXPECT_EQ(why(key_of("l", {}, "sha256:1", before), key_of("l", {}, "sha256:2", after)),
            "the mode of a changed, b changed, d is new and 1 more");
}

TEST_F(StepHistoryTest, ABuildThatFailsLeavesWhatItDidNotReach) {
  StepKey key = key_of("l", {}, "", "");
  StepHistory first(root_.path(), "project");
  first.note({"s", 1, "one", "RUN one", "k1", {}});
  first.note({"s", 2, "two", "RUN two", "k2", {}});
  first.save(true);
  StepHistory second(root_.path(), "project");
  second.note({"s", 1, "one", "RUN one", "k1", {}});
  second.save(false);
  StepHistory third(root_.path(), "project");
  EXPECT_EQ(third.why({"s", 2, "two", "RUN two", "k2", {}}, ""), "its result is not in the cache any more");
}

}  // namespace
}  // namespace hull::build
