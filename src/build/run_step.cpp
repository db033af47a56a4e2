// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/confined.h"
#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
#include "build/builder.h"
#include "build/executor.h"
#include "linux/root_dir.h"
#include "store/layout.h"

// RUN: the container of a command.
namespace hull::build {

namespace {

// Names in a root file system that the mounts of a RUN need and that are not there: the runtime makes them, and they
// are no part of the result. Links on the way are followed as the runtime will.
class MountPoints {
 public:
  MountPoints(int root, std::string upper) : root_(root), upper_(std::move(upper)) {}

  void expect(const std::string& target) {
    linux::RootDir root(root_);
    const std::string clean = linux::clean_path(target);
    std::string real, path;
    bool missing = false;
    for (std::string_view part : split(clean, '/')) {
      if (part.empty()) continue;
      path += cat("/", part);
      if (!missing) {
        if (auto there = root.open_if_exists(path, O_PATH)) {
          real = path_of(there->get());
          continue;
        }
      }
      missing = true;
      real += cat("/", part);
      made_.push_back(real);
    }
  }

  // What is still empty goes; what the command put there itself stays.
  void remove() const {
    for (auto path = made_.rbegin(); path != made_.rend(); ++path) {
      UniqueFd upper = open_file(upper_, O_RDONLY | O_DIRECTORY);
      auto slash = path->rfind('/');
      std::string parent_path = slash == 0 ? "." : path->substr(1, slash - 1), name = path->substr(slash + 1);
      UniqueFd parent = archive::open_confined(upper.get(), parent_path, O_RDONLY | O_DIRECTORY);
      struct stat info {};
      if (!parent || ::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) continue;
      if (S_ISDIR(info.st_mode))
        ::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR);
      else if (S_ISREG(info.st_mode) && info.st_size == 0)
        ::unlinkat(parent.get(), name.c_str(), 0);
    }
  }

 private:
  static std::string path_of(int fd) {
    std::string path(4096, '\0');
    ssize_t size = ::readlink(cat("/proc/self/fd/", fd).c_str(), path.data(), path.size());
    path.resize(static_cast<std::size_t>(check(size, "readlink")));
    return path == "/" ? "" : path;
  }

  int root_;
  std::string upper_;
  std::vector<std::string> made_;  // parents first
};

}  // namespace

container::Spec Executor::spec_of(const Node& node) const {
  const auto& run = *node.instruction.as<dockerfile::Run>();
  container::Spec spec;
  spec.config.hostname = request_.hostname;
  spec.config.user = node.config.user;
  spec.config.working_dir = node.folder;
  spec.config.cmd = node.command;
  spec.config.entrypoint = container::Strings{};
  spec.config.env = node.environment;
  spec.config.image = "build";
  spec.host = request_.host;
  if (run.network != "default") spec.host.network_mode = run.network;
  if (spec.host.network_mode.empty()) spec.host.network_mode = "default";
  if (spec.host.network_mode.starts_with("container:")) spec.config.hostname.clear();  // it has the other's
  if (run.network == "host" && !request_.allow_host_network)
    fail_invalid("granting entitlement network.host is not allowed: give --allow network.host");
  if (run.insecure && !request_.allow_insecure)
    fail_invalid("granting entitlement security.insecure is not allowed: give --allow security.insecure");
  spec.host.privileged = run.insecure;
  for (const dockerfile::RunDevice& device : run.devices)
    if (device.required) fail_invalid("the device ", device.name, " is not there: no CDI device is known to hull");
  return spec;
}

void Executor::run_command(const Node& node, const std::string& id) {
  std::size_t index = node.facts.number;
  container::StepRequest step;
  step.id = id;
  step.spec = spec_of(node);
  step.output = [&](std::string_view data, bool is_stderr) { observer_.output(index, data, is_stderr); };

  RunMounts mounts;
  Rollback undo;
  mounts.directory = cat(shared_.exec_root, "/build/", id);
  undo.add("files of a build step", [&] { remove_tree(mounts.directory); });
  mounts.scratch = store::incoming_path(shared_.data_root, "build-mounts");
  undo.add("writable mounts", [&] { remove_tree(mounts.scratch); });
  add_mounts(node, step, mounts);
  for (const std::string& one : node.proxies) step.spec.config.env->push_back(one);
  for (const std::string& one : mounts.environment) step.spec.config.env->push_back(one);

  std::string upper = shared_.services().snapshots.upper_directory(id);
  std::optional<MountPoints> points;
  if (!step.mounts.empty()) {
    auto root = shared_.services().snapshots.mount(id, true);
    points.emplace(root.get(), upper);
    for (const oci::Mount& mount : step.mounts) points->expect(mount.destination);
  }
  observer_.running(index, id);
  shim::ExitRecord exit = shared_.engine.run_step(std::move(step), stop_.get_token());
  if (points) points->remove();
  if (exit.code == 0) return;
  std::string command = join(node.command, " ");
  // Docker's words, which clients look for.
  throw RunFailed(cat("The command '", command, "' returned a non-zero code: ", exit.code,
                      exit.oom_killed ? " (it ran out of memory)" : ""),
                  node.lines, exit.code);
}

}  // namespace hull::build
