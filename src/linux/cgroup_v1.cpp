// SPDX-License-Identifier: Apache-2.0
#include "linux/cgroup_v1.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/rollback.h"
#include "base/text.h"
#include "oci/runtime_config.h"

// Version 1: a group is one directory of the same name in each mounted hierarchy. A process joins them one by
// one, through the `tasks` files: moving a single thread takes a cheap lock, where cgroup.procs moves a whole
// process under a global one that costs milliseconds after some idle time.
namespace hull::linux {

namespace {

bool has_controller(const CgroupHierarchy& hierarchy, std::string_view controller) {
  return std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(), controller) !=
         hierarchy.controllers.end();
}

// mkdir -p below the mount point. A directory that a crashed predecessor left is made anew, so that none of
// its limits stay; one with processes in it is somebody's.
void make_group(const CgroupHierarchy& hierarchy, const std::string& path, CgroupMaker maker) {
  std::string full = hierarchy.mount_point + path;
  if (::mkdir(full.c_str(), 0755) == 0) return;
  if (errno == ENOENT) {
    make_directories(full.substr(0, full.rfind('/')));
    if (::mkdir(full.c_str(), 0755) == 0) return;
  }
  if (errno != EEXIST) throw_errno("mkdir", full);
  if (maker == CgroupMaker::kSystemd) return;
  if (!processes_below(full).empty())
    throw Error(Kind::kConflict, cat("the control group ", full, " exists and has processes in it"), EEXIST, "mkdir");
  remove_group(full);
  check(::mkdir(full.c_str(), 0755), "mkdir", full);
}

class CgroupV1 final : public Cgroup {
 public:
  CgroupV1(std::string path, CgroupMaker maker) : path_(std::move(path)), maker_(maker) {}

  void create(const oci::Resources& resources) override {
    Rollback rollback;
    dirs_.clear();
    for (const CgroupHierarchy& hierarchy : hierarchies()) {
      make_group(hierarchy, path_, maker_);
      std::string full = hierarchy.mount_point + path_;
      if (maker_ == CgroupMaker::kHull) rollback.add("cgroup " + full, [full] { remove_group(full); });
      dirs_.add(hierarchy, CgroupDir::open(full));
      if (has_controller(hierarchy, "cpuset")) inherit_cpuset(dirs_.all().back().dir, hierarchy.mount_point);
    }
    set_limits_v1(dirs_, resources, CgroupChange::kCreate);
    open_task_files({});
    rollback.commit();
  }

  void update(const oci::Resources& resources) override { set_limits_v1(dirs(), resources, CgroupChange::kUpdate); }

  UniqueFd clone_target() const override { return {}; }

  void join() override {
    if (tasks_.empty()) open_for_join({});
    for (const UniqueFd& file : tasks_)
      if (::write(file.get(), "0", 1) != 1) throw_errno("join the control group", path_);
  }

  void open_for_join(const Below& below) override {
    if (dirs().all().empty())
      throw Error(Kind::kNotFound, cat("the control group ", path_, " does not exist"), ENOENT, "open");
    for (const auto& [controller, name] : below)
      if (!controller.empty() && !dirs().find(controller))
        fail_invalid("unknown cgroup controller ", quoted(controller));
    open_task_files(below);
  }

  void freeze() override {
    const CgroupDir& dir = need_freezer();
    int attempt = 0;
    bool done = wait_until(10.0, [&] {
      // A process that forks while the state is FREEZING can keep the group from ever getting there: let
      // everybody go for a moment, and try again.
      if (++attempt % 50 == 0) dir.set("the freezer", "freezer.state", "THAWED");
      dir.set("the freezer", "freezer.state", "FROZEN");
      return trim(dir.read("freezer.state")) == "FROZEN";
    });
    if (done) return;
    dir.try_write("freezer.state", "THAWED");
    fail(Kind::kInternal, "the processes of the control group ", path_, " cannot be frozen");
  }

  void thaw() override { need_freezer().set("the freezer", "freezer.state", "THAWED"); }

  bool frozen() const override {
    const CgroupDir* dir = dirs().find("freezer");
    if (!dir) return false;
    std::string state = dir->read("freezer.state");
    return trim(state) == "FROZEN" || trim(state) == "FREEZING";
  }

  CgroupStats stats() const override { return stats_v1(dirs()); }
  CgroupDetails details() const override { return details_v1(dirs()); }

