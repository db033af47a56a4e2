// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include <algorithm>
#include <span>

#include "base/file.h"
#include "base/process.h"
#include "linux/device_node.h"
#include "linux/file_identity.h"
#include "linux/foreground.h"
#include "linux/mount_options.h"
#include "linux/mounts.h"
#include "linux/network_namespace.h"
#include "linux/root_dir.h"
#include "oci/json.h"
#include "runtime/criu.h"
#include "runtime/restore.h"
#include "runtime_create.h"
#include "runtime_files.h"

namespace hull::runtime_cli {

namespace {

// What of the container's surroundings is in the images, so that a restore can put others in their place.
constexpr const char* kSurroundings = "/hull-surroundings.json";

// runc's flags that are criu's under the same name.
constexpr std::string_view kPassedOn[] = {"tcp-established", "ext-unix-sk", "shell-job",
                                          "auto-dedup",      "lazy-pages",  "link-remap"};

const std::vector<Flag> kCheckpointFlags = {
    {"image-path", "", true},          {"work-path", "", true},
    {"parent-path", "", true},         {"leave-running", "", false},
    {"tcp-established", "", false},    {"ext-unix-sk", "", false},
    {"shell-job", "", false},          {"lazy-pages", "", false},
    {"status-fd", "", true},           {"page-server", "", true},
    {"file-locks", "", false},         {"pre-dump", "", false},
    {"manage-cgroups-mode", "", true}, {"empty-ns", "", true},
    {"auto-dedup", "", false},         {"link-remap", "", false},
    {"tcp-skip-in-flight", "", false},
};

std::vector<Flag> restore_flags() {
  std::vector<Flag> flags = kCreateFlags;
  for (std::string_view name :
       {"image-path", "work-path", "manage-cgroups-mode", "empty-ns", "lsm-profile", "lsm-mount-context"})
    flags.push_back({name, "", true});
  for (std::string_view name :
       {"tcp-established", "ext-unix-sk", "shell-job", "file-locks", "auto-dedup", "lazy-pages"})
    flags.push_back({name, "", false});
  return flags;
}

std::string image_path(const Arguments& arguments) { return absolute_path(arguments.get("image-path", "checkpoint")); }

std::string find_criu(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const char* directory : {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/"})
    if (exists(directory + name)) return directory + name;
  fail(Kind::kUnavailable, "a checkpoint needs criu: install it, or name it with --criu");
}

// A file of the user's with options of criu: what is on the command line goes before it. runc's name for it, so that
// what is set up for runc is found; an annotation names another one, or, empty, none.
std::string criu_configuration(const oci::RuntimeConfig& config) {
  auto named = config.annotations.find("org.criu.config");
  std::string path = named == config.annotations.end() ? "/etc/criu/runc.conf" : named->second;
  return exists(path) ? path : "";
}

std::vector<std::string> common_options(const Arguments& arguments, const oci::RuntimeConfig& config) {
  std::vector<std::string> options;
  if (std::string file = criu_configuration(config); !file.empty()) options = {"--config", file};
  for (std::string_view name : kPassedOn)
    if (arguments.has(name)) options.push_back(cat("--", name));
  for (const auto& name : arguments.all("empty-ns")) {
    if (name != "network") fail_invalid("namespace ", quoted(name), " is not supported");
    options.insert(options.end(), {"--empty-ns", "net"});
  }
  return options;
}

// Whom the control group holds still (a caller may have paused it) must be able to move for criu: it thaws the group
// once it has a hold of each process, and leaves it as it was.
std::string freezer_of(const Container& container) {
  auto group = container.cgroup();
  if (!group->exists()) return {};
  auto directories = group->directories();
  for (const char* subsystem : {"freezer", ""})
    if (auto found = directories.find(subsystem); found != directories.end()) return found->second;
  return {};
}

std::vector<std::string> dump_options(const Arguments& arguments, const Container& container) {
  auto options = common_options(arguments, container.config);
  auto add = [&](const char* option, std::string value) {
    options.emplace_back(option);
    options.push_back(std::move(value));
  };
  if (std::string freezer = freezer_of(container); !freezer.empty()) add("--freeze-cgroup", freezer);
  if (arguments.has("tcp-skip-in-flight")) options.emplace_back("--skip-in-flight");
  if (arguments.has("status-fd")) add("--status-fd", arguments.get("status-fd"));
  if (arguments.has("work-path")) add("--work-dir", absolute_path(arguments.get("work-path")));
  if (arguments.has("pre-dump")) options.emplace_back("--track-mem");
  if (arguments.has("page-server")) {
    std::string text = arguments.get("page-server");
    auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0 || !parse_number<std::uint16_t>(text.substr(colon + 1)))
      fail_invalid("Use --page-server ADDRESS:PORT to specify page server");
    options.emplace_back("--page-server");
    add("--address", text.substr(0, colon));
    add("--port", text.substr(colon + 1));
  }
  if (arguments.has("parent-path")) {
    std::string parent = arguments.get("parent-path");
    if (parent.starts_with('/')) fail_invalid("--parent-path must be relative");
    if (!exists(cat(image_path(arguments), "/", parent))) fail_invalid("invalid --parent-path: there is no ", parent);
    add("--prev-images-dir", parent);
    options.emplace_back("--track-mem");
  }
  return options;
}

// Where the log of criu's run is.
std::string log_directory(const Arguments& arguments) {
  return arguments.has("work-path") ? absolute_path(arguments.get("work-path")) : image_path(arguments);
}

void dump(const runtime::Dump& what, const std::string& logs) {
  ProcessOutput done = run_program(runtime::command_of(what));
  if (done.exit_code == 0) return;
  std::string log = read_if_exists(cat(logs, "/", runtime::kDumpLog)).value_or("");
  std::string reason = runtime::criu_reason(log + done.errors);
  fail(Kind::kInternal, "criu failed: ", reason.empty() ? cat("it ended with exit code ", done.exit_code) : reason,
       " (log file: ", logs, "/", runtime::kDumpLog, ")");
}

std::string source_of(const Container& container, const oci::Mount& mount) {
  return mount.source.starts_with('/') ? mount.source : cat(container.bundle, "/", mount.source);
}

// Of the mounts in `earlier` the one that `path` is in, if any.
const oci::Mount* mount_around(std::span<const oci::Mount> earlier, const std::string& path) {
  const oci::Mount* found = nullptr;
  std::size_t longest = 0;
  for (const auto& mount : earlier) {
    std::string point = linux::clean_path(mount.destination);
    if (!path.starts_with(point + "/") || point.size() < longest) continue;
    longest = point.size();
    found = &mount;
  }
  return found;
}

// A start makes the places where something is mounted, and a checkpoint may come back in a root file system that has
// never seen one. Those in other file systems of the container are in the checkpoint.
void make_mount_points(const Container& container, int rootfs) {
  std::span<const oci::Mount> mounts = container.config.mounts;
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    std::string point = linux::clean_path(mounts[i].destination);
    const oci::Mount* around = mount_around(mounts.first(i), point);
    UniqueFd below;
    if (around != nullptr) {
      if (!linux::parse_mount_options(around->options).bind) continue;
      below = open_file(source_of(container, *around), O_PATH | O_DIRECTORY);
      point.erase(0, linux::clean_path(around->destination).size());
    }
    linux::RootDir root(below ? below.get() : rootfs);
    bool file =
        linux::parse_mount_options(mounts[i].options).bind && !linux::is_directory(source_of(container, mounts[i]));
    file ? root.make_file(point) : root.make_directory(point);
  }
}

// Each mount that came from outside gets what the configuration mounts at that place now.
std::vector<std::string> outside_mounts(const Container& container, const std::vector<std::string>& points) {
  std::vector<std::string> mounts;
  for (const auto& point : points) {
    auto mount = std::ranges::find(container.config.mounts, point,
                                   [](const oci::Mount& one) { return linux::clean_path(one.destination); });
    if (mount == container.config.mounts.end())
      fail_invalid("the checkpoint has a mount at ", point, ", and the configuration has none");
    mounts.push_back(cat("mnt[", point, "]:", source_of(container, *mount)));
  }
  return mounts;
}

UniqueFd network_of(const oci::Linux& linux_part) {
  auto wanted = std::ranges::find(linux_part.namespaces, "network", &oci::Namespace::type);
  if (wanted == linux_part.namespaces.end()) return {};
  if (!wanted->path.empty()) return open_file(wanted->path, O_RDONLY);
  linux::ScopedNetworkNamespace made;
  return linux::current_network_namespace();
}

Created restore(const Globals& globals, const Arguments& arguments, Rollback& rollback) {
  Created made{container_of(globals, arguments), {}, {}};
  Container& container = made.container;
  std::string images = image_path(arguments);
  auto surroundings = from_json<runtime::Surroundings>(parse_json(read_file(images + kSurroundings)));
  runtime::Restore what{find_criu(globals.criu), images, outside_mounts(container, surroundings.mounts),
                        surroundings.descriptors};
  what.cgroup_namespace =
      std::ranges::any_of(container.config.linux.namespaces, [](const auto& one) { return one.type == "cgroup"; });
  what.options = common_options(arguments, container.config);
  for (const char* name : {"lsm-profile", "lsm-mount-context"})
    if (arguments.has(name)) what.options.insert(what.options.end(), {cat("--", name), arguments.get(name)});

  made.lock = claim(globals, container);
  std::string directory = container.directory(globals);
  rollback.add("state", [directory] { remove_tree(directory); });
  UniqueFd rootfs = linux::clone_mount(container.rootfs, true), network = network_of(container.config.linux);
  make_mount_points(container, rootfs.get());
  runtime::Handles handles;
  handles.rootfs = rootfs.get();
  handles.network_namespace = network.get();
  handles.in = STDIN_FILENO;
  handles.out = STDOUT_FILENO;
  handles.err = STDERR_FILENO;
  runtime::StartOptions options = start_options(globals, container, arguments);
  options.bundle = directory;
  made.init = runtime::restore(what, container.config, handles, options);
  write_down(globals, made, arguments);
  return made;
}

}  // namespace

