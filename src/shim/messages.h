// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "oci/runtime_config.h"
#include "oci/runtime_config_fields.h"
#include "shim/client.h"
#include "shim/protocol.h"

// The bodies of the messages of shim/protocol.h.
namespace hull::shim {

// The socket of the stream travels beside it.
struct StreamMessage {
  bool in = false, out = false, err = false, multiplexed = false;
  std::string detach_keys, early_input;
};
template <class Visitor>
void fields(Visitor& visit, StreamMessage& value) {
  visit("in", value.in);
  visit("out", value.out);
  visit("err", value.err);
  visit("multiplexed", value.multiplexed);
  visit("detachKeys", value.detach_keys);
  visit("earlyInput", value.early_input);
}

// kStart. Descriptors: the root filesystem, the network and the user namespace (each if announced), the mounts, one per
// stream.
struct StartMessage {
  std::string directory, id;
  oci::RuntimeConfig config;
  runtime::ForeignRuntime runtime;
  runtime::Restore restore;
  std::string seccomp_program;
  linux::CgroupDriver cgroup_driver = linux::CgroupDriver::kCgroupfs;
  LogOptions log;
  bool open_stdin = false, stdin_once = false, has_rootfs = false, has_network_namespace = false,
       has_user_namespace = false;
  std::uint64_t mounts = 0;  // how many
  std::vector<StreamMessage> streams;
};
template <class Visitor>
void fields(Visitor& visit, StartMessage& value) {
  visit("directory", value.directory);
  visit("id", value.id);
  visit("config", value.config);
  visit("runtime", value.runtime);
  visit("restore", value.restore);
  visit("seccompProgram", value.seccomp_program);
  visit("cgroupDriver", value.cgroup_driver);
  visit("log", value.log);
  visit("openStdin", value.open_stdin);
  visit("stdinOnce", value.stdin_once);
  visit("hasRootfs", value.has_rootfs);
  visit("hasNetworkNamespace", value.has_network_namespace);
  visit("hasUserNamespace", value.has_user_namespace);
  visit("mounts", value.mounts);
  visit("streams", value.streams);
}

// kStarted and kSubscribed. Descriptor: the pidfd of the container's first process.
struct StartedMessage {
  std::int64_t pid = 0;
  std::int64_t at = 0;  // nanoseconds since the epoch
  std::vector<std::string> running_execs;
};
template <class Visitor>
void fields(Visitor& visit, StartedMessage& value) {
  visit("pid", value.pid);
  visit("at", value.at);
  visit("runningExecs", value.running_execs);
}

// kFailed: an Error, or a StartError when there is a failure.
struct FailedMessage {
  Kind kind = Kind::kInternal;
  int code = 0;
  std::string message, operation;
  bool is_start_error = false;
  runtime::Failure failure;
};
template <class Visitor>
void fields(Visitor& visit, FailedMessage& value) {
  visit("kind", value.kind);
  visit("code", value.code);
  visit("message", value.message);
  visit("operation", value.operation);
  visit("isStartError", value.is_start_error);
  visit("failure", value.failure);
}

// kAttach has a StreamMessage and its socket. kExec. Descriptors: one per stream.
struct ExecMessage {
  std::string id;
  oci::Process process;
  std::string process_file;
  std::string seccomp_program;
  bool open_stdin = false;
  std::int64_t time_limit = 0;  // milliseconds; 0: none
  std::vector<StreamMessage> streams;
};
template <class Visitor>
void fields(Visitor& visit, ExecMessage& value) {
  visit("id", value.id);
  visit("process", value.process);
  visit("processFile", value.process_file);
  visit("seccompProgram", value.seccomp_program);
  visit("openStdin", value.open_stdin);
  visit("timeLimit", value.time_limit);
  visit("streams", value.streams);
}

// kExeced, kResize (numbers: rows, columns), kSignalExec (the signal), kAcknowledge, kExecExited (the exit code; 1 when
// its time was over), kDetached: an exec by its id ("" is the container itself) and up to two numbers.
struct ExecValue {
  std::string id;
  std::int64_t first = 0, second = 0;
};
template <class Visitor>
void fields(Visitor& visit, ExecValue& value) {
  visit("id", value.id);
  visit("first", value.first);
  visit("second", value.second);
}

// kNote: something that the engine should log for the shim.
struct NoteMessage {
  std::string text;
};
template <class Visitor>
void fields(Visitor& visit, NoteMessage& value) {
  visit("text", value.text);
}

// kExited, and the content of the exit record's file (as text, shim/exit_record.h).
struct ExitedMessage {
  int code = 0;
  bool oom_killed = false;
  std::int64_t at = 0;
};
template <class Visitor>
void fields(Visitor& visit, ExitedMessage& value) {
  visit("code", value.code);
  visit("oomKilled", value.oom_killed);
  visit("at", value.at);
}

}  // namespace hull::shim
