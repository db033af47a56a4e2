// SPDX-License-Identifier: Apache-2.0
#include "runtime/restore.h"

#include <sched.h>

#include "base/file.h"
#include "base/rollback.h"
#include "linux/child.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "runtime/device_rules.h"
#include "runtime/failure.h"
#include "runtime/host_program.h"
#include "runtime/input_mounts.h"

namespace hull::runtime {

namespace {

class RestoredInit final : public Init {
 public:
  RestoredInit(linux::Child child, std::unique_ptr<linux::Cgroup> cgroup)
      : pid_(child.pid()), child_(std::move(child)), cgroup_(std::move(cgroup)) {}

  pid_t pid() const override { return pid_; }
  int pidfd() const override { return child_.pidfd(); }
  UniqueFd take_console() override { return {}; }
  linux::Cgroup& cgroup() override { return *cgroup_; }
  void release() override {}
  void release_ownership() override { child_.release(); }

 private:
  pid_t pid_;
  linux::Child child_;
  std::unique_ptr<linux::Cgroup> cgroup_;
};

// What stands in for what was foreign when the container was dumped.
struct Replacements {
  std::vector<int> descriptors;
  std::vector<Inherited> inherited;

  void add(int descriptor, std::string name) {
    if (descriptor < 0 || name.empty()) return;
    inherited.push_back({kFirstDescriptor + static_cast<int>(descriptors.size()), std::move(name)});
    descriptors.push_back(descriptor);
  }
};

Replacements replacements_of(const Restore& restore, const Handles& handles) {
  Replacements found;
  found.add(handles.network_namespace, std::string(kNetworkName));
  const int streams[] = {handles.in < 0 ? STDIN_FILENO : handles.in, handles.out, handles.err};
  for (std::size_t i = 0; i < restore.descriptors.size() && i < std::size(streams); ++i)
    found.add(streams[i], restore.descriptors[i]);
  return found;
}

[[noreturn]] void throw_failure(const std::string& reason) {
  Failure failure;
  failure.step = Step::kClone;
  failure.message = cat("OCI runtime restore failed: criu cannot restore the container: ", reason);
  throw StartError(std::move(failure));
}

void run_criu(const Restore& restore, const Handles& handles, const StartOptions& options, linux::Cgroup& cgroup) {
  constexpr int kPatienceMilliseconds = 600'000;
  Replacements replacements = replacements_of(restore, handles);
  UniqueFd target = cgroup.clone_target();
  HostProgram program;
  program.command = command_of(restore, options.bundle, rootfs_path(options.bundle), replacements.inherited);
  program.descriptors = replacements.descriptors;
  program.cgroup = target.get();
  program.patience_ms = kPatienceMilliseconds;
  // The processes stay where criu is.
  program.prepare = [&] {
    if (!target) cgroup.join();
    if (restore.cgroup_namespace) linux::leave_namespaces(CLONE_NEWCGROUP);
  };
  auto status = run_host_program(program);
  if (status == 0) return;
  if (!status) throw_failure(cat("it was not done after ", kPatienceMilliseconds / 60'000, " minutes"));
  std::string reason = criu_reason(read_if_exists(cat(options.bundle, "/", kRestoreLog)).value_or(""));
  throw_failure(reason.empty() ? cat("it ended with exit code ", exit_code(*status)) : reason);
}

}  // namespace

std::unique_ptr<Init> restore(const Restore& restore, const oci::RuntimeConfig& config, const Handles& handles,
                              const StartOptions& options) {
  Progress progress;
  try {
    progress.at(Step::kRootfs);
    mount_inputs(options.bundle, handles);
    auto cgroup = linux::make_cgroup(options.cgroup_driver, config.linux.cgroups_path, config.annotations);
    Rollback mounts, rollback;
    mounts.add("mounts", [&] { unmount_inputs(options.bundle); });  // in any case: the processes have their own by then
    progress.at(Step::kCgroup, config.linux.cgroups_path);
    cgroup->create(with_default_devices(config.linux.resources.value_or(oci::Resources{})));
    rollback.add("cgroup", [&] {
      if (!cgroup->processes().empty()) cgroup->kill_all();
      cgroup->remove();
    });
    progress.at(Step::kClone);
    run_criu(restore, handles, options, *cgroup);
    // From here on the processes exist.
    auto pid = parse_number<pid_t>(trim(read_file(cat(options.bundle, "/", kRestoredPid))));
    auto pidfd = pid ? linux::open_pidfd(*pid) : std::nullopt;
    if (!pidfd) throw_failure("it has left no process behind");
    linux::Child child(*pid, std::move(*pidfd));
    cgroup->occupied();
    rollback.commit();
    return std::make_unique<RestoredInit>(std::move(child), std::move(cgroup));
  } catch (const StartError&) {
    throw;
  } catch (const Error& e) {
    throw StartError(make_failure(e, progress, Phase::kCreate));
  }
}

}  // namespace hull::runtime