int verb_checkpoint(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments(kCheckpointFlags, std::move(words));
  arguments.expect_words("checkpoint", 1);
  linux::ProcessLock lock = lock_existing(globals, arguments.words()[0]);
  Container container = load(globals, arguments.words()[0]);
  std::string status = status_of(globals, container);
  if (status == "created" || status == "stopped")
    fail(Kind::kConflict, "Container cannot be checkpointed in ", status, " state");
  bool stays = arguments.has("leave-running") || arguments.has("pre-dump");
  runtime::Dump what{find_criu(globals.criu),
                     container.pid,
                     image_path(arguments),
                     arguments.has("leave-running"),
                     runtime::find_surroundings(container.pid),
                     dump_options(arguments, container),
                     arguments.has("pre-dump")};
  for (const std::string& directory : {what.images, log_directory(arguments)}) make_directories(directory, 0700);
  write_file_atomically(what.images + kSurroundings, dump_json(to_json(what.surroundings)), 0600,
                        Durability::kProcessCrash);
  dump(what, log_directory(arguments));
  if (!stays) forget(globals, container, lock);
  return 0;
}

int verb_restore(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments(restore_flags(), std::move(words));
  arguments.expect_words("restore", 1);
  bool detach = arguments.has("detach");
  if (!detach) linux::collect_signals();
  Rollback rollback;
  Created made = restore(globals, arguments, rollback);
  if (detach) made.init->release_ownership();
  rollback.commit();
  made.lock.reset();
  return detach ? 0 : stay(globals, made, arguments);
}

}  // namespace hull::runtime_cli
