// SPDX-License-Identifier: Apache-2.0
#include "runtime/launch.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hull::runtime {
namespace {

// CLONE_VFORK holds the helper up until the new process is gone: whatever that says comes before the helper's word.
TEST(Launch, AProcessMaySpeakBeforeTheHelperThatClonedIt) {
  Launch what;
  what.flags = CLONE_VFORK;
  what.prepare = [](Progress&) {};
  what.body = [](linux::Handshake& channel, Progress&) {
    tell(channel, Tell::kReady);
    ::_exit(0);
  };
  Launched launched = launch(what);
  EXPECT_GT(launched.child.pid(), 0);
  EXPECT_GE(launched.child.pidfd(), 0);
  EXPECT_FALSE(await_program(launched, {}, {}, Phase::kInit)) << "it is ready, and no program has been executed";
}

TEST(Launch, WhatAHelperCannotDoIsAFailure) {
  Launch what;
  what.prepare = [](Progress&) { fail_invalid("not there"); };
  what.body = [](linux::Handshake&, Progress&) { ::_exit(0); };
  try {
    launch(what);
    FAIL();
  } catch (const StartError& e) {
    EXPECT_NE(std::string_view(e.what()).find("not there"), std::string_view::npos) << e.what();
  }
}

}  // namespace
}  // namespace hull::runtime
