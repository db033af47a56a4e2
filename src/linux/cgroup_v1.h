// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "linux/cgroup.h"
#include "linux/cgroup_layout.h"

namespace hull::linux {

// The group's directory in each v1 hierarchy, in the order of the mounts.
class CgroupV1Dirs {
 public:
  struct Member {
    const CgroupHierarchy* hierarchy;
    CgroupDir dir;
  };

  void add(const CgroupHierarchy& hierarchy, CgroupDir dir) { members_.push_back({&hierarchy, std::move(dir)}); }
  void clear() { members_.clear(); }
  const std::vector<Member>& all() const { return members_; }
  // The directory in the hierarchy of `controller`; nullptr when that is not mounted.
  const CgroupDir* find(std::string_view controller) const;
  // The same for a limit that was asked for: throws Error{kInvalidArgument} naming `field` when there is none.
  const CgroupDir& need(std::string_view controller, std::string_view field) const;

 private:
  std::vector<Member> members_;
};

enum class CgroupChange : unsigned char { kCreate, kUpdate };

// Sets what `resources` names, in an order that the kernel accepts (cgroup_v1_limits.cpp).
void set_limits_v1(const CgroupV1Dirs& dirs, const oci::Resources& resources, CgroupChange change);
// A cpuset starts empty, and nobody can join it before it has processors and memory nodes: what the parent has.
void inherit_cpuset(const CgroupDir& dir, const std::string& mount_point);

CgroupStats stats_v1(const CgroupV1Dirs& dirs);
CgroupDetails details_v1(const CgroupV1Dirs& dirs);

}  // namespace hull::linux
