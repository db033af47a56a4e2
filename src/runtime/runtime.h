// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "linux/cgroup.h"
#include "oci/runtime_config.h"
#include "runtime/hooks.h"
#include "runtime/seccomp_receiver.h"

// From an OCI configuration to a process, and nothing more: no daemon, no state on disk, no threads. Used by
// hull-shim (hull's own containers) and by hull-runtime (everybody else's). The caller must be
// single-threaded: the child of the clone is an ordinary program until its execve.
namespace hull::runtime {

// The steps of a start, in order. A failure in the child comes back as (step, object, errno).
enum class Step : unsigned char {
  kCgroup,
  kClone,
  kUserMaps,
  kJoinCgroup,
  kOomScore,
  kJoinNamespace,
  kKeyring,
  kNetwork,
  kHostname,
  kRootfs,
  kMount,
  kDevice,
  kConsole,
  kSysctl,
  kHook,
  kPivot,
  kMaskedPath,
  kReadonlyPath,
  kRlimit,
  kScheduling,
  kWorkingDirectory,
  kCapabilities,
  kUser,
  kSecurityLabel,
  kSeccomp,
  kExec,
};
std::string_view to_string(Step step);

// A start that failed, structured: it crosses a socket as it is (fields() below).
struct Failure {
  Step step = Step::kExec;
  int code = 0;         // errno, 0 where there is none
  std::string object;   // the path, the name of the limit, the program
  std::string message;  // the readable sentence; contains Docker's key words for exec failures
};
template <class Visitor>
void fields(Visitor& visit, Failure& value) {
  visit("step", value.step);
  visit("code", value.code);
  visit("object", value.object);
  visit("message", value.message);
}

// The type of a mount whose source is the index of a descriptor in Handles::mounts. hull's own: no file of a bundle can
// have descriptors.
inline constexpr std::string_view kDescriptorMount = "descriptor";

// Descriptors that replace paths of the configuration. -1: use the configuration. The caller keeps them.
struct Handles {
  int rootfs = -1;                  // a detached mount, instead of root.path
  int network_namespace = -1;       // instead of creating or opening one
  int user_namespace = -1;          // the same; its maps are those of the configuration
  std::vector<int> mounts{};        // detached mounts: the sources of mounts of the type "descriptor"
  int in = -1, out = -1, err = -1;  // stdio of the process without a terminal; -1: this process's own
  // A listening handshake socket (linux/handshake.h): with hold_before_exec the process waits for a connection
  // to it instead of Init::release(), so that another process than its creator can let it go.
  int release_listener = -1;
};

struct StartOptions {
  linux::CgroupDriver cgroup_driver = linux::CgroupDriver::kCgroupfs;
  bool hold_before_exec = false;  // OCI create: wait for Init::release() right before execve
  bool die_with_parent = false;   // PR_SET_PDEATHSIG SIGKILL (shim): set after every change of credentials
  // A ready seccomp program (struct sock_filter array). Empty: config.linux.seccomp is compiled here.
  std::string seccomp_program;
  std::string bundle;           // directory that relative root.path and hooks refer to
  std::string id;               // for hooks' state and messages
  bool no_pivot = false;        // MS_MOVE and chroot, for hosts that run from an initramfs
  unsigned preserve_fds = 0;    // descriptors 3, 4, … that the program inherits
  bool plain_newlines = false;  // the terminal leaves line feeds alone (linux::keep_newlines): our own translates them
  std::string session_keyring;  // name of the one that the container gets; empty: its processes keep ours
  // The caller is not root: control groups that it may not make are done without, unless limits are asked for.
  bool rootless = false;
};

// The first process of a container. Moved around by its owner; destroying it without release_ownership() kills
// and reaps the process.
class Init {
 public:
  virtual ~Init() = default;
  virtual pid_t pid() const = 0;        // in this process's PID namespace
  virtual int pidfd() const = 0;        // owned by the object
  virtual UniqueFd take_console() = 0;  // master side of the terminal; invalid without one
  virtual linux::Cgroup& cgroup() = 0;
  virtual void release() = 0;  // lets a held process go on to execve; returns after it happened. Throws Failure's Error
  // A process that is held for somebody at Handles::release_listener does not depend on this one from here on. Until
  // then it ends when we do.
  virtual void entrust() {}
  virtual void release_ownership() = 0;  // from here on the destructor leaves the process alone
};

// Creates the cgroup, clones, sets up everything in the child, and returns when the child has executed its
// program (or stands right before it, hold_before_exec). On failure nothing is left: process reaped, cgroup
// removed. Throws StartError.
class StartError : public Error {
 public:
  explicit StartError(Failure failure);
  const Failure& failure() const { return failure_; }

 private:
  Failure failure_;
};
std::unique_ptr<Init> start(const oci::RuntimeConfig& config, const Handles& handles, const StartOptions& options);

// Runs a further process in the container whose first process is `target` (a pidfd): joins all of its
// namespaces through that descriptor, its cgroup, and takes on `process`. Returns when it has executed.
// The new process is a child of the caller.
struct ExecOptions {
  linux::CgroupDriver cgroup_driver = linux::CgroupDriver::kCgroupfs;
  std::string cgroup_path;
  // Groups below that one: by controller ("" on v2), or "" alone for all of them.
  std::map<std::string, std::string> sub_cgroups;
  std::string seccomp_program;  // empty: none
  unsigned seccomp_flags = 0;
  SeccompReceiver seccomp_receiver;
  std::string session_keyring;  // as in StartOptions
  const oci::Personality* personality = nullptr;
  const oci::MemoryPolicy* memory_policy = nullptr;
  bool rootless = false;                     // a control group that cannot be joined is done without
  std::vector<oci::IdMapping> uid_mappings;  // of the container, when it has a user namespace
  int in = -1, out = -1, err = -1;
  unsigned preserve_fds = 0;
  bool plain_newlines = false;  // as in StartOptions
};
struct Execed {
  pid_t pid = -1;
  UniqueFd pidfd;
  UniqueFd console;  // master side of the terminal, when process.terminal
};
Execed exec(int target_pidfd, const oci::Process& process, const ExecOptions& options);

// Lets a process go that start() holds at Handles::release_listener, through the socket `name` in `directory`, and
// returns when it has executed its program. `pidfd`: of that process, and receiver.pid is its pid. Throws StartError.
void release_held(int directory, const std::string& name, int pidfd, const SeccompReceiver& receiver);

// The exit code that Docker shows for a wait status: the code, or 128 + signal.
int exit_code(int wait_status);

}  // namespace hull::runtime
