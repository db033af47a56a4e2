// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"
#include "base/log.h"
#include "volume/local_mount.h"
#include "volume/state.h"

// Who uses a volume, and what is mounted for that.
namespace hull::volume {

void Volumes::use(const std::string& name, const std::string& user) {
  Volume volume = get(name);
  if (!has_mount(volume)) return;
  auto turn = state_->turn(name);
  std::lock_guard in_turn(*turn);
  {
    std::lock_guard guard(state_->mutex);
    auto& users = state_->users[name];
    bool first = users.empty();
    users.insert(user);
    if (!first) return;
  }
  try {
    if (!is_mounted(volume)) mount_volume(volume);
    fault::point("volume.mounted");
  } catch (const Error&) {
    std::lock_guard guard(state_->mutex);
    state_->users.erase(name);
    throw;
  }
}

void Volumes::release(const std::string& name, const std::string& user) {
  auto volume = find(name);
  if (!volume || !has_mount(*volume)) return;
  auto turn = state_->turn(name);
  std::lock_guard in_turn(*turn);
  {
    std::lock_guard guard(state_->mutex);
    auto found = state_->users.find(name);
    if (found == state_->users.end() || found->second.erase(user) == 0 || !found->second.empty()) return;
    state_->users.erase(found);
  }
  try {
    unmount_volume(*volume);
  } catch (const Error& e) {
    log::warn("the volume ", name, " stays mounted: ", e.message());
  }
}

void Volumes::release_all(const std::string& user) {
  std::vector<std::string> names;
  {
    std::lock_guard guard(state_->mutex);
    for (const auto& [name, users] : state_->users)
      if (users.contains(user)) names.push_back(name);
  }
  for (const auto& name : names) release(name, user);
}

void Volumes::recover(const std::map<std::string, std::set<std::string>>& users) {
  for (const Volume& volume : list()) {
    if (!has_mount(volume)) continue;
    auto found = users.find(volume.name);
    try {
      if (found == users.end()) {
        unmount_volume(volume);
        continue;
      }
      {
        std::lock_guard guard(state_->mutex);
        state_->users[volume.name] = found->second;
      }
      if (!is_mounted(volume)) mount_volume(volume);
    } catch (const Error& e) {
      log::warn("the volume ", volume.name, ": ", e.message());
    }
  }
}

}  // namespace hull::volume