  std::vector<pid_t> processes() const override {
    for (const char* controller : {"freezer", "pids", "devices", "memory"})
      for (const CgroupHierarchy& hierarchy : hierarchies())
        if (std::string full = hierarchy.mount_point + path_;
            has_controller(hierarchy, controller) && hull::exists(full))
          return processes_below(full);
    return dirs().all().empty() ? std::vector<pid_t>() : processes_below(dirs().all().front().dir.path());
  }

  bool exists() const override {
    return std::any_of(hierarchies().begin(), hierarchies().end(), [this](const CgroupHierarchy& hierarchy) {
      return hull::exists(hierarchy.mount_point + path_);
    });
  }

  UniqueFd oom_notifier() const override {
    const CgroupDir* dir = dirs().find("memory");
    if (!dir) return {};
    UniqueFd event(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
    UniqueFd control = dir->open_file("memory.oom_control", O_RDONLY);
    if (int code = dir->try_write("cgroup.event_control", cat(event.get(), " ", control.get())))
      throw_errno("write", dir->path() + "/cgroup.event_control", code);
    return event;
  }

  void kill_all() override {
    bool empty = wait_until(10.0, [&] {
      if (processes().empty()) return true;
      const CgroupDir* freezer = dirs().find("freezer");
      // Frozen processes cannot fork away from the list that was read; the signal acts when they are let go.
      if (freezer) freezer->try_write("freezer.state", "FROZEN");
      kill_processes(processes());
      if (freezer) freezer->try_write("freezer.state", "THAWED");
      return false;
    });
    if (!empty) fail(Kind::kInternal, "the control group ", path_, " still has processes ten seconds after SIGKILL");
  }

  void remove() override {
    for (const CgroupHierarchy& hierarchy : hierarchies()) remove_group(hierarchy.mount_point + path_);
    tasks_.clear();
    dirs_.clear();
  }

  std::map<std::string, std::string> directories() const override {
    std::map<std::string, std::string> out;
    for (const CgroupHierarchy& hierarchy : hierarchies()) {
      std::string full = hierarchy.mount_point + path_;
      if (hierarchy.controllers.empty()) out.emplace("name=" + hierarchy.name, full);
      for (const std::string& controller : hierarchy.controllers) out.emplace(controller, full);
    }
    return out;
  }

 private:
  static const std::vector<CgroupHierarchy>& hierarchies() {
    static const std::vector<CgroupHierarchy> v1 = [] {
      auto all = cgroup_hierarchies();
      std::erase_if(all, [](const CgroupHierarchy& hierarchy) { return hierarchy.unified; });
      return all;
    }();
    return v1;
  }

  // Opened at the first use, for groups that somebody else made. Hierarchies that lack the group are left out.
  const CgroupV1Dirs& dirs() const {
    if (!dirs_.all().empty()) return dirs_;
    for (const CgroupHierarchy& hierarchy : hierarchies()) {
      std::string full = hierarchy.mount_point + path_;
      if (hull::exists(full)) dirs_.add(hierarchy, CgroupDir::open(full));
    }
    return dirs_;
  }

  const CgroupDir& need_freezer() const {
    const CgroupDir* dir = dirs().find("freezer");
    if (!dir)
      fail(Kind::kNotFound, "the control group ", path_, " has no freezer: it does not exist, or is not mounted");
    return *dir;
  }

  void open_task_files(const Below& below) {
    tasks_.clear();
    for (const auto& member : dirs_.all()) {
      std::string name;
      for (const auto& [controller, group] : below)
        if (controller.empty() || has_controller(*member.hierarchy, controller)) name = checked_cgroup_path(group);
      tasks_.push_back(name.empty() ? member.dir.open_file("tasks", O_WRONLY)
                                    : CgroupDir::open(member.dir.path() + name).open_file("tasks", O_WRONLY));
    }
  }

  std::string path_;
  CgroupMaker maker_;
  mutable CgroupV1Dirs dirs_;
  std::vector<UniqueFd> tasks_;
};

}  // namespace

const CgroupDir* CgroupV1Dirs::find(std::string_view controller) const {
  for (const Member& member : members_)
    if (has_controller(*member.hierarchy, controller)) return &member.dir;
  return nullptr;
}

const CgroupDir& CgroupV1Dirs::need(std::string_view controller, std::string_view field) const {
  if (const CgroupDir* dir = find(controller)) return *dir;
  fail_invalid("cannot set ", field, ": the cgroup controller ", controller, " is not mounted");
}

std::unique_ptr<Cgroup> make_cgroup_v1(std::string path, CgroupMaker maker) {
  return std::make_unique<CgroupV1>(std::move(path), maker);
}

}  // namespace hull::linux
