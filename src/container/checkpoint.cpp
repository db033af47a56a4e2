// SPDX-License-Identifier: Apache-2.0
#include "container/checkpoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/file.h"
#include "base/process.h"
#include "base/rollback.h"
#include "container/engine_impl.h"
#include "container/host_program.h"
#include "container/restore_plan.h"
#include "container/user_namespace.h"
#include "oci/json.h"

namespace hull::container {

namespace {

namespace files = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kAfterDump = 10s;  // criu has killed it: how long that may take to become known

void check_name(const std::string& name) {
  auto letter = [](unsigned char c) { return std::isalnum(c) != 0; };
  auto allowed = [&](unsigned char c) { return letter(c) || c == '_' || c == '.' || c == '-'; };
  if (name.size() < 2 || !letter(static_cast<unsigned char>(name[0])) || !std::ranges::all_of(name, allowed))
    fail_invalid("invalid checkpoint ID ", quoted(name), ", only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
}

std::string parent_of(const CheckpointPlace& place, const std::string& container_directory) {
  if (place.directory.empty()) return container_directory + "/checkpoints";
  if (!place.directory.starts_with('/'))
    fail_invalid("the directory of checkpoints ", place.directory, " is not an absolute path");
  return place.directory;
}

std::string path_of(const CheckpointPlace& place, const std::string& container_directory) {
  check_name(place.name);
  return cat(parent_of(place, container_directory), "/", place.name);
}

std::string existing_path(const CheckpointPlace& place, const std::string& container_directory,
                          std::string_view container) {
  std::string path = path_of(place, container_directory);
  if (!exists(path + kSurroundingsFile))
    fail(Kind::kNotFound, "checkpoint ", place.name, " does not exist for container ", container);
  return path;
}

void refuse(const State& state, const Engine& engine) {
  require_running(state);
  if (state.status == Status::kPaused)
    fail(Kind::kConflict, "container ", state.id, " is paused, unpause it before the checkpoint");
  if (state.spec->config.tty) fail_invalid("checkpoint not support on containers with tty");
  if (has_user_namespace(state.spec->host, engine.configuration()))
    fail_invalid("a container with a user namespace cannot be checkpointed");
  if (!find_runtime(state.spec->host.runtime, *engine.defaults()).path.empty())
    fail_invalid("a container of the runtime ", state.spec->host.runtime,
                 " cannot be checkpointed: that works with hull's own runtime only");
}

void dump(const runtime::Dump& what) {
  ProcessOutput result = run_program(runtime::command_of(what));
  if (result.exit_code == 0) return;
  std::string reason =
      runtime::criu_reason(read_if_exists(cat(what.images, "/", runtime::kDumpLog)).value_or("") + result.errors);
  fail(Kind::kInternal, "criu: ", reason.empty() ? cat("it ended with exit code ", result.exit_code) : reason);
}

// The end that a checkpoint brings is no business of the restart policy; one that fails brings no end.
class ExpectedEnd {
 public:
  explicit ExpectedEnd(Live& container) : container_(container) { before_ = swap(true, true); }
  ~ExpectedEnd() {
    if (!kept_) swap(before_.first, before_.second);
  }
  ExpectedEnd(const ExpectedEnd&) = delete;
  void keep() { kept_ = true; }

 private:
  std::pair<bool, bool> swap(bool no_restart, bool manually_stopped) {
    std::scoped_lock lock(container_.mutex);
    std::pair before(std::exchange(container_.no_restart, no_restart), container_.state()->manually_stopped);
    container_.change_locked([&](State& state) { state.manually_stopped = manually_stopped; });
    return before;
  }

  Live& container_;
  std::pair<bool, bool> before_;
  bool kept_ = false;
};

}  // namespace

void Engine::checkpoint(std::string_view name, const CheckpointRequest& request) {
  auto container = impl_->registry.get(name);
  std::unique_lock operation(container->operation);
  StatePtr state = container->state();
  refuse(*state, *this);
  std::string path = path_of(request.place, impl_->container_directory(state->id));
  if (exists(path))
    fail(Kind::kConflict, "cannot checkpoint container ", name, ": checkpoint with name ", request.place.name,
         " already exists for container ", name);
  std::string parent = parent_of(request.place, impl_->container_directory(state->id));
  // Nobody takes half a checkpoint for one: it gets its name when it is complete.
  std::string incomplete = cat(parent, "/.", request.place.name, ".incomplete");
  std::uint64_t exits = 0;
  {
    std::scoped_lock lock(container->mutex);
    exits = container->exits;
  }
  try {
    make_directories(parent, 0700);
    remove_tree(incomplete);
    Rollback rollback;
    rollback.add("checkpoint", [&] { remove_tree(incomplete); });
    make_directories(incomplete, 0700);
    runtime::Dump what{find_criu(), state->pid, incomplete, request.leave_running,
                       runtime::find_surroundings(state->pid)};
    write_file_atomically(incomplete + kSurroundingsFile, dump_json(to_json(what.surroundings)), 0600,
                          Durability::kProcessCrash);
    std::optional<ExpectedEnd> end;
    if (!request.leave_running) end.emplace(*container);
    dump(what);
    if (end) end->keep();
    files::rename(incomplete, path);
    rollback.commit();
  } catch (const Error& e) {
    throw Error(e.kind(), cat("Cannot checkpoint container ", name, ": ", e.message()), e.code(), e.operation());
  } catch (const files::filesystem_error& e) {
    fail(Kind::kInternal, "Cannot checkpoint container ", name, ": ", e.what());
  }
  operation.unlock();
  if (!request.leave_running) impl_->wait_for_exit(*container, exits, kAfterDump);
  impl_->publish(*container->state(), "checkpoint");
}

std::vector<std::string> Engine::checkpoints(std::string_view name, const std::string& directory) const {
  auto container = impl_->registry.get(name);
  std::string parent = parent_of({{}, directory}, impl_->container_directory(container->id));
  std::vector<std::string> names;
  if (!exists(parent)) return names;
  for (const std::string& entry : list_directory(parent))
    if (!entry.starts_with('.') && exists(cat(parent, "/", entry, kSurroundingsFile))) names.push_back(entry);
  std::ranges::sort(names);
  return names;
}

void Engine::remove_checkpoint(std::string_view name, const CheckpointPlace& place) {
  auto container = impl_->registry.get(name);
  std::scoped_lock operation(container->operation);
  remove_tree(existing_path(place, impl_->container_directory(container->id), name));
}

void Engine::start_from(std::string_view name, const CheckpointPlace& place) {
  check_name(place.name);
  auto container = impl_->registry.get(name);
  std::string path = existing_path(place, impl_->container_directory(container->id), name);
  const Spec& spec = *container->state()->spec;
  if (spec.config.tty) fail_invalid("checkpoint not support on containers with tty");
  impl_->start_by_hand(container, path);
}

}  // namespace hull::container
