// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "base/fault.h"
#include "base/log.h"
#include "base/wire.h"
#include "linux/notifier.h"
#include "linux/own_process.h"
#include "shim/exit_record.h"
#include "shim/supervisor.h"

namespace hull::shim {

namespace {
constexpr std::int64_t kAcknowledgeMilliseconds = 1'000;
constexpr int kKilledExit = 128 + 9;
constexpr std::int64_t kLastMilliseconds = 15'000;  // longer than any client may take
}  // namespace

// Everybody whose parent has died comes to us, too (subreaper); those are reaped and forgotten. Execs before the
// container itself: the engine hears of them in that order.
void Supervisor::reap() {
  std::vector<linux::EndedChild> ended;
  while (auto child = linux::reap_any_child()) ended.push_back(*child);
  const linux::EndedChild* first_process = nullptr;
  for (const auto& child : ended) {
    if (running_ && child.pid == init_->pid()) {
      first_process = &child;
      continue;
    }
    auto exec = std::ranges::find(execs_, child.pid, &Exec::pid);
    if (exec != execs_.end())
      on_exec_ended(*exec, child.wait_status);
    else if (log_)
      log_->child_ended(child.pid, child.wait_status);
  }
  if (first_process) on_init_ended(first_process->wait_status);
  if (ended_) tidy();
}

// It leads a process group of its own: what it has started goes along.
void Supervisor::on_time_limit(const std::string& exec_id) {
  Exec* exec = find_exec(exec_id);
  if (!exec || exec->pid < 0) return;
  exec->time_limit = 0;
  exec->timed_out = true;
  linux::kill_process_group(exec->pid);
}

void Supervisor::on_exec_ended(Exec& exec, int wait_status) {
  exec.pid = -1;
  loop_.cancel(std::exchange(exec.time_limit, 0));
  exec.streams->drain();
  fault::point("shim.exec-ended");
  ExecValue end{exec.id, runtime::exit_code(wait_status), exec.timed_out};
  unacknowledged_[exec.id] = end;
  engine_.tell(MessageKind::kExecExited, wire::encode(end));
  if (!engine_.has_subscriber()) return close_exec(exec);
  // A client that sees the end of its stream asks the engine for the exit code: the engine has to know it by then.
  exec.deadline = loop_.after(kAcknowledgeMilliseconds, [this, id = exec.id] {
    if (Exec* late = find_exec(id)) close_exec(*late);
  });
}

void Supervisor::on_acknowledged(const std::string& exec_id) {
  unacknowledged_.erase(exec_id);
  if (Exec* exec = find_exec(exec_id); exec && exec->pid < 0) close_exec(*exec);
}

// Idempotent. The exec is forgotten in tidy(), when its last client is gone.
void Supervisor::close_exec(Exec& exec) {
  loop_.cancel(std::exchange(exec.deadline, 0));
  exec.streams->close();
}

void Supervisor::on_init_ended(int wait_status) {
  running_ = false;
  ended_ = true;
  fault::point("shim.ended");
  // Somebody was killed by the kernel for memory, maybe: a notification that was read may have come before the count.
  bool killed = runtime::exit_code(wait_status) == kKilledExit;
  if (oom_notifier_ && (killed || memory_ran_out_ || linux::notifier_pending(oom_notifier_.get()))) count_oom_kills();
  loop_.cancel(oom_watch_);
  relays_.reset();  // before the engine hears of the end: the ports are free then
  streams_->drain();
  if (log_) log_->end();
  delete_foreign();
  fault::point("shim.drained");
  record_exit({runtime::exit_code(wait_status), oom_kills_ > 0, now()});
  fault::point("shim.told");
  streams_->close();
  // Behind what clients and engine are waiting for.
  loop_.defer([this] {
    remove_cgroup();
    hook_state_.status = "stopped";
    hook_state_.pid = 0;
    run_hooks(last_hooks_);
    tell_of_hooks();
    tidy();
  });
  loop_.after(kLastMilliseconds, [this] { loop_.stop(); });
}

// Before anybody knows that the container has ended: its next run has the same control group.
void Supervisor::delete_foreign() {
  if (foreign_.program.empty()) return;
  try {
    runtime::delete_foreign(foreign_);
  } catch (const Error& e) {
    engine_.tell(MessageKind::kNote, wire::encode(NoteMessage{cat(foreign_.program, " delete: ", e.message())}));
  }
}

void Supervisor::record_exit(const ExitRecord& record) {
  try {
    write_exit_record(directory_, record);
  } catch (const Error& e) {
    // With an engine the event is enough.
    engine_.tell(MessageKind::kNote, wire::encode(NoteMessage{cat("cannot write the exit record: ", e.message())}));
  }
  fault::point("shim.recorded");
  engine_.stop_listening();
  if (!last_hooks_.empty()) engine_.tell(MessageKind::kHooksFollow, {});
  engine_.tell(MessageKind::kExited,
               wire::encode(ExitedMessage{record.code, record.oom_killed, record.at.nanoseconds}));
}

// Also kills what a container without a PID namespace of its own has left behind. With an engine that is the engine's
// to do, before the container can start again: the group of its next run has the same name, and we could be late.
void Supervisor::remove_cgroup() {
  try {
    if (!engine_.has_subscriber()) {
      if (!init_->cgroup().processes().empty()) init_->cgroup().kill_all();
      init_->cgroup().remove();
    }
  } catch (const std::exception& e) {
    engine_.tell(MessageKind::kNote, wire::encode(NoteMessage{cat("cannot remove the control group: ", e.what())}));
  }
  cgroup_removed_ = true;
  fault::point("shim.cgroup");
}

// Forgets execs that are over, and ends the shim when everything is.
void Supervisor::tidy() {
  std::erase_if(execs_, [](const Exec& exec) { return exec.pid < 0 && exec.streams->idle(); });
  bool logged = !log_ || !log_->busy();
  if (ended_ && cgroup_removed_ && logged && execs_.empty() && streams_->idle() && engine_.flushed()) loop_.stop();
}

}  // namespace hull::shim
