// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/runtime.h"

// Containers that another OCI runtime program starts (runc, crun, kata-runtime, runsc; runc's command line). The caller
// is their subreaper, and keeps everything that the program must find by a path: the bundle directory with config.json,
// which names "rootfs" and "netns" in that directory. Both are mounted there in a mount namespace of the caller's own,
// so that nothing of it is left when the caller ends, however that happens.
namespace hull::runtime {

struct ForeignRuntime {
  std::string program;  // absolute path; empty: none, hull's own runtime is used
  std::vector<std::string> arguments;
  std::string directory;  // the bundle; the program's state is kept in it, too
  std::string id;
  linux::CgroupDriver cgroup_driver = linux::CgroupDriver::kCgroupfs;
};
template <class Visitor>
void fields(Visitor& visit, ForeignRuntime& value) {
  visit("program", value.program);
  visit("arguments", value.arguments);
  visit("directory", value.directory);
  visit("id", value.id);
  visit("cgroupDriver", value.cgroup_driver);
}

// `create` and `start` of the program. `handles`: root file system, network namespace and stdio. Throws StartError with
// what the program has to say.
std::unique_ptr<Init> start_foreign(const ForeignRuntime& runtime, const std::string& cgroup_path, bool terminal,
                                    const Handles& handles);
// `exec` of the process in the JSON file `process`, which is removed; `options`: stdio. Throws as above.
Execed exec_foreign(const ForeignRuntime& runtime, const std::string& process, bool terminal,
                    const ExecOptions& options);
// `delete --force`, and the mounts that start_foreign() made. Throws as above.
void delete_foreign(const ForeignRuntime& runtime);

// For whoever has to do that when the caller is gone: the command, and where the program keeps what it knows. Nothing
// is in there when there is nothing to delete.
std::vector<std::string> foreign_delete_command(const ForeignRuntime& runtime);
std::string foreign_state_path(const std::string& directory);

}  // namespace hull::runtime
