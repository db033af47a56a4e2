// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rollback.h"
#include "volume/local_mount.h"
#include "volume/state.h"

// A volume gets another name: its directory and its row, with a mark in the directory that names both until both are
// done. Whatever a crash leaves, the row decides: the directory goes where it says.
namespace hull::volume {

namespace {

constexpr std::string_view kMark = "/renaming";

void move_directory(const std::string& from, const std::string& to) {
  check(::rename(from.c_str(), to.c_str()), "rename", from);
}

}  // namespace

Volume Volumes::rename(const std::string& name, const std::string& new_name) {
  check_name(new_name);
  auto turn = state_->turn(name);
  std::lock_guard in_turn(*turn);
  std::lock_guard guard(state_->mutex);
  auto found = state_->volumes.find(name);
  if (found == state_->volumes.end()) fail(Kind::kNotFound, "get ", name, ": no such volume");
  if (state_->volumes.contains(new_name))
    fail(Kind::kConflict, "rename ", name, ": a volume with the name ", new_name, " exists already");
  state_->check_unused("rename", name);
  std::string from = state_->directory(name), to = state_->directory(new_name);
  if (exists(to)) fail(Kind::kConflict, "rename ", name, ": ", to, " is in the way");

  Rollback rollback;
  rollback.add("mark", [&] { remove_tree(cat(from, kMark)); });
  write_file_atomically(cat(from, kMark), cat(name, "\n", new_name, "\n"), 0600);
  fault::point("volume.marked");
  move_directory(from, to);
  rollback.add("directory", [&] { move_directory(to, from); });
  fault::point("volume.moved");
  Volume renamed = found->second;
  renamed.name = new_name;
  renamed.mountpoint = to + "/_data";
  renamed.anonymous = false;
  state_->database.set_volume(name, row_of(renamed));
  rollback.commit();
  fault::point("volume.renamed");
  remove_tree(cat(to, kMark));
  state_->volumes.erase(found);
  return state_->volumes.emplace(new_name, renamed).first->second;
}

void Volumes::State::settle_renames() {
  std::set<std::string> known;
  for (const auto& row : database.volumes()) known.insert(row.name);
  for (const auto& name : list_directory(data_root + "/volumes")) {
    std::string mark = cat(directory(name), kMark);
    auto text = read_if_exists(mark);
    if (!text) continue;
    auto [old_name, rest] = split_once(*text, '\n');
    std::string wanted(known.contains(std::string(old_name)) ? old_name : trim(rest.value_or("")));
    if (!known.contains(wanted)) continue;
    try {
      if (wanted != name && !exists(directory(wanted))) move_directory(directory(name), directory(wanted));
      remove_tree(cat(directory(wanted), kMark));
    } catch (const Error& e) {
      log::error("the volume ", wanted, " is at ", directory(name), ": ", e.message());
    }
  }
}

Volume Volumes::set_labels(const std::string& name, const StringMap& labels) {
  std::lock_guard guard(state_->mutex);
  auto found = state_->volumes.find(name);
  if (found == state_->volumes.end()) fail(Kind::kNotFound, "get ", name, ": no such volume");
  Volume changed = found->second;
  changed.labels = labels;
  state_->database.set_volume(name, row_of(changed));
  return found->second = changed;
}

}  // namespace hull::volume
