// SPDX-License-Identifier: Apache-2.0
#include "linux/cgroup_v2.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/rollback.h"
#include "base/text.h"
#include "linux/bpf_devices.h"
#include "oci/runtime_config.h"

// Version 2: one directory. A controller's files are there only when every group above has it in
// cgroup.subtree_control. Devices are no controller but a program attached to the directory.
namespace hull::linux {

namespace {

const CgroupHierarchy& unified() {
  for (const CgroupHierarchy& hierarchy : cgroup_hierarchies())
    if (hierarchy.unified) return hierarchy;
  fail(Kind::kInternal, "no cgroup file system is mounted");
}

// Hands all controllers of `dir` on to the groups below it. Some may be refused (cpu while there are real-time
// processes, anything while the group has processes of its own): then the others still go; a limit that
// needs the missing one will say so.
void hand_on_controllers(const CgroupDir& dir) {
  std::string available = dir.read("cgroup.controllers"), enabled = dir.read("cgroup.subtree_control");
  auto have = split(trim(enabled), ' ');
  std::vector<std::string> missing;
  for (std::string_view controller : split(trim(available), ' '))
    if (!controller.empty() && std::find(have.begin(), have.end(), controller) == have.end())
      missing.push_back(cat("+", controller));
  if (missing.empty() || dir.try_write("cgroup.subtree_control", join(missing, " ")) == 0) return;
  for (const std::string& controller : missing) dir.try_write("cgroup.subtree_control", controller);
}

bool populated(const CgroupDir& dir) { return parse_flat_keyed(dir.read("cgroup.events"))["populated"] != 0; }

// Waits for a line of cgroup.events: the kernel wakes pollers of the file at each change.
template <class Done>
bool wait_for_event(const CgroupDir& dir, double seconds, const Done& done) {
  UniqueFd events = dir.open_file("cgroup.events", O_RDONLY);
  double deadline = cgroup_detail::seconds_now() + seconds;
  while (true) {
    char text[256];
    (void)!::pread(events.get(), text, sizeof text, 0);  // poll tells of changes since the last read
    if (done()) return true;
    double left = deadline - cgroup_detail::seconds_now();
    if (left <= 0) return false;
    pollfd change{events.get(), POLLPRI, 0};
    ::poll(&change, 1, static_cast<int>(std::min(left, 1.0) * 1000) + 1);
  }
}

class CgroupV2 final : public Cgroup {
 public:
  CgroupV2(std::string path, CgroupMaker maker) : path_(std::move(path)), maker_(maker) {}

  void create(const oci::Resources& resources) override {
    std::string full = directory();
    Rollback rollback;
    make_parents();  // systemd has made them, but not with the controllers that it does not know (hugetlb, rdma)
    if (maker_ == CgroupMaker::kHull) {
      make_group(full);
      rollback.add("cgroup " + full, [full] { remove_group(full); });
    }
    dir_ = CgroupDir::open(full);
    apply(resources);
    open_for_join({});
    rollback.commit();
  }

  void update(const oci::Resources& resources) override {
    dir();
    apply(resources);
  }

