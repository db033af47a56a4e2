// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "linux/cgroup.h"

namespace hull::oci {
struct RdmaLimit;
}

// What the two implementations of Cgroup stand on: where the hierarchies are mounted, and files in the
// directory of a group.
namespace hull::linux {

// One mounted hierarchy: "cpu,cpuacct" may share one; "name=systemd" has no controller at all.
struct CgroupHierarchy {
  std::vector<std::string> controllers;  // v1: as mounted; v2: cgroup.controllers of the mount point
  std::string name;                      // of a v1 hierarchy without controllers ("systemd")
  std::string mount_point;
  bool unified = false;
};

// Parses /proc/self/mountinfo text. Of several mounts of one hierarchy the first that shows its root wins.
// Controllers of a unified mount are not filled in: they are in a file below it.
std::vector<CgroupHierarchy> parse_cgroup_mounts(std::string_view mountinfo);
// Those of this process, read once.
const std::vector<CgroupHierarchy>& cgroup_hierarchies();

// An open directory of one group. Files are read and written relative to it.
class CgroupDir {
 public:
  CgroupDir() = default;
  // Throws Error{kNotFound} when there is no such directory.
  static CgroupDir open(const std::string& path);

  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

  bool has(const std::string& file) const;
  // Writes in one write(2); gives the errno, 0 for success. For callers that have an answer to some of them.
  int try_write(const std::string& file, std::string_view value) const;
  // Throws Error{kInvalidArgument} that names `field` (Docker's word for the limit), the value and the reason.
  void set(std::string_view field, const std::string& file, std::string_view value) const;
  std::string read(const std::string& file) const;      // "" when there is no such file; throws errno otherwise
  std::uint64_t number(const std::string& file) const;  // of a one-number file; "max": the largest; missing: 0
  UniqueFd open_file(const std::string& file, int flags) const;  // throws errno

 private:
  UniqueFd fd_;
  std::string path_;
};

// The refusal of a limit: `field`, `value`, and what the kernel said.
[[noreturn]] void refuse_limit(std::string_view field, std::string_view value, const std::string& file, int code);

// rdma.max, the same file in both versions.
void set_rdma_limits(const CgroupDir& dir, const std::map<std::string, oci::RdmaLimit>& limits);

// What pids.max is to be; empty: as it is. Without any process allowed nothing could start, and systemd does not take
// the value: 0 is 1, as in runc.
std::optional<std::string> pids_max(const oci::Resources& resources);

// A list file of the cpuset controller ("0-3,7"), and the page sizes of which there are files ("hugetlb.2MB…").
std::vector<unsigned> numbers_in(const CgroupDir& dir, const std::string& file);
std::vector<std::string> huge_page_sizes(const CgroupDir& dir);

// "key value" lines (memory.stat, cpu.stat, memory.events) as pairs.
std::map<std::string, std::uint64_t> parse_flat_keyed(std::string_view text);

// Process ids of the group at `path` and of all below; pids of other pid namespaces (0) are left out.
std::vector<pid_t> processes_below(const std::string& path);
// rmdir(2) of the group and of those below, retrying EBUSY for about a second. Idempotent; throws errno.
void remove_group(const std::string& path);
// Sends SIGKILL to all of `pids`; those that are gone already do not matter.
void kill_processes(const std::vector<pid_t>& pids);

// Calls `done` until it is true or `seconds` have passed, sleeping in growing steps. Gives what it gave last.
template <class Done>
bool wait_until(double seconds, const Done& done);

// Checks the path of a group for the cgroupfs driver: absolute or relative, without "..", not empty.
std::string checked_cgroup_path(const std::string& path);

// Who makes the directory. Made by systemd (in the hierarchies that it knows), create() takes it as it is, with the
// process that is in it; and when create() fails, what is there is left to whoever asked systemd for it.
enum class CgroupMaker : unsigned char { kHull, kSystemd };
std::unique_ptr<Cgroup> make_cgroup_v1(std::string path, CgroupMaker maker = CgroupMaker::kHull);
std::unique_ptr<Cgroup> make_cgroup_v2(std::string path, CgroupMaker maker = CgroupMaker::kHull);

namespace cgroup_detail {
void sleep_microseconds(long microseconds);
double seconds_now();
}  // namespace cgroup_detail

template <class Done>
bool wait_until(double seconds, const Done& done) {
  double deadline = cgroup_detail::seconds_now() + seconds;
  for (long pause = 50; !done(); pause = pause < 5000 ? pause * 2 : pause) {
    if (cgroup_detail::seconds_now() > deadline) return done();
    cgroup_detail::sleep_microseconds(pause);
  }
  return true;
}

}  // namespace hull::linux
