// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/verbs.h"

// `hull system dial-stdio`: the engine's socket at standard input and output, for the other end of an SSH connection.
namespace hull::cli::system {
namespace {

constexpr std::size_t kPiece = 64 << 10;

// One direction, to its end.
void copy(int from, int to) {
  std::vector<char> buffer(kPiece);
  for (;;) {
    ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    write_all(to, {buffer.data(), static_cast<std::size_t>(got)});
  }
}

void send_input(int engine) {
  try {
    copy(STDIN_FILENO, engine);
  } catch (const Error&) {
    return;  // the engine hung up: the other direction shows what it said
  }
  ::shutdown(engine, SHUT_WR);  // the answer may still be on its way
}

}  // namespace

int dial_stdio(Invocation& call) {
  UniqueFd engine = call.client().connect();
  // Both directions at once: either side may be slow. The end of the answer is the end of the command.
  std::thread(send_input, engine.get()).detach();
  copy(engine.get(), STDOUT_FILENO);
  ::fflush(nullptr);
  ::_exit(0);
}

}  // namespace hull::cli::system
