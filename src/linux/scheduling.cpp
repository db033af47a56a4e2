// SPDX-License-Identifier: Apache-2.0
#include "linux/scheduling.h"

#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "base/error.h"
#include "linux/number_list.h"

namespace hull::linux {

namespace {

struct Named {
  std::string_view name;
  std::uint64_t value;
};
constexpr Named kPolicies[] = {{"SCHED_OTHER", 0}, {"SCHED_FIFO", 1},     {"SCHED_RR", 2}, {"SCHED_BATCH", 3},
                               {"SCHED_IDLE", 5},  {"SCHED_DEADLINE", 6}, {"SCHED_ISO", 4}};
constexpr Named kSchedulerFlags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},     {"SCHED_FLAG_DL_OVERRUN", 0x04},
    {"SCHED_FLAG_KEEP_POLICY", 0x08},    {"SCHED_FLAG_KEEP_PARAMS", 0x10}, {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};
constexpr Named kIoClasses[] = {{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}};

// <linux/mempolicy.h> of Debian 12 ends before the last of the modes.
constexpr std::uint64_t kWeightedInterleave = 6;
constexpr Named kMemoryModes[] = {
    {"MPOL_DEFAULT", MPOL_DEFAULT},       {"MPOL_BIND", MPOL_BIND},
    {"MPOL_INTERLEAVE", MPOL_INTERLEAVE}, {"MPOL_WEIGHTED_INTERLEAVE", kWeightedInterleave},
    {"MPOL_PREFERRED", MPOL_PREFERRED},   {"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
    {"MPOL_LOCAL", MPOL_LOCAL},
};
constexpr Named kMemoryFlags[] = {
    {"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
    {"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
    {"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
};

template <std::size_t N>
std::uint64_t value_of(const Named (&table)[N], std::string_view name, std::string_view field) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.value;
  fail_invalid(field, ": unknown value ", quoted(name));
}

template <std::size_t N>
std::vector<std::string> names_of(const Named (&table)[N]) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

// struct sched_attr of sched_setattr(2); glibc 2.36 has none, and the kernel's header clashes with <sched.h>.
struct SchedulerAttributes {
  std::uint32_t size = sizeof(SchedulerAttributes), policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
};

// The kernel's form of a set of numbers.
std::vector<unsigned long> mask_of(const std::vector<unsigned>& numbers) {
  constexpr unsigned kBits = 8 * sizeof(unsigned long);
  std::vector<unsigned long> mask(1);
  for (unsigned number : numbers) {
    if (mask.size() <= number / kBits) mask.resize(number / kBits + 1);
    mask[number / kBits] |= 1UL << (number % kBits);
  }
  return mask;
}

}  // namespace

void set_scheduler(const oci::Scheduler& scheduler) {
  SchedulerAttributes attributes;
  attributes.policy = static_cast<std::uint32_t>(value_of(kPolicies, scheduler.policy, "process.scheduler.policy"));
  for (const auto& flag : scheduler.flags)
    attributes.flags |= value_of(kSchedulerFlags, flag, "process.scheduler.flags");
  attributes.nice = scheduler.nice;
  attributes.priority = static_cast<std::uint32_t>(scheduler.priority);
  attributes.runtime = scheduler.runtime;
  attributes.deadline = scheduler.deadline;
  attributes.period = scheduler.period;
  check(::syscall(SYS_sched_setattr, 0, &attributes, 0), "process.scheduler: sched_setattr", scheduler.policy);
}

void set_io_priority(const oci::IoPriority& priority) {
  std::uint64_t io_class = value_of(kIoClasses, priority.priority_class, "process.ioPriority.class");
  constexpr int kWhoProcess = 1, kClassShift = 13, kLowest = 7;
  if (priority.priority < 0 || priority.priority > kLowest)
    fail_invalid("process.ioPriority.priority: ", priority.priority, " is not between 0 and ", kLowest);
  check(::syscall(SYS_ioprio_set, kWhoProcess, 0, static_cast<int>(io_class << kClassShift) | priority.priority),
        "process.ioPriority: ioprio_set", priority.priority_class);
}

void set_memory_policy(const oci::MemoryPolicy& policy) {
  std::uint64_t mode = value_of(kMemoryModes, policy.mode, "linux.memoryPolicy.mode");
  for (const auto& flag : policy.flags) mode |= value_of(kMemoryFlags, flag, "linux.memoryPolicy.flags");
  std::vector<unsigned long> mask;
  if (!policy.nodes.empty()) mask = mask_of(parse_number_list(policy.nodes, "linux.memoryPolicy.nodes"));
  // The kernel takes the number of bits for one more than there are.
  unsigned long bits = mask.empty() ? 0 : mask.size() * 8 * sizeof(unsigned long) + 1;
  check(::syscall(SYS_set_mempolicy, static_cast<int>(mode), mask.empty() ? nullptr : mask.data(), bits),
        "linux.memoryPolicy: set_mempolicy", policy.mode);
}

std::vector<std::string> memory_policy_modes() { return names_of(kMemoryModes); }
std::vector<std::string> memory_policy_flags() { return names_of(kMemoryFlags); }

void reset_cpu_affinity() {
  constexpr std::size_t kWords = 8192 / (8 * sizeof(unsigned long));  // no kernel has more processors
  std::vector<unsigned long> all(kWords, ~0UL);
  // A filter around us may forbid it; then the container has the processors that we have.
  ::syscall(SYS_sched_setaffinity, 0, all.size() * sizeof(unsigned long), all.data());
}

void set_cpu_affinity(const std::string& list, const std::string& field) {
  auto mask = mask_of(parse_number_list(list, field));
  check(::syscall(SYS_sched_setaffinity, 0, mask.size() * sizeof(unsigned long), mask.data()),
        cat(field, ": sched_setaffinity"), list);
}

}  // namespace hull::linux
