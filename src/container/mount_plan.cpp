// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/error.h"
#include "container/mount_syntax.h"
#include "container/normalize.h"
#include "container/path_text.h"

namespace hull::container {

namespace {

using Lookup = std::function<StatePtr(std::string_view name)>;

// The other container is part of what the client asked for: that it is missing is its mistake, and a 404 would
// make it look for the image instead.
StatePtr other_container(const Lookup& container, std::string_view name) {
  try {
    return container(name);
  } catch (const Error& e) {
    if (e.kind() != Kind::kNotFound) throw;
    throw Error(Kind::kInvalidArgument, e.message());
  }
}

class Planner {
 public:
  explicit Planner(const Spec& spec) : spec_(spec) {
    for (const auto& [target, options] : spec.host.tmpfs) {
      std::string clean = checked_target(target);
      std::vector<std::string> wanted;
      for (std::string_view option : split(options, ',')) wanted.emplace_back(option);
      tmpfs_options(wanted);
      if (!tmpfs_.insert(std::move(clean)).second) duplicate(target);
    }
  }

  // What is named explicitly takes the place of what another container or the image has there, but no two of
  // them may be the same.
  void add_named(MountPlan plan) {
    const std::string& target = plan.point.destination;
    if (!named_.insert(target).second || tmpfs_.contains(target)) duplicate(target);
    std::erase_if(plans_, [&](const MountPlan& other) { return other.point.destination == target; });
    plans_.push_back(std::move(plan));
  }

  void add_unless_there(MountPlan plan) {
    const std::string& target = plan.point.destination;
    bool there = tmpfs_.contains(target) ||
                 std::ranges::any_of(plans_, [&](const MountPlan& other) { return other.point.destination == target; });
    if (!there) plans_.push_back(std::move(plan));
  }

  void add_from(const State& donor, const VolumesFrom& from) {
    for (const MountPoint& point : donor.mounts) {
      if (point.type != "bind" && point.type != "volume") continue;
      MountPlan plan;
      plan.point = point;
      plan.point.rw = point.rw && !from.read_only;
      plan.no_copy = true;
      std::erase_if(plans_, [&](const MountPlan& other) { return other.point.destination == point.destination; });
      plans_.push_back(std::move(plan));
    }
  }

  // The volumes that the image or Config.Volumes wants, with contents of their own.
  void add_anonymous() {
    for (const auto& [target, nothing] : spec_.config.volumes) {
      MountPlan plan;
      plan.point.type = "volume";
      plan.point.destination = checked_target(target);
      plan.point.driver = spec_.host.volume_driver.empty() ? "local" : spec_.host.volume_driver;
      plan.anonymous = true;
      add_unless_there(std::move(plan));
    }
  }

  std::vector<MountPlan> take() { return std::move(plans_); }

 private:
  [[noreturn]] static void duplicate(std::string_view target) { fail_invalid("Duplicate mount point: ", target); }

  const Spec& spec_;
  std::vector<MountPlan> plans_;
  std::set<std::string> named_, tmpfs_;
};

MountPlan following(MountPlan plan, const std::string& data_root) {
  if (plan.point.type != "bind" || !overlap(plan.point.source, data_root)) return plan;
  std::string& propagation = plan.point.propagation;
  if (!plan.own_propagation) propagation = "rslave";
  if (propagation != "rslave" && propagation != "rshared")
    fail_invalid("invalid mount config: must use either propagation mode \"rslave\" or \"rshared\" when mount source ",
                 "is within the daemon root, daemon root: ", quoted(data_root),
                 ", bind mount source: ", quoted(plan.point.source), ", propagation: ", quoted(propagation));
  return plan;
}

}  // namespace

std::vector<MountPlan> plan_mounts(const Spec& spec, const std::string& data_root,
                                   const std::function<StatePtr(std::string_view name)>& container) {
  const HostConfig& host = spec.host;
  Planner planner(spec);
  for (const std::string& text : host.volumes_from.value_or(Strings{})) {
    VolumesFrom from = parse_volumes_from(text);
    planner.add_from(*other_container(container, from.container), from);
  }
  for (const std::string& text : host.binds.value_or(Strings{}))
    planner.add_named(following(parse_bind(text, host.volume_driver), data_root));
  for (const MountSpec& mount : host.mounts) planner.add_named(following(plan_of(mount), data_root));
  planner.add_anonymous();
  return planner.take();
}

}  // namespace hull::container
