// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace hull::oci {
struct Resources;
}

// Control groups, without their versions: limits go in, statistics come out. Two implementations
// (cgroup_v1.cpp: one directory in each mounted subsystem's hierarchy; cgroup_v2.cpp: one directory and a
// BPF program for devices) share this interface and nothing else.
namespace hull::linux {

enum class CgroupVersion : unsigned char { kV1, kV2, kHybrid };  // kHybrid: v1 controllers, v2 also mounted

struct CgroupFacts {
  CgroupVersion version = CgroupVersion::kV1;
  std::vector<std::string> subsystems;  // "cpu", "cpuacct", "memory", … as usable on this machine, sorted
  bool has(std::string_view subsystem) const;
};
// Read from /proc/self/mountinfo and /proc/cgroups once per process.
const CgroupFacts& cgroup_facts();

enum class CgroupDriver : unsigned char { kCgroupfs, kSystemd };

struct BlockIoEntry {
  std::uint64_t major = 0, minor = 0;
  std::string operation;  // "read", "write", "sync", "async", "discard", "total" in v1; "read", "write" in v2
  std::uint64_t value = 0;
};

struct CgroupStats {
  // Nanoseconds.
  std::uint64_t cpu_total = 0, cpu_user = 0, cpu_system = 0;
  std::vector<std::uint64_t> cpu_per_cpu;  // v1 only
  std::uint64_t throttled_periods = 0, periods = 0, throttled_time = 0;
  // Bytes. memory_limit is the kernel's figure (huge when unlimited), not capped to the machine's memory.
  std::uint64_t memory_usage = 0, memory_max_usage = 0, memory_limit = 0, memory_failcnt = 0;
  std::map<std::string, std::uint64_t> memory_stat;  // the keys of memory.stat
  std::uint64_t pids_current = 0, pids_limit = 0;    // limit 0: none
  std::vector<BlockIoEntry> io_service_bytes, io_serviced;
  std::uint64_t oom_kills = 0;
  bool waits_for_memory = false;  // v1 with the killer off: processes stand still until somebody frees some
};

// What only `hull-runtime events` shows, and costs many more files to read.
struct CounterStats {
  std::uint64_t usage = 0, max = 0, limit = 0, failures = 0;
};
struct CgroupDetails {
  CounterStats swap, kernel, kernel_tcp;        // bytes; in v1 swap includes memory
  std::map<std::string, CounterStats> hugetlb;  // by page size: "2MB"
  std::vector<unsigned> cpus, mems;
};

class Cgroup {
 public:
  virtual ~Cgroup() = default;

  // Makes the group (in every subsystem) and sets `resources`. Each refused value is an
  // Error{kInvalidArgument} that names the field, the value and the kernel's reason. Existing empty
  // directories of a crashed predecessor are taken over. What was made is removed again on failure.
  virtual void create(const oci::Resources& resources) = 0;
  // The first process is inside: what create() may have put there to keep the place ends. Idempotent.
  virtual void occupied() {}
  // Sets what is given in `resources`, leaves the rest. In an order that the kernel accepts (memory before or
  // after swap). Errors as for create().
  virtual void update(const oci::Resources& resources) = 0;

  // A descriptor for clone3(CLONE_INTO_CGROUP); invalid where the version has no such thing (v1), and then
  // the child calls join() itself while it is single-threaded.
  virtual UniqueFd clone_target() const = 0;
  // Moves the calling (single-threaded) process in. v1: writes 0 to every `tasks` (PERF: 0.04 ms, where
  // cgroup.procs costs 7.8). Uses descriptors that create()/open_for_join() left open, so that it works
  // after pivot_root, and inside a child of fork.
  virtual void join() = 0;
  // Opens what join() needs; for joining a group that somebody else made (exec). `below`: groups below it to join
  // instead, by controller, or one for all under the name ""; clone_target() is that one, too. Throws
  // Error{kInvalidArgument} for a name that leads out of the group.
  using Below = std::map<std::string, std::string>;
  virtual void open_for_join(const Below& below = {}) = 0;

  virtual void freeze() = 0;  // blocks until all are frozen, at most ten seconds
  virtual void thaw() = 0;
  virtual bool frozen() const = 0;
  virtual CgroupStats stats() const = 0;
  virtual CgroupDetails details() const = 0;
  virtual std::vector<pid_t> processes() const = 0;  // of it and of the groups below; may be empty
  virtual bool exists() const = 0;
  // A descriptor that polls readable (POLLPRI for v2 files, POLLIN for the v1 eventfd) after an OOM kill;
  // invalid when the memory controller is absent.
  virtual UniqueFd oom_notifier() const = 0;

  // SIGKILLs everybody inside (cgroup.kill where there is one) until none is left, at most ten seconds.
  virtual void kill_all() = 0;
  // Removes the group and the groups below it. Idempotent. Retries EBUSY for a short while; then throws.
  virtual void remove() = 0;

  // Where it is: subsystem ("" on v2) to absolute directory. For mounts inside the container and for messages.
  virtual std::map<std::string, std::string> directories() const = 0;
};

// What stands in for a group that the caller has no right to make: every limit is refused, nothing else happens.
std::unique_ptr<Cgroup> no_cgroup();

// `path`: cgroupfs: "/hull/<id>", below the mount point of each subsystem. systemd: the OCI form
// "slice:prefix:name" ("system.slice:hull:<id>"). Nothing is touched on disk before create(). `annotations`: of the
// container; the systemd driver makes the scope with the properties that they name (linux/unit_property.h).
// Throws Error{kInvalidArgument} for a path with ".." or of the other driver's form, and for a property's wrong value.
std::unique_ptr<Cgroup> make_cgroup(CgroupDriver driver, const std::string& path,
                                    const std::map<std::string, std::string>& annotations = {});

}  // namespace hull::linux
