// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "container/container.h"
#include "container/spec.h"
#include "network/interface_counters.h"
#include "shim/client.h"

// What the verbs of container/engine.h are asked, and what they answer.
namespace hull::container {

struct CreateRequest {
  std::string name;      // "" : a random one
  std::string platform;  // "os/arch[/variant]"
  Spec spec;             // config, host, endpoints as the client sent them
};
struct CreateResult {
  std::string id;
  std::vector<std::string> warnings;
};

// One client's wish to be connected to streams, with the descriptor to hand over to the shim. Before the
// descriptor is taken, `accepted(multiplexed)` is called once so that the HTTP layer can write its response
// head; when that throws, nothing was attached.
struct AttachRequest {
  bool in = false, out = false, err = false;
  bool logs = false;                       // first what is in the log
  bool stream = true;                      // then live
  std::optional<std::string> detach_keys;  // "ctrl-p,ctrl-q" syntax; not given: the default (only with a terminal)
  std::function<shim::Stream(bool tty)> take_stream;  // writes the response head, gives socket and early input
};

enum class WaitCondition : unsigned char { kNotRunning, kNextExit, kRemoved };
struct WaitResult {
  int code = 0;
  std::string error;  // "" : none
};

struct LogQuery {
  bool out = false, err = false, follow = false, timestamps = false, details = false;
  std::optional<Timestamp> since, until;
  std::int64_t tail = -1;  // lines; -1: all
};
struct LogLine {
  Timestamp time;
  bool is_stderr = false;
  std::string text;      // with its newline; partial lines are joined
  StringMap attributes;  // with `details`
};
struct LogReceiver {
  std::function<void(const LogLine&)> line;
  std::function<void()> caught_up = [] {};  // nothing more for now; whoever follows waits next
};

struct ExecSpec {
  bool attach_stdin = false, attach_stdout = false, attach_stderr = false, tty = false, privileged = false;
  std::optional<std::vector<std::string>> env, cmd;
  std::string user, working_dir;
  std::string detach_keys;
  std::vector<std::uint32_t> console_size;
};
struct ExecState {
  std::string id, container_id;
  ExecSpec spec;
  bool running = false;
  bool started = false;
  std::optional<int> exit_code;
  pid_t pid = 0;
};
struct ExecStart {
  bool detach = false;
  bool tty = false;  // the client wants the bare stream: what has a terminal and no frames is not for it to tell apart
  std::vector<std::uint32_t> console_size;
  std::chrono::milliseconds time_limit{0};            // then it is killed; 0: never
  std::function<shim::Stream(bool tty)> take_stream;  // not called when detached
};

struct StatsSample {
  Timestamp read;
  bool running = false;
  linux::CgroupStats cgroup;
  std::uint64_t system_cpu = 0;  // nanoseconds
  int online_cpus = 0;
  std::vector<network::InterfaceCounters> networks;
};

// What an update changes.
struct Changes {
  HostConfig host;         // its limits and its restart policy; zero values mean "leave alone"
  Strings env, unset_env;  // "name=value"; names
  StringMap labels;
  Strings unset_labels;  // names
};

struct RemoveOptions {
  bool force = false, volumes = false, link = false;
};

// A command that runs once in a root file system, as a container does, without being one that anybody can see: a step
// of a build. What it leaves behind when the engine dies is removed by the next start, as nothing names it.
struct StepRequest {
  std::string id;  // owner of a prepared snapshot: its root file system
  Spec spec;       // config and host as for create()
  oci::ExecutionConfig base;
  std::vector<oci::Mount> mounts;  // more of them; those of the type runtime::kDescriptorMount name …
  std::vector<UniqueFd> detached;  // … one of these by its index
  std::function<void(std::string_view data, bool is_stderr)> output;
};

}  // namespace hull::container
