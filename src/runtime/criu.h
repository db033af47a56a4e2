// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

// criu(8), which writes the processes of a container into files and brings them back from there: its command lines, and
// what it says. The root file system, the network namespace and the control group are never criu's: a container that
// comes back gets those that a start gives it.
namespace hull::runtime {

// What the processes use that is not the container's, but its surroundings'. criu has to be told when it dumps them,
// and given something in its place when it restores them.
struct Surroundings {
  std::vector<std::string> mounts;  // mount points in the container: bind mounts
  std::vector<std::string>
      descriptors;      // what 0, 1 and 2 of the first process are, as criu names it; "": nothing foreign
  std::string network;  // the inode of the network namespace; "": the host's
};
template <class Visitor>
void fields(Visitor& visit, Surroundings& value) {
  visit("mounts", value.mounts);
  visit("descriptors", value.descriptors);
  visit("network", value.network);
}
// Of the container whose first process is `pid`. Throws errno.
Surroundings find_surroundings(pid_t pid);

struct Dump {
  std::string program;  // path of criu
  pid_t pid = 0;
  std::string images;  // an empty directory
  bool leave_running = false;
  Surroundings surroundings;
  std::vector<std::string> options{};  // more words for criu's command line
  bool memory_only = false;  // "pre-dump": the processes go on, and a later dump writes what has changed since
};
std::vector<std::string> command_of(const Dump& dump);

// A start from a checkpoint.
struct Restore {
  std::string program;  // path of criu; empty: an ordinary start
  std::string images;
  std::vector<std::string> mounts;       // what was foreign, and where on the host it is now: "mnt[/etc/hosts]:/path"
  std::vector<std::string> descriptors;  // as in Surroundings
  bool cgroup_namespace = false;
  std::vector<std::string> options{};
};
template <class Visitor>
void fields(Visitor& visit, Restore& value) {
  visit("program", value.program);
  visit("images", value.images);
  visit("mounts", value.mounts);
  visit("descriptors", value.descriptors);
  visit("cgroupNamespace", value.cgroup_namespace);
  visit("options", value.options);
}
// A descriptor that the program inherits, and the name of what it stands for.
struct Inherited {
  int number = -1;
  std::string name;
};
// `directory`: for its log, the file kRestoredPid and other traces.
std::vector<std::string> command_of(const Restore& restore, const std::string& directory, const std::string& root,
                                    const std::vector<Inherited>& inherited);

inline constexpr std::string_view kDumpLog = "dump.log", kRestoreLog = "restore.log", kRestoredPid = "criu.pid",
                                  kNetworkName = "network";

// The first error in its log, without its time and place: what followed came of that. "" when there is none.
std::string criu_reason(std::string_view log);

}  // namespace hull::runtime
