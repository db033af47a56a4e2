// SPDX-License-Identifier: Apache-2.0
#include "volume/volumes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <mutex>

#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
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
  make_directories(directory(volume.name), 0701);
  make_directories(volume.mountpoint, 0755);
  // Whatever the umask of the engine is.
  check(::chmod(volume.mountpoint.c_str(), 0755), "chmod", volume.mountpoint);
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
  for (const store::VolumeRow& row : database.volumes()) {
    Volume volume = volume_of(row, state_->directory(row.name));
    // The row is written before the directory is made.
    if (!exists(volume.mountpoint)) state_->make_directory(volume);
    if (exists(state_->filling_mark(row.name))) state_->recover_half_filled(volume);
    state_->volumes.emplace(row.name, std::move(volume));
  }
}

Volume Volumes::create(const std::string& name, const std::string& driver, const StringMap& labels,
                       const StringMap& options, bool* existed) {
  if (!name.empty()) check_name(name);
  std::lock_guard guard(state_->mutex);
  auto found = state_->volumes.find(name);
  if (existed) *existed = found != state_->volumes.end();
  if (found != state_->volumes.end()) {
    if (!driver.empty() && driver != found->second.driver)
      fail(Kind::kConflict, "create ", name, ": conflict: volume name must be unique: a volume of that name exists ",
           "with driver ", found->second.driver);
    return found->second;
  }
  if (!driver.empty() && driver != "local")
    fail(Kind::kNotFound, "create ", name, ": error looking up volume plugin ", driver, ": plugin ",
         hull::quoted(driver), " not found");
  check_options(name, options);

  Volume volume;
  // So is one with its label: whoever has to know the name beforehand asks for it like that.
  volume.anonymous = name.empty() || labels.contains(std::string(kAnonymousLabel));
  volume.name = name.empty() ? random_id() : name;
  volume.mountpoint = state_->directory(volume.name) + "/_data";
  volume.labels = labels;
  if (volume.anonymous) volume.labels.emplace(kAnonymousLabel, "");
  volume.options = options;
  volume.created = now();
  state_->database.add_volume(row_of(volume));
  Rollback rollback;
  rollback.add("volume", [&] { state_->database.remove_volume(volume.name); });
  state_->make_directory(volume);
  rollback.commit();
  return state_->volumes.emplace(volume.name, volume).first->second;
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

void Volumes::remove(const std::string& name, const std::vector<std::string>& users, bool force) {
  if (!users.empty()) fail(Kind::kConflict, "remove ", name, ": volume is in use - [", join(users, ", "), "]");
  std::lock_guard guard(state_->mutex);
  auto found = state_->volumes.find(name);
  if (found == state_->volumes.end()) {
    if (force) return;
    fail(Kind::kNotFound, "get ", name, ": no such volume");
  }
  if (state_->users.contains(name))
    fail(Kind::kConflict, "remove ", name, ": volume is in use by the engine, try again");
  // What is mounted here is somebody else's.
  if (has_mount(found->second)) unmount_volume(found->second);
  // The content first: a crash in between leaves an empty volume that can be removed again, not files that
  // nothing names.
  store::move_to_trash(state_->data_root, state_->directory(name));
  state_->database.remove_volume(name);
  state_->volumes.erase(found);
  state_->turns.erase(name);
}

}  // namespace hull::volume
