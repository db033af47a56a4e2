// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "shim/container_log.h"
#include "shim/engine_link.h"
#include "shim/event_loop.h"
#include "shim/messages.h"
#include "shim/relay.h"
#include "shim/streams.h"

namespace hull::shim {

// The whole life of one shim: waits for the start message, starts the container, serves the engine while it runs, and
// sees it off. In order, when the container's first process has ended:
//
//   output is taken to its end and logged -> exit record -> socket removed -> event to the engine -> clients flushed
//   and closed, control group removed (when there is no engine) -> the shim ends
class Supervisor {
 public:
  // `engine`: the connection of the launch. `oom_score`: what processes get that ask for none of their own.
  Supervisor(UniqueFd engine, std::optional<int> oom_score);
  ~Supervisor();

  int run();  // gives the exit code of the shim

 private:
  struct Exec {
    std::string id;
    pid_t pid = -1;                // -1: has ended
    EventLoop::Id deadline = 0;    // for the engine to acknowledge its end
    EventLoop::Id time_limit = 0;  // for itself to end
    bool timed_out = false;
    std::unique_ptr<Streams> streams;
  };

  void on_request(EngineLink::Connection connection, Message message);
  void dispatch(EngineLink::Connection connection, Message& message);
  void relay(Message& message);
  void on_subscriber_lost();

  // supervisor_start.cpp
  void start(EngineLink::Connection connection, Message message);
  void launch(StartMessage& message, std::vector<UniqueFd> descriptors);
  void open_log(const LogOptions& options);
  void begin_hooks(const std::string& id, oci::Hooks hooks);
  void run_hooks(const std::vector<oci::Hook>& hooks);
  void tell_of_hooks();
  void discard_container();
  void subscribe(EngineLink::Connection connection);
  void watch_memory();
  void check_memory();
  bool count_oom_kills();  // true: the processes wait for memory, with the killer off
  void exec(EngineLink::Connection connection, Message message);
  pid_t launch_exec(Exec& exec, ExecMessage& message, std::vector<UniqueFd> descriptors);
  std::unique_ptr<Streams> make_streams(ProcessEnds ends, ContainerLog* log, bool end_input_with_client,
                                        std::string id);

  // supervisor_exit.cpp
  void reap();
  void on_init_ended(int wait_status);
  void record_exit(const ExitRecord& record);
  void on_time_limit(const std::string& exec_id);
  void on_exec_ended(Exec& exec, int wait_status);
  void on_acknowledged(const std::string& exec_id);
  void close_exec(Exec& exec);
  void delete_foreign();
  void remove_cgroup();
  void tidy();

  Streams& streams_of(const std::string& exec_id);
  Exec* find_exec(const std::string& exec_id);

  EventLoop loop_;
  ReadBuffer buffer_;
  EngineLink engine_;
  std::optional<int> oom_score_;
  int exit_code_ = 0;

  std::string directory_;
  UniqueFd directory_fd_;            // /proc/<pid>/fd shows whose shim this is
  runtime::ForeignRuntime foreign_;  // with a program: that one has started the container
  std::unique_ptr<runtime::Init> init_;
  Timestamp started_;
  linux::CgroupDriver cgroup_driver_ = linux::CgroupDriver::kCgroupfs;
  std::string cgroup_path_;
  std::vector<oci::IdMapping> uid_mappings_;  // of the container, for its execs
  std::string session_keyring_;               // the same
  std::vector<oci::Hook> last_hooks_;         // poststop
  runtime::HookState hook_state_;
  std::vector<std::string> hook_failures_;  // that the engine does not know of yet
  std::unique_ptr<ContainerLog> log_;
  std::unique_ptr<Streams> streams_;
  std::unique_ptr<Relays> relays_;  // when there are any
  std::list<Exec> execs_;
  std::map<std::string, ExecValue> unacknowledged_;  // ends of execs that no engine is known to have seen

  UniqueFd oom_notifier_;
  EventLoop::Id oom_watch_ = 0;
  bool memory_ran_out_ = false;  // a notification came
  std::uint64_t oom_kills_ = 0;
  bool running_ = false, ended_ = false, cgroup_removed_ = false;
};

// The body of a kFailed message.
std::string describe_failure(const std::exception& error);

}  // namespace hull::shim