  UniqueFd clone_target() const override {
    std::string target = directory() + below_;
    return UniqueFd(check(::open(target.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open", target));
  }

  void join() override {
    if (!procs_) open_for_join({});
    if (::write(procs_.get(), "0", 1) != 1) throw_errno("join the control group", path_);
  }

  void open_for_join(const Below& below) override {
    below_.clear();
    for (const auto& [controller, name] : below) {
      if (!controller.empty()) fail_invalid("cgroup v2 has one hierarchy: there is no group of ", controller, " alone");
      below_ = checked_cgroup_path(name);
    }
    procs_ = CgroupDir::open(directory() + below_).open_file("cgroup.procs", O_WRONLY);
  }

  void freeze() override {
    dir().set("the freezer", "cgroup.freeze", "1");
    if (wait_for_event(dir(), 10.0, [this] { return frozen(); })) return;
    dir().try_write("cgroup.freeze", "0");
    fail(Kind::kInternal, "the processes of the control group ", path_, " cannot be frozen");
  }

  void thaw() override { dir().set("the freezer", "cgroup.freeze", "0"); }

  bool frozen() const override { return exists() && parse_flat_keyed(dir().read("cgroup.events"))["frozen"] != 0; }

  CgroupStats stats() const override { return stats_v2(dir()); }
  CgroupDetails details() const override { return details_v2(dir()); }
  std::vector<pid_t> processes() const override { return processes_below(directory()); }
  bool exists() const override { return hull::exists(directory()); }

  UniqueFd oom_notifier() const override {
    if (!dir().has("memory.events")) return {};
    UniqueFd events = dir().open_file("memory.events", O_RDONLY);
    read_all(events.get());  // poll tells of changes since the last read
    return events;
  }

  void kill_all() override {
    if (!exists()) return;
    try {
      kill_what_is_there();
    } catch (const Error&) {
      if (exists()) throw;  // or else systemd was quicker: it removes a scope when its last process has ended
    }
  }

  void remove() override {
    remove_group(directory());
    procs_.reset();
    dir_ = {};
  }

  std::map<std::string, std::string> directories() const override { return {{"", directory()}}; }

 private:
  std::string directory() const { return unified().mount_point + path_; }

  void kill_what_is_there() {
    const CgroupDir& group = dir();
    bool by_kernel = group.try_write("cgroup.kill", "1") == 0;  // since Linux 5.14
    bool empty = wait_for_event(group, 10.0, [&] {
      if (!populated(group)) return true;
      if (!by_kernel) kill_frozen(group);
      return false;
    });
    if (!empty) fail(Kind::kInternal, "the control group ", path_, " still has processes ten seconds after SIGKILL");
  }

  const CgroupDir& dir() const {
    if (!dir_.valid()) dir_ = CgroupDir::open(directory());
    return dir_;
  }

  void make_group(const std::string& full) {
    if (::mkdir(full.c_str(), 0755) == 0) return;
    if (errno != EEXIST) throw_errno("mkdir", full);
    if (!processes_below(full).empty())
      throw Error(Kind::kConflict, cat("the control group ", full, " exists and has processes in it"), EEXIST, "mkdir");
    // A crashed predecessor's: made anew, so that none of its limits stay.
    remove_group(full);
    check(::mkdir(full.c_str(), 0755), "mkdir", full);
  }

  void make_parents() {
    std::string at = unified().mount_point;
    auto parts = split(std::string_view(path_).substr(1), '/');
    for (std::size_t i = 0; i < parts.size(); ++i) {
      hand_on_controllers(CgroupDir::open(at));
      at += cat("/", parts[i]);
      if (i + 1 < parts.size() && ::mkdir(at.c_str(), 0755) != 0 && errno != EEXIST) throw_errno("mkdir", at);
    }
  }

  void apply(const oci::Resources& resources) {
    set_limits_v2(dir_, resources);
    if (!resources.devices.empty()) {
      UniqueFd group(check(::open(directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", directory()));
      replace_device_program(group.get(), resources.devices);
    }
  }

  // Frozen processes cannot fork away from the list; v2 lets SIGKILL through to them.
  void kill_frozen(const CgroupDir& group) const {
    group.try_write("cgroup.freeze", "1");
    kill_processes(processes());
    group.try_write("cgroup.freeze", "0");
  }

  std::string path_;
  std::string below_;  // what open_for_join() was asked for, with a slash in front
  CgroupMaker maker_;
  mutable CgroupDir dir_;
  UniqueFd procs_;
};

}  // namespace

std::unique_ptr<Cgroup> make_cgroup_v2(std::string path, CgroupMaker maker) {
  return std::make_unique<CgroupV2>(std::move(path), maker);
}

}  // namespace hull::linux
