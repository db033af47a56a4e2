// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreign_failure.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace hull::runtime {
namespace {

TEST(LastForeignMessage, IsTheTextOfTheLastError) {
  EXPECT_EQ(last_foreign_message(R"({"level":"error","msg":"first","time":"t"}
{"level":"error","msg":"exec: \"x\": not\there\n","time":"t"}
{"level":"debug","msg":"after that","time":"t"}
)"),
            R"(exec: "x": not here)");
  EXPECT_EQ(last_foreign_message(R"({ "msg" : 1 })"), "");
  EXPECT_EQ(last_foreign_message(R"({"time": "t", "msg": "with a blank"})"), "with a blank");
  EXPECT_EQ(last_foreign_message("usage: no-runtime"), "");
}

TEST(ForeignFailure, CommandsThatCannotRunAreKnownByTheWordsOfEveryRuntime) {
  const struct {
    const char* text;
    int code;
    const char* end;
  } cases[] = {
      {R"(unable to start container process: exec: "x": executable file not found in $PATH)", ENOENT,
       "executable file not found in $PATH: unknown"},
      {"executable file `x` not found in $PATH: No such file or directory", ENOENT,
       "$PATH: no such file or directory: unknown"},
      {"open executable: Permission denied", EACCES, "open executable: permission denied: unknown"},
      {R"(exec: "/etc": is a directory)", EISDIR, "is a directory: permission denied: unknown"},
      {"mount `/a` to `b`: Not a directory", ENOTDIR, "not a directory: unknown"},
  };
  for (const auto& one : cases) {
    Failure failure = foreign_failure("create", one.text);
    EXPECT_EQ(failure.code, one.code) << one.text;
    EXPECT_EQ(failure.step, Step::kExec);
    EXPECT_TRUE(failure.message.starts_with("OCI runtime create failed: ")) << failure.message;
    EXPECT_TRUE(failure.message.ends_with(one.end)) << failure.message;
  }
}

TEST(ForeignFailure, EverythingElseIsNotTheUsers) {
  Failure failure = foreign_failure("start", "out of luck");
  EXPECT_EQ(failure.code, 0);
  EXPECT_NE(failure.step, Step::kExec);
  EXPECT_EQ(failure.message, "OCI runtime start failed: out of luck: unknown");
}

}  // namespace
}  // namespace hull::runtime
