// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/wire.h"
#include "linux/notifier.h"
#include "linux/stream_io.h"
#include "runtime/restore.h"
#include "shim/supervisor.h"

namespace hull::shim {

namespace {

// Both sides of a process's stdio; the child's are closed here once it has been executed.
struct Plumbing {
  ProcessEnds ours;
  UniqueFd in, out, err;
};

Plumbing lay_pipes(bool in, bool out, bool err) {
  Plumbing pipes;
  if (in) {
    auto pipe = linux::make_pipe();
    pipes.in = std::move(pipe.read);
    pipes.ours.in = std::move(pipe.write);
  }
  if (out) {
    auto pipe = linux::make_pipe();
    pipes.out = std::move(pipe.write);
    pipes.ours.out = std::move(pipe.read);
  }
  if (err) {
    auto pipe = linux::make_pipe();
    pipes.err = std::move(pipe.write);
    pipes.ours.err = std::move(pipe.read);
  }
  return pipes;
}

Stream to_stream(StreamMessage& message, UniqueFd socket) {
  return {std::move(socket),
          message.in,
          message.out,
          message.err,
          message.multiplexed,
          std::move(message.detach_keys),
          std::move(message.early_input)};
}

// The sockets of `messages` are the descriptors from `first` on.
void attach_all(Streams& streams, std::vector<StreamMessage>& messages, std::vector<UniqueFd>& descriptors,
                std::size_t first) {
  if (descriptors.size() != first + messages.size()) fail(Kind::kInternal, "a message came without its descriptors");
  for (std::size_t i = 0; i < messages.size(); ++i)
    streams.attach(to_stream(messages[i], std::move(descriptors[first + i])));
}

}  // namespace

void Supervisor::start(EngineLink::Connection connection, Message message) {
  if (running_ || ended_) fail(Kind::kConflict, "this shim has a container already");
  try {
    auto request = wire::decode<StartMessage>(message.body);
    message.body = {};
    fault::point("shim.asked");
    launch(request, std::move(message.descriptors));
  } catch (const std::exception& e) {
    discard_container();
    engine_.stop_listening();
    engine_.answer(connection, MessageKind::kFailed, describe_failure(e));
    exit_code_ = 1;
    loop_.stop();
    return;
  }
  running_ = true;
  StartedMessage started{init_->pid(), started_.nanoseconds, {}};
  int pidfd = init_->pidfd();
  fault::point("shim.started");
  engine_.answer(connection, MessageKind::kStarted, wire::encode(started), {&pidfd, 1});
  fault::point("shim.answered");
  tell_of_hooks();
}

// After a start that failed behind the point where the process existed.
void Supervisor::discard_container() {
  if (!init_) return;
  init_.reset();
  try {
    linux::make_cgroup(cgroup_driver_, cgroup_path_)->remove();
  } catch (const Error& e) {
    log::warn("cannot remove the control group of a failed start: ", e.message());
  }
}

void Supervisor::launch(StartMessage& message, std::vector<UniqueFd> descriptors) {
  std::size_t used = 0;
  auto take = [&](bool announced) {
    if (announced && used >= descriptors.size()) fail(Kind::kInternal, "a start message came without its descriptors");
    return announced ? std::move(descriptors[used++]) : UniqueFd();
  };
  UniqueFd rootfs = take(message.has_rootfs), network_namespace = take(message.has_network_namespace),
           user_namespace = take(message.has_user_namespace);
  std::vector<UniqueFd> mounts;
  for (std::uint64_t i = 0; i < message.mounts; ++i) mounts.push_back(take(true));

  oci::RuntimeConfig& config = message.config;
  bool terminal = config.process && config.process->terminal;
  if (config.process && !config.process->oom_score_adj) config.process->oom_score_adj = oom_score_;
  directory_ = message.directory;
  directory_fd_ = open_file(directory_, O_RDONLY | O_DIRECTORY);
  engine_.listen(directory_);
  fault::point("shim.listening");
  open_log(message.log);
  Plumbing pipes = lay_pipes(message.open_stdin && !terminal, !terminal, !terminal);

  runtime::StartOptions options;
  options.cgroup_driver = cgroup_driver_ = message.cgroup_driver;
  options.die_with_parent = true;  // the container does not outlive the shim, which alone knows how it ends
  options.seccomp_program = std::move(message.seccomp_program);
  options.bundle = directory_;
  options.id = message.id;
  options.session_keyring = session_keyring_ = cat("_ses.", message.id);
  cgroup_path_ = config.linux.cgroups_path;
  uid_mappings_ = config.linux.uid_mappings;
  runtime::Handles handles{.rootfs = rootfs.get(),
                           .network_namespace = network_namespace.get(),
                           .user_namespace = user_namespace.get(),
                           .in = pipes.in.get(),
                           .out = pipes.out.get(),
                           .err = pipes.err.get()};
  for (const UniqueFd& mount : mounts) handles.mounts.push_back(mount.get());
  foreign_ = std::move(message.runtime);
  if (!foreign_.program.empty())
    init_ = runtime::start_foreign(foreign_, cgroup_path_, terminal, handles);
  else if (!message.restore.program.empty())
    init_ = runtime::restore(message.restore, config, handles, options);
  else
    init_ = runtime::start(config, handles, options);
  started_ = now();
  fault::point("shim.executed");
  // From here on the process exists. Until release_ownership() an exception takes it along.
  if (terminal) pipes.ours.terminal = init_->take_console();
  streams_ = make_streams(std::move(pipes.ours), log_.get(), message.stdin_once && !terminal, {});
  attach_all(*streams_, message.streams, descriptors, used);
  watch_memory();
  init_->release_ownership();
  if (config.hooks) begin_hooks(message.id, std::move(*config.hooks));
}

// A container that runs goes on whatever its hooks say.
void Supervisor::run_hooks(const std::vector<oci::Hook>& hooks) {
  hook_failures_ = runtime::run_every_hook(hooks, hook_state_);
}

// Not from within a start: the first thing that the engine hears of it is the answer.
void Supervisor::tell_of_hooks() {
  for (std::string& failure : hook_failures_)
    engine_.tell(MessageKind::kNote, wire::encode(NoteMessage{std::move(failure)}));
  hook_failures_.clear();
}

void Supervisor::begin_hooks(const std::string& id, oci::Hooks hooks) {
  hook_state_ = {id, "running", directory_, init_->pid(), {}};
  run_hooks(hooks.poststart);
  last_hooks_ = std::move(hooks.poststop);
}

void Supervisor::open_log(const LogOptions& options) {
  if (!options.file && !options.remote) return;
  ContainerLog::Listener listener{
      [this](std::string note) { engine_.tell(MessageKind::kNote, wire::encode(NoteMessage{std::move(note)})); },
      [this] {
        if (streams_) streams_->resume();
        if (ended_) tidy();
      }};
  log_ = std::make_unique<ContainerLog>(loop_, options, std::move(listener));
}

std::unique_ptr<Streams> Supervisor::make_streams(ProcessEnds ends, ContainerLog* log, bool end_input_with_client,
                                                  std::string id) {
  Streams::Listener listener{
      [this, id = std::move(id)] { engine_.tell(MessageKind::kDetached, wire::encode(ExecValue{id})); },
      [this] { loop_.defer([this] { tidy(); }); }};
  return std::make_unique<Streams>(loop_, buffer_, std::move(ends), log, end_input_with_client, std::move(listener));
}

void Supervisor::subscribe(EngineLink::Connection connection) {
  StartedMessage state{init_->pid(), started_.nanoseconds, {}};
  for (const Exec& exec : execs_)
    if (exec.pid > 0) state.running_execs.push_back(exec.id);
  int pidfd = init_->pidfd();
  engine_.answer(connection, MessageKind::kSubscribed, wire::encode(state), {&pidfd, 1});
  engine_.subscribe(connection);
  for (const auto& [id, end] : unacknowledged_) engine_.tell(MessageKind::kExecExited, wire::encode(end));
}

void Supervisor::watch_memory() {
  oom_notifier_ = init_->cgroup().oom_notifier();
  if (!oom_notifier_) return;
  oom_watch_ = loop_.watch(oom_notifier_.get(), linux::notifier_events(oom_notifier_.get()),
                           [this](std::uint32_t) { check_memory(); });
}

// The notification says that memory ran out, or that the group is being removed; the count says whether it killed. The
// kernel notifies before it kills and counts: so the count is looked at once more, a little later.
void Supervisor::check_memory() {
  constexpr std::int64_t kUntilCountedMilliseconds = 20;
  linux::clear_notifier(oom_notifier_.get());
  memory_ran_out_ = true;
  std::uint64_t known = oom_kills_;
  count_oom_kills();
  if (oom_kills_ > known || !running_) return;
  loop_.after(kUntilCountedMilliseconds, [this, known] {
    bool waits = count_oom_kills();
    if (waits && oom_kills_ == known) engine_.tell(MessageKind::kOutOfMemory, {});
  });
}

bool Supervisor::count_oom_kills() {
  if (!init_) return false;
  linux::CgroupStats stats;
  try {
    stats = init_->cgroup().stats();
  } catch (const Error&) {
    return false;  // the group is gone
  }
  for (; oom_kills_ < stats.oom_kills; ++oom_kills_) engine_.tell(MessageKind::kOutOfMemory, {});
  return stats.waits_for_memory;
}

void Supervisor::exec(EngineLink::Connection connection, Message message) {
  auto request = wire::decode<ExecMessage>(message.body);
  message.body = {};
  if (find_exec(request.id)) fail(Kind::kConflict, "the exec ", request.id, " is running already");
  fault::point("shim.exec-asked");
  Exec& exec = execs_.emplace_back();
  exec.id = request.id;
  try {
    exec.pid = launch_exec(exec, request, std::move(message.descriptors));
  } catch (const std::exception& e) {
    if (exec.streams) {
      exec.streams->tell(cat(e.what(), "\r\n"));
      close_exec(exec);
    } else {
      execs_.pop_back();
    }
    engine_.answer(connection, MessageKind::kFailed, describe_failure(e));
    return;
  }
  if (request.time_limit > 0)
    exec.time_limit = loop_.after(request.time_limit, [this, id = exec.id] { on_time_limit(id); });
  fault::point("shim.exec-started");
  engine_.answer(connection, MessageKind::kExeced, wire::encode(ExecValue{exec.id, exec.pid}));
}

// Without clients the output goes nowhere, at no cost; a terminal has to be read all the same.
pid_t Supervisor::launch_exec(Exec& exec, ExecMessage& message, std::vector<UniqueFd> descriptors) {
  oci::Process& process = message.process;
  if (!process.oom_score_adj) process.oom_score_adj = oom_score_;
  auto anyone = [&](bool StreamMessage::*wanted) { return std::ranges::any_of(message.streams, wanted); };
  bool pipes_wanted = !process.terminal && !message.streams.empty();
  Plumbing pipes = lay_pipes(pipes_wanted && message.open_stdin, pipes_wanted && anyone(&StreamMessage::out),
                             pipes_wanted && anyone(&StreamMessage::err));
  runtime::ExecOptions options;
  options.cgroup_driver = cgroup_driver_;
  options.cgroup_path = cgroup_path_;
  options.uid_mappings = uid_mappings_;
  options.session_keyring = session_keyring_;
  options.seccomp_program = std::move(message.seccomp_program);
  options.in = pipes.in.get();
  options.out = pipes.out.get();
  options.err = pipes.err.get();
  runtime::Execed execed;
  try {
    execed = foreign_.program.empty()
                 ? runtime::exec(init_->pidfd(), process, options)
                 : runtime::exec_foreign(foreign_, message.process_file, process.terminal, options);
  } catch (...) {
    // Whoever is attached gets the message instead of output.
    exec.streams = make_streams({}, nullptr, false, exec.id);
    attach_all(*exec.streams, message.streams, descriptors, 0);
    throw;
  }
  exec.pid = execed.pid;
  pipes.ours.terminal = std::move(execed.console);
  exec.streams = make_streams(std::move(pipes.ours), nullptr, !process.terminal, exec.id);
  attach_all(*exec.streams, message.streams, descriptors, 0);
  return execed.pid;
}

}  // namespace hull::shim
