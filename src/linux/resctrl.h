// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "oci/runtime_config.h"

// Intel RDT through resctrl (Documentation/arch/x86/resctrl.rst): a group is a directory whose `schemata` says which
// part of the cache and of the memory's bandwidth its tasks have; a monitoring group below it counts what they use.
namespace hull::linux {

inline constexpr const char* kResctrlRoot = "/sys/fs/resctrl";

class ResctrlGroup {
 public:
  // `id`: the container's. Nothing is touched yet. Throws Error{kInvalidArgument} for a class of service that is no
  // name.
  ResctrlGroup(const oci::IntelRdt& config, const std::string& id, std::string root = kResctrlRoot);

  // Makes the group, or joins the existing one that linux.intelRdt.closID names, and writes the schemata. A group that
  // exists keeps its schemata: if others are asked for that is an Error{kConflict}. Throws Error{kInvalidArgument} when
  // resctrl is not mounted, and for schemata that the kernel refuses (with its reason).
  void create();
  std::vector<std::string> present_schemata() const;  // the lines as they are; none without a group
  void update() const;                                // writes the schemata of a group that exists
  void add(pid_t pid) const;                          // throws errno
  // What create() made goes away; a class that the configuration names may be somebody else's, and stays. Idempotent.
  void remove() const;

 private:
  std::string schemata() const;
  void write_schemata(const std::string& wanted) const;
  std::string monitor() const { return directory_ + "/mon_groups/" + id_; }

  oci::IntelRdt config_;
  std::string id_, root_, directory_;
};

}  // namespace hull::linux
