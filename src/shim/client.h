// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "linux/reactor.h"
#include "oci/runtime_config.h"
#include "runtime/criu.h"
#include "runtime/foreign.h"
#include "runtime/runtime.h"
#include "shim/log_options.h"

// The engine's side of hull-shim. A shim is the parent of one container's first process; it owns its stdio,
// its log file, its execs and its exit record. It outlives the engine: a restarted engine finds it again
// through its socket. The wire form is in shim/protocol.h.
//
//   <exec-root>/containers/<id>/shim.sock   the shim listens here
//   <exec-root>/containers/<id>/exit        the exit record, written once, atomically
namespace hull::shim {

// One client's connection to the streams of the container or of an exec. The descriptor is handed over: from
// then on the shim alone reads and writes it, and closes it when the stream has ended and everything is flushed.
struct Stream {
  UniqueFd socket;
  bool in = false, out = false, err = false;
  bool multiplexed = false;  // 8-byte frame headers (never with a terminal)
  std::string detach_keys;   // raw bytes, empty: none
  std::string early_input;   // what the HTTP parser read beyond the request
};

struct StartRequest {
  std::string id;
  oci::RuntimeConfig config;
  runtime::ForeignRuntime runtime;  // with a program: that one reads config.json in the bundle, and not `config`
  runtime::Restore restore;         // with a program: the processes come back from a checkpoint
  std::string seccomp_program;
  linux::CgroupDriver cgroup_driver = linux::CgroupDriver::kCgroupfs;
  LogOptions log;
  bool open_stdin = false;       // keep a pipe (or the terminal) for stdin; otherwise /dev/null
  bool stdin_once = false;       // close it when the first attached client ends its input
  UniqueFd rootfs;               // detached mount
  UniqueFd network_namespace;    // invalid: as the configuration says
  UniqueFd user_namespace;       // the same
  std::vector<UniqueFd> mounts;  // detached; sources of mounts of the type runtime::kDescriptorMount, by their index
  std::vector<Stream> streams;   // attached from the very first byte
};

struct Started {
  pid_t pid = 0;
  UniqueFd pidfd;
  Timestamp at;
};

struct ExitRecord {
  int code = 0;  // 128 + signal for a killed process
  bool oom_killed = false;
  Timestamp at;
};

struct ExecRequest {
  std::string id;  // of the exec
  oci::Process process;
  std::string process_file;  // the same as JSON, for another runtime than hull's own; is removed
  std::string seccomp_program;
  bool open_stdin = false;
  // The shim kills its process group when it takes longer than that, whether an engine is there or not. 0: never
  std::chrono::milliseconds time_limit{0};
  std::vector<Stream> streams;  // none: detached
};

struct ExecExit {
  int code = 0;
  bool timed_out = false;  // it was killed at its time limit
};

// A published port that the shim serves itself (shim/relay.h).
struct Relay {
  std::string host;    // "[::]:8080"
  std::string target;  // "172.17.0.2:80"
  UniqueFd listener;   // a listening socket; invalid: the shim has one of an earlier call
};

// Called on the reactor's thread; must not block.
struct Events {
  std::function<void(const ExitRecord&)> exited;  // once; all output is in the log by then
  std::function<void(const std::string& exec_id, const ExecExit& exit)> exec_exited;
  std::function<void()> out_of_memory;  // each OOM kill inside
  std::function<void(const std::string& exec_id)>
      detached;                // a client typed the detach keys; "" = the container itself
  std::function<void()> lost;  // the shim is gone without an exit record (kill -9)
};

class Client {
 public:
  virtual ~Client() = default;  // drops the connection; the shim and its container go on

  // Starts the container; returns when its program has been executed. Throws runtime::StartError with the
  // shim's structured failure (nothing of the container is left then), Error{kInternal} when the shim died.
  virtual Started start(StartRequest request) = 0;
  virtual void attach(Stream stream) = 0;
  // Returns the pid of the new process. Throws runtime::StartError when it could not be executed; the streams
  // then have the message and are closed.
  virtual pid_t exec(ExecRequest request) = 0;
  virtual void resize(std::uint16_t rows, std::uint16_t columns) = 0;  // of the terminal
  virtual void resize_exec(const std::string& exec_id, std::uint16_t rows, std::uint16_t columns) = 0;
  virtual void signal_exec(const std::string& exec_id, int signal) = 0;
  virtual void relay(std::vector<Relay> relays) = 0;  // these, and no others, from now on
};

// Keeps one or two executed, waiting shims, so that a start does not pay for the exec. They end by themselves
// when the engine goes away. Thread-safe.
class Launcher {
 public:
  virtual ~Launcher() = default;
  // A shim with nothing in it yet; call start() on it.
  virtual std::unique_ptr<Client> launch(const std::string& directory, Events events) = 0;
  // Finds the shim of a container that an earlier engine started. Empty when there is none alive.
  struct Found {
    std::unique_ptr<Client> client;
    Started started;
    std::vector<std::string> running_execs;
  };
  virtual std::optional<Found> reconnect(const std::string& directory, Events events) = 0;
};
std::unique_ptr<Launcher> make_launcher(linux::Reactor& reactor, std::string shim_program);

// Reads the exit record of a container whose shim has ended. Empty when there is none.
std::optional<ExitRecord> read_exit_record(const std::string& directory);

}  // namespace hull::shim
