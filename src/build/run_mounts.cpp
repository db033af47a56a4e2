// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "archive/attributes.h"
#include "archive/confined.h"
#include "archive/tree_copy.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
#include "build/cache.h"
#include "build/executor.h"
#include "build/merged_place.h"
#include "linux/mounts.h"
#include "linux/root_dir.h"
#include "store/layout.h"

// RUN --mount.
namespace hull::build {

namespace {

using dockerfile::RunMount;

std::string absolute(const std::string& folder, const std::string& path) {
  return linux::clean_path(path.starts_with('/') ? path : cat(folder, "/", path));
}

void add_detached(container::StepRequest& step, std::string target, UniqueFd mount, bool read_only) {
  oci::Mount one;
  one.destination = std::move(target);
  one.type = std::string(runtime::kDescriptorMount);
  one.source = cat(step.detached.size());
  one.options = {"rprivate", read_only ? "ro" : "rw"};
  step.detached.push_back(std::move(mount));
  step.mounts.push_back(std::move(one));
}

oci::Mount bind_file(const std::string& target, const std::string& source) {
  oci::Mount one;
  one.destination = target;
  one.type = "bind";
  one.source = source;
  one.options = {"bind", "ro"};
  return one;
}

std::string default_target(const RunMount& mount, std::size_t index) {
  if (!mount.target.empty()) return mount.target;
  if (mount.type == RunMount::Type::kSsh) return cat("/run/buildkit/ssh_agent.", index);
  return cat("/run/secrets/", mount.id);
}

}  // namespace

// Secrets, agents and caches are no part of a key, but that they are asked for is.
void Executor::add_mounts_to(StepKey& key, const Node& node) {
  const auto& run = *node.instruction.as<dockerfile::Run>();
  for (std::size_t i = 0; i < run.mounts.size(); ++i) {
    const RunMount& mount = run.mounts[i];
    key.add("mount", mount.text);
    const FileOrigin& origin = node.mounts[i];
    if (mount.type != RunMount::Type::kBind || origin.kind == FileOrigin::Kind::kEmpty) continue;
    auto selected = select(tree_of(origin), mount.source.empty() ? "/" : mount.source, false);
    std::string digest = content_digest(selected, {});
    key.add_files(digest, [selected] { return listing_of(selected, {}); });
  }
}

void Executor::add_mounts(const Node& node, container::StepRequest& step, RunMounts& mounts) {
  const auto& run = *node.instruction.as<dockerfile::Run>();
  if (!node.script.empty()) {
    make_directories(mounts.directory, 0700);
    std::string file = mounts.directory + "/script";
    write_file_atomically(file, node.script, 0755, Durability::kProcessCrash);
    step.mounts.push_back(bind_file(node.script_path, file));
  }
  for (std::size_t i = 0; i < run.mounts.size(); ++i) add_mount(node, i, step, mounts);
}

void Executor::add_mount(const Node& node, std::size_t index, container::StepRequest& step, RunMounts& mounts) {
  const RunMount& mount = node.instruction.as<dockerfile::Run>()->mounts[index];
  std::string target = absolute(node.folder, default_target(mount, index));
  switch (mount.type) {
    case RunMount::Type::kBind:
      return add_detached(step, target, bind_source(node.mounts[index], mount, mounts), mount.read_only);
    case RunMount::Type::kCache:
      return add_detached(step, target, cache_directory(node, index, mounts), mount.read_only);
    case RunMount::Type::kTmpfs: {
      oci::Mount one;
      one.destination = target;
      one.type = one.source = "tmpfs";
      one.options = {"nosuid", "nodev", "mode=1777"};
      if (mount.size != 0) one.options.push_back(cat("size=", mount.size));
      step.mounts.push_back(std::move(one));
      return;
    }
    case RunMount::Type::kSecret: {
      RunMount resolved = mount;
      resolved.target = mount.target.empty() && mount.env ? "" : target;
      return add_secret(resolved, step, mounts);
    }
    case RunMount::Type::kSsh: {
      RunMount resolved = mount;
      resolved.target = target;
      return add_agent(resolved, step, mounts);
    }
  }
}

void Executor::add_secret(const RunMount& mount, container::StepRequest& step, RunMounts& mounts) {
  auto secret = std::ranges::find(request_.secrets, mount.id, &Secret::id);
  if (secret == request_.secrets.end()) {
    if (mount.required) fail_invalid("secret ", mount.id, ": not found");
    return;
  }
  if (mount.env) {
    mounts.environment.push_back(cat(mount.env->empty() ? mount.id : *mount.env, "=", secret->value));
    if (mount.target.empty()) return;
  }
  make_directories(mounts.directory, 0700);
  std::string file = cat(mounts.directory, "/secret-", step.mounts.size());
  UniqueFd out = open_file(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
  write_all(out.get(), secret->value);
  check(::fchown(out.get(), mount.uid.value_or(0), mount.gid.value_or(0)), "chown", file);
  check(::fchmod(out.get(), mount.mode.value_or(0400)), "chmod", file);
  step.mounts.push_back(bind_file(mount.target, file));
}

void Executor::add_agent(const RunMount& mount, container::StepRequest& step, RunMounts& mounts) {
  std::string id = mount.id.empty() ? "default" : mount.id;
  auto agent = std::ranges::find(request_.agents, id, &SshAgent::id);
  if (agent == request_.agents.end()) {
    if (mount.required) fail_invalid("no SSH agent ", quoted(id), " is forwarded to this build: give --ssh ", id);
    return;
  }
  add_detached(step, mount.target, linux::clone_mount(agent->socket.get(), false), false);
  mounts.environment.push_back(cat("SSH_AUTH_SOCK=", mount.target));
}

UniqueFd Executor::bind_source(const FileOrigin& origin, const RunMount& mount, RunMounts& mounts) {
  MergedPlace place;
  if (origin.kind == FileOrigin::Kind::kEmpty) {
    place.directories = {cat(mounts.scratch, "/empty-", random_hex(4))};
    make_directories(place.directories.front());
  } else {
    SourceTree& tree = tree_of(origin);
    auto real = tree.resolve(mount.source);
    if (!real) fail_invalid("the source ", quoted(mount.source), " of a mount is not there");
    if (origin.kind == FileOrigin::Kind::kContext) {
      UniqueFd there = archive::open_confined(tree.root(), real->empty() ? "." : *real, O_PATH);
      if (!there) throw_errno("open", *real);
      std::string path(4096, '\0');
      ssize_t size = ::readlink(cat("/proc/self/fd/", there.get()).c_str(), path.data(), path.size());
      path.resize(static_cast<std::size_t>(check(size, "readlink")));
      const FileList& listing = tree.listing(*real);
      const FileEntry* entry = find_entry(listing, *real);
      if (!entry) fail_invalid("the source ", quoted(mount.source), " of a mount is not there");
      if (!S_ISDIR(entry->mode)) {
        place.file = path;
      } else {
        place.directories = {path};
        // What .dockerignore leaves out is hidden by whiteouts in a directory over the context.
        std::string mask = cat(mounts.scratch, "/mask-", random_hex(4));
        bool hidden = false;
        for (const std::string& top : tree.ignored()) {
          if (!real->empty() && !top.starts_with(*real + "/")) continue;
          std::string below = cat(mask, "/", real->empty() ? top : top.substr(real->size() + 1));
          make_directories(below.substr(0, below.rfind('/')));
          check(::mknod(below.c_str(), S_IFCHR, makedev(0, 0)), "mknod", below);
          hidden = true;
        }
        if (hidden) place.directories.insert(place.directories.begin(), mask);
      }
    } else {
      const auto& chain =
          origin.kind == FileOrigin::Kind::kNode ? results_[origin.node].chain : origin.image->layer_chain_ids;
      place = merged_place(shared_.data_root, chain, *real);
    }
  }
  if (!place.file.empty()) return linux::clone_mount(place.file, false);
  linux::OverlayOptions options;
  options.lower = std::move(place.directories);
  if (!mount.read_only) {
    std::string scratch = cat(mounts.scratch, "/", random_hex(4));
    options.upper = scratch + "/upper";
    options.work = scratch + "/work";
    make_directories(options.upper);
    make_directories(options.work);
    options.is_volatile = true;
  }
  return linux::mount_overlay(options);
}

UniqueFd Executor::cache_directory(const Node& node, std::size_t index, RunMounts& mounts) {
  const RunMount& mount = node.instruction.as<dockerfile::Run>()->mounts[index];
  std::string id = mount.id.empty() ? absolute(node.folder, mount.target) : mount.id;
  store::Database& database = shared_.services().database;
  std::string key, directory;
  // Of a private cache, the first copy that nobody uses.
  for (int copy = 0;; ++copy) {
    KeyMaker maker("cache mount");
    maker.add(id).add(cat(mount.uid.value_or(0), ":", mount.gid.value_or(0), " ", mount.mode.value_or(0755)));
    if (node.mounts[index].kind != FileOrigin::Kind::kEmpty) maker.add(mount.from).add(mount.source);
    if (copy > 0) maker.add(cat(copy));
    key = maker.digest();
    if (mount.sharing == RunMount::Sharing::kPrivate && shared_.is_kept(key)) continue;
    break;
  }
  shared_.keep(key);
  {
    std::scoped_lock lock(mutex_);
    if (!kept_.insert(key).second) shared_.let_go({key});
  }
  if (mount.sharing == RunMount::Sharing::kLocked)
    mounts.holds.push_back(std::make_unique<Shared::Hold>(shared_, "mount " + key, stop_.get_token()));
  Shared::Hold making(shared_, "make " + key, stop_.get_token());
  directory = cat(shared_.data_root, "/build/cache/", store::hex_of(key));
  if (!exists(directory)) {
    std::string fresh = cat(shared_.data_root, "/build/cache/new-", random_hex(8));
    Rollback undo;
    undo.add("cache directory", [fresh] { remove_tree(fresh); });
    make_directories(fresh, 0700);
    if (node.mounts[index].kind != FileOrigin::Kind::kEmpty) {
      RunMount source = mount;
      source.read_only = true;
      UniqueFd from = bind_source(node.mounts[index], source, mounts);
      UniqueFd readable(check(::openat(from.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", mount.source));
      UniqueFd to = open_file(fresh, O_RDONLY | O_DIRECTORY);
      archive::copy_tree(readable.get(), to.get());
    }
    check(::chown(fresh.c_str(), mount.uid.value_or(0), mount.gid.value_or(0)), "chown", fresh);
    check(::chmod(fresh.c_str(), mount.mode.value_or(0755)), "chmod", fresh);
    fault::point("build.cache-made");
    check(::rename(fresh.c_str(), directory.c_str()), "rename", fresh);
    undo.commit();
  }
  fault::point("build.cache-moved");
  std::int64_t time = now().nanoseconds;
  auto known = database.build_record(key);
  if (known)
    database.use_build_records({key}, time);
  else
    database.put_build_record(
        {.key = key,
         .kind = std::string(kCacheMount),
         .parent_key = "",
         .chain_id = "",
         .value = directory,
         .description = cat("cached mount ", mount.target, " from exec ", join(node.command, " ")),
         .size = 0,
         .created = time,
         .used = time,
         .uses = 1},
        {});
  return linux::clone_mount(directory, false);
}

}  // namespace hull::build
