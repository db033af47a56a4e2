// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/log.h"
#include "linux/own_process.h"
#include "shim/deflate.h"
#include "shim/supervisor.h"

// The supervisor of one container. Started by the engine (shim/launcher.cpp) with its connection as descriptor 3.
namespace {

constexpr int kEngineSocket = 3;
constexpr int kProtectedOomScore = -999;
constexpr int kDisarmed[] = {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};

// A shim that dies takes its container along: it is to be the last that the kernel chooses when memory is short. Gives
// back the score to be handed to containers, when that is not what they inherit.
std::optional<int> protect_from_oom() {
  int inherited = hull::linux::oom_score_adjustment();
  if (!hull::linux::set_oom_score_adjustment(kProtectedOomScore)) return std::nullopt;
  return inherited;
}

// Small and steady rather than fast: what is freed goes back to the system.
void tune_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 32 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 10);
  ::mallopt(M_TOP_PAD, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::puts("hull-shim " HULL_VERSION);
    return 0;
  }
  try {
    if (argc == 2 && std::strcmp(argv[1], "compress") == 0) {  // of itself, for a log
      hull::shim::compress_log(STDIN_FILENO, STDOUT_FILENO);
      return 0;
    }
    tune_memory();
    hull::linux::set_own_name("hull-shim");  // it is executed by a descriptor's number
    hull::linux::start_session();
    hull::linux::disarm_signals(kDisarmed);
    hull::linux::close_descriptors_from(kEngineSocket + 1);
    hull::linux::become_subreaper();
    if (::chdir("/") < 0) hull::throw_errno("chdir", "/");
    hull::UniqueFd engine(kEngineSocket);
    if (::fcntl(kEngineSocket, F_SETFD, FD_CLOEXEC) < 0) {
      hull::fail_invalid("hull-shim is started by hulld, with a connection to it as descriptor 3");
    }
    return hull::shim::Supervisor(std::move(engine), protect_from_oom()).run();
  } catch (const std::exception& e) {
    hull::log::error(e.what());
    return 1;
  }
}
