// SPDX-License-Identifier: Apache-2.0
#include "runtime/launch.h"

#include <sched.h>

#include "base/wire.h"

namespace hull::runtime {

namespace {

// The boundary of the new process: nothing is thrown past it.
template <class Work>
[[noreturn]] void run_reporting(const linux::Handshake& channel, Phase phase, Work work) noexcept {
  Progress progress;
  progress.who = phase == Phase::kExec ? "exec-process" : "init";
  Failure failure;
  try {
    work(progress);
    ::_exit(0);
  } catch (const StartError& e) {
    failure = e.failure();
  } catch (const Error& e) {
    failure = make_failure(e, progress, phase);
  } catch (const std::exception& e) {
    failure = make_failure(Error(Kind::kInternal, e.what()), progress, phase);
  }
  try {
    tell(channel, Tell::kFailure, wire::encode(failure));
  } catch (const std::exception&) {
    // Nobody is listening any more.
  }
  ::_exit(1);
}

[[noreturn]] void run_body(const Launch& what, linux::Handshake& channel) {
  run_reporting(channel, what.phase, [&](Progress& progress) { what.body(channel, progress); });
}

// In the helper. The descriptor table is the parent's (CLONE_FILES), so the pidfd is the parent's as well.
void clone_sibling(const Launch& what, const linux::Handshake& answer, linux::Handshake& channel, Progress& progress) {
  what.prepare(progress);
  progress.at(Step::kClone);
  UniqueFd pidfd;
  pid_t pid = linux::clone_process(what.flags | CLONE_PARENT, what.cgroup, pidfd);
  if (pid == 0) run_body(what, channel);
  tell(answer, Tell::kCloned, cat(pid, " ", pidfd.release()));
}

[[noreturn]] void throw_failure(std::string_view encoded) { throw StartError(wire::decode<Failure>(encoded)); }

[[noreturn]] void throw_died(Phase phase, Step step) {
  Error error(Kind::kInternal, "the process was killed while it was being set up (is its memory limit too low?)");
  Progress progress;
  progress.step = step;
  throw StartError(make_failure(error, progress, phase));
}

Launched launch_by_helper(const Launch& what) {
  auto [ours, theirs] = linux::Handshake::make();
  // The helper has a channel of its own: the new process may have spoken before the helper gets to run again.
  auto [answer, helpers] = linux::Handshake::make();
  UniqueFd pidfd;
  pid_t pid = linux::clone_process(CLONE_FILES, -1, pidfd);
  if (pid == 0)
    run_reporting(helpers, what.phase, [&](Progress& progress) { clone_sibling(what, helpers, theirs, progress); });
  linux::Child helper(pid, std::move(pidfd));
  helper.wait();
  theirs.close();
  helpers.close();
  auto message = answer.receive();
  if (!message) throw_died(what.phase, Step::kClone);
  if (message->kind == static_cast<char>(Tell::kFailure)) throw_failure(message->body);
  auto [number, descriptor] = split_once(message->body, ' ');
  linux::Child child(parse_number<pid_t>(number).value_or(-1),
                     UniqueFd(parse_number<int>(descriptor.value_or("")).value_or(-1)));
  return {std::move(child), std::move(ours), {}};
}

}  // namespace

Launched launch(const Launch& what) {
  if (what.prepare) return launch_by_helper(what);
  auto [ours, theirs] = linux::Handshake::make();
  UniqueFd pidfd;
  pid_t pid = linux::clone_process(what.flags, what.cgroup, pidfd);
  if (pid == 0) {
    ours.close();
    run_body(what, theirs);
  }
  return {linux::Child(pid, std::move(pidfd)), std::move(ours), {}};
}

bool await_program(Launched& launched, const Act& act, const SeccompReceiver& receiver, Phase phase) {
  while (auto message = launched.channel.receive()) {
    switch (auto kind = static_cast<Tell>(message->kind)) {
      case Tell::kConsole: launched.console = std::move(message->descriptor); break;
      case Tell::kDevices:
      case Tell::kHooks:
        act(kind);
        tell(launched.channel, Tell::kGo, cat(launched.child.pid()));
        break;
      case Tell::kReady: return false;
      case Tell::kListener:
        pass_on_listener(launched.child.pidfd(), message->body, receiver);
        tell(launched.channel, Tell::kGo);
        break;
      case Tell::kFailure: throw_failure(message->body);
      default: break;
    }
  }
  if (!linux::has_executed(launched.child.pid())) throw_died(phase, Step::kExec);
  return true;
}

std::string await_go(const linux::Handshake& channel) {
  auto message = channel.receive();
  if (!message || message->kind != static_cast<char>(Tell::kGo)) ::_exit(1);
  return message->body;
}

}  // namespace hull::runtime
