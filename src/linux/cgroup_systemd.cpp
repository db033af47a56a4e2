// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "linux/cgroup_layout.h"
#include "linux/child.h"
#include "linux/systemd_scope.h"

// The systemd driver: systemd makes the group, as a scope, and hands it to us; what we do in it is what the cgroupfs
// driver does. A scope cannot be without a process, and our first one is made into its group: until it is there,
// another one that only sleeps keeps the place.
namespace hull::linux {

namespace {

Child start_place_keeper() {
  UniqueFd pidfd;
  pid_t pid = clone_process(0, -1, pidfd);
  if (pid == 0) {
    die_with_parent();
    ::close_range(0, ~0U, 0);
    for (;;) ::pause();
  }
  return Child(pid, std::move(pidfd));
}

class CgroupSystemd final : public Cgroup {
 public:
  CgroupSystemd(const std::string& path, std::vector<UnitSetting> settings)
      : scope_(parse_scope(path)), settings_(std::move(settings)) {
    std::string below = scope_path(scope_);
    group_ = cgroup_facts().version == CgroupVersion::kV2 ? make_cgroup_v2(below, CgroupMaker::kSystemd)
                                                          : make_cgroup_v1(below, CgroupMaker::kSystemd);
  }

  void create(const oci::Resources& resources) override {
    place_keeper_ = start_place_keeper();
    start_scope(scope_, place_keeper_.pid(), resources, settings_);
    try {
      group_->create(resources);
    } catch (...) {
      remove();
      throw;
    }
  }
  void occupied() override { place_keeper_.kill_and_reap(); }

  void update(const oci::Resources& resources) override {
    update_scope(scope_, resources);
    group_->update(resources);
  }

  void remove() override {
    place_keeper_.kill_and_reap();
    group_->remove();  // systemd sees that it is empty, and forgets the scope
    try {
      stop_scope(scope_);
    } catch (const Error& e) {
      log::warn("the scope of a container that has ended: ", e.message());
    }
  }

  UniqueFd clone_target() const override { return group_->clone_target(); }
  void join() override { group_->join(); }
  void open_for_join(const Below& below) override { group_->open_for_join(below); }
  void freeze() override { group_->freeze(); }
  void thaw() override { group_->thaw(); }
  bool frozen() const override { return group_->frozen(); }
  CgroupStats stats() const override { return group_->stats(); }
  CgroupDetails details() const override { return group_->details(); }
  std::vector<pid_t> processes() const override { return group_->processes(); }
  bool exists() const override { return group_->exists(); }
  UniqueFd oom_notifier() const override { return group_->oom_notifier(); }
  void kill_all() override { group_->kill_all(); }
  std::map<std::string, std::string> directories() const override { return group_->directories(); }

 private:
  Scope scope_;
  std::vector<UnitSetting> settings_;
  std::unique_ptr<Cgroup> group_;
  Child place_keeper_;
};

}  // namespace

std::unique_ptr<Cgroup> make_cgroup_systemd(const std::string& path, std::vector<UnitSetting> settings) {
  return std::make_unique<CgroupSystemd>(path, std::move(settings));
}

}  // namespace hull::linux
