// SPDX-License-Identifier: Apache-2.0
#include "volume/volumes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <mutex>

#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/rollback.h"
#include "linux/project_quota.h"
#include "oci/json.h"
#include "store/layout.h"
#include "volume/local_mount.h"
#include "volume/state.h"

namespace hull::volume {

namespace {

constexpr std::string_view kAnonymousLabel = "com.docker.volume.anonymous";

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

}  // namespace

void check_name(const std::string& name) {
  if (name.size() == 1)
    fail_invalid("create ", name, ": volume name is too short, names should be at least two alphanumeric characters");
  bool starts_well = !name.empty() && std::string_view("_.-").find(name.front()) == std::string_view::npos;
  if (!starts_well || name.size() > 255 || !std::ranges::all_of(name, is_name_character))
    fail_invalid("create ", name, ": ", hull::quoted(name),
                 " includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are "
                 "allowed. If you intended to pass a host directory, use absolute path");
}

Volume volume_of(const store::VolumeRow& row, const std::string& directory) {
  Volume volume;
  volume.name = row.name;
  volume.driver = row.driver;
  volume.mountpoint = directory + "/_data";
  volume.labels = from_json<StringMap>(parse_json(row.labels));
  volume.options = from_json<StringMap>(parse_json(row.options));
  volume.anonymous = row.anonymous;
  volume.created = {row.created};
  return volume;
}

store::VolumeRow row_of(const Volume& volume) {
  return {volume.name,
          volume.driver,
          dump_json(to_json(volume.labels)),
          dump_json(to_json(volume.options)),
          volume.anonymous,
          volume.created.nanoseconds};
}

void Volumes::State::make_directory(const Volume& volume) const {
  if (exists(volume.mountpoint)) return;  // of a volume that an earlier engine knew
  const std::string fresh = directory(volume.name) + "/fresh";
  linux::lift_limit(fresh);
  remove_tree(fresh);
  make_directories(directory(volume.name), 0701);
  make_directories(fresh, 0755);
  // Whatever the umask of the engine is.
  check(::chmod(fresh.c_str(), 0755), "chmod", fresh);
  // While there is nothing in it: what is made in a directory belongs to its project. (What the engine writes beside it
  // does not: a full volume can be renamed and removed.)
  if (auto size = size_limit(volume)) linux::limit_space({fresh}, volume.name, size);
  check(::rename(fresh.c_str(), volume.mountpoint.c_str()), "rename", fresh);
}

std::shared_ptr<std::mutex> Volumes::State::turn(const std::string& name) {
  std::lock_guard guard(mutex);
  auto& found = turns[name];
  if (!found) found = std::make_shared<std::mutex>();
  return found;
}

Volumes::Volumes(store::Database& database, std::string data_root)
    : state_(std::make_shared<State>(database, std::move(data_root))) {
  state_->settle_renames();
  state_->settle_removals();
  for (const store::VolumeRow& row : database.volumes()) {
    Volume volume = volume_of(row, state_->directory(row.name));
    try {
      // The row is written before the directory is made.
      if (!exists(volume.mountpoint)) state_->make_directory(volume);
      if (exists(state_->filling_mark(row.name))) state_->recover_half_filled(volume);
    } catch (const Error& e) {
      log::error("the volume ", row.name, " cannot be repaired: ", e.message());
    }
    state_->volumes.emplace(row.name, std::move(volume));
  }
}

void Volumes::set_who_names(AskWhoNames ask) {
  std::lock_guard guard(state_->mutex);
  state_->ask_who_names = std::move(ask);
}

std::vector<std::string> Volumes::who_names(const std::string& name) const {
  AskWhoNames ask;
  {
    std::lock_guard guard(state_->mutex);
    ask = state_->ask_who_names;
  }
  return ask ? ask(name) : std::vector<std::string>{};
}

Volume Volumes::create(const std::string& name, const std::string& driver, const StringMap& labels,
                       const StringMap& options, bool* existed, Hold* hold) {
  if (!name.empty()) check_name(name);
  std::lock_guard guard(state_->mutex);
  Volume volume = state_->create_locked(name, driver, labels, options, existed);
  if (hold) {
    state_->held.insert(volume.name);
    *hold = Hold(nullptr, [state = state_, held = volume.name](const void*) {
      std::lock_guard release(state->mutex);
      state->held.erase(state->held.find(held));
    });
  }
  return volume;
}

Volume Volumes::State::create_locked(const std::string& name, const std::string& driver, const StringMap& labels,
                                     const StringMap& options, bool* existed) {
  auto found = volumes.find(name);
  if (existed) *existed = found != volumes.end();
  if (found != volumes.end()) {
    if (!driver.empty() && driver != found->second.driver)
      fail(Kind::kConflict, "create ", name, ": conflict: volume name must be unique: a volume of that name exists ",
           "with driver ", found->second.driver);
    return found->second;
  }
  if (!driver.empty() && driver != "local")
    fail(Kind::kNotFound, "create ", name, ": error looking up volume plugin ", driver, ": plugin ",
         hull::quoted(driver), " not found");
  check_options(name, options);
  if (options.contains("size") && !linux::has_project_quota(data_root))
    fail_invalid("create ", name, ": quota size requested but no quota support: ", data_root,
                 " has to be on xfs mounted with pquota, or on ext4 with prjquota");

  Volume volume;
  // So is one with its label: whoever has to know the name beforehand asks for it like that.
  volume.anonymous = name.empty() || labels.contains(std::string(kAnonymousLabel));
  volume.name = name.empty() ? random_id() : name;
  volume.mountpoint = directory(volume.name) + "/_data";
  volume.labels = labels;
  if (volume.anonymous) volume.labels.emplace(kAnonymousLabel, "");
  volume.options = options;
  volume.created = now();
  const bool is_new = !exists(directory(volume.name));
  Rollback rollback;
  rollback.add("volume", [&] {
    if (is_new) remove_tree(directory(volume.name));
    database.remove_volume(volume.name);
  });
  database.add_volume(row_of(volume));
  fault::point("volume.recorded");
  make_directory(volume);
  fault::point("volume.directory");
  rollback.commit();
  return volumes.emplace(volume.name, volume).first->second;
}

// The row decides: a crash before it is gone leaves the volume whole, one after it a directory whose mark tells the
// next start that it is rubbish. (Directories without a row and without the mark are left alone: they may be somebody's
// data.)
void Volumes::State::remove_for_good(const std::string& name) const {
  const std::string mark = removal_mark(name);
  if (exists(directory(name))) write_file_atomically(mark, "", 0600, Durability::kProcessCrash);
  try {
    fault::point("volume.doomed");
    database.remove_volume(name);
  } catch (const Error&) {
    remove_tree(mark);
    throw;
  }
  fault::point("volume.forgotten");
  discard(name);
  fault::point("volume.trashed");
}

void Volumes::State::discard(const std::string& name) const {
  linux::lift_limit(directory(name) + "/_data");
  store::move_to_trash(data_root, directory(name));
}

void Volumes::State::settle_removals() const {
  std::set<std::string> known;
  for (const auto& row : database.volumes()) known.insert(row.name);
  for (const auto& name : list_directory(data_root + "/volumes")) {
    if (!exists(removal_mark(name))) continue;
    if (known.contains(name))
      remove_tree(removal_mark(name));
    else
      discard(name);
  }
}

std::optional<Volume> Volumes::find(const std::string& name) {
  std::lock_guard guard(state_->mutex);
  auto found = state_->volumes.find(name);
  if (found == state_->volumes.end()) return std::nullopt;
  return found->second;
}

Volume Volumes::get(const std::string& name) {
  if (auto volume = find(name)) return *volume;
  fail(Kind::kNotFound, "get ", name, ": no such volume");
}

std::vector<Volume> Volumes::list() {
  std::lock_guard guard(state_->mutex);
  std::vector<Volume> volumes;
  for (const auto& [name, volume] : state_->volumes) volumes.push_back(volume);
  return volumes;
}

void Volumes::State::check_unused(std::string_view verb, const std::string& name) const {
  if (held.contains(name))
    fail(Kind::kConflict, verb, " ", name, ": volume is in use by a container that is being created");
  auto containers = ask_who_names ? ask_who_names(name) : std::vector<std::string>{};
  if (!containers.empty())
    fail(Kind::kConflict, verb, " ", name, ": volume is in use - [", join(containers, ", "), "]");
  if (users.contains(name)) fail(Kind::kConflict, verb, " ", name, ": volume is in use by the engine, try again");
}

bool Volumes::remove_if_unused(const std::string& name) {
  try {
    remove(name, false);
    return true;
  } catch (const Error& e) {
    if (e.kind() != Kind::kConflict && e.kind() != Kind::kNotFound) throw;
    return false;
  }
}

void Volumes::remove(const std::string& name, bool force) {
  std::lock_guard guard(state_->mutex);
  auto found = state_->volumes.find(name);
  if (found == state_->volumes.end()) {
    if (force) return;
    fail(Kind::kNotFound, "get ", name, ": no such volume");
  }
  state_->check_unused("remove", name);
  // What is mounted here is somebody else's.
  if (has_mount(found->second)) unmount_volume(found->second);
  state_->remove_for_good(name);
  state_->volumes.erase(found);
  state_->turns.erase(name);
}

}  // namespace hull::volume
