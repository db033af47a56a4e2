// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "volume/volumes.h"

namespace hull::volume {

struct Volumes::State {
  State(store::Database& db, std::string root) : database(db), data_root(std::move(root)) {}

  store::Database& database;
  const std::string data_root;
  std::mutex mutex;
  std::map<std::string, Volume> volumes;
  std::map<std::string, std::set<std::string>> users;  // of those with a mount
  std::multiset<std::string> held;                     // chosen for containers that are being created
  AskWhoNames ask_who_names;
  std::map<std::string, std::shared_ptr<std::mutex>> turns;  // by volume: who fills, mounts or unmounts it waits

  std::string directory(const std::string& name) const { return cat(data_root, "/volumes/", name); }
  void make_directory(const Volume& volume) const;
  Volume create_locked(const std::string& name, const std::string& driver, const StringMap& labels,
                       const StringMap& options, bool* existed);
  // Error{kConflict} "<verb> x: …" for a volume that somebody names or uses. The mutex is held.
  void check_unused(std::string_view verb, const std::string& name) const;
  std::shared_ptr<std::mutex> turn(const std::string& name);

  std::string removal_mark(const std::string& name) const { return directory(name) + "/removing"; }
  void remove_for_good(const std::string& name) const;
  void discard(const std::string& name) const;  // its directory
  void settle_removals() const;                 // of an engine that died in the middle

  // contents.cpp. While a volume is filled it has this mark: the next start empties it.
  std::string filling_mark(const std::string& name) const { return directory(name) + "/filling"; }
  void empty_half_filled(const Volume& volume) const;
  void recover_half_filled(const Volume& volume) const;
  void fill(const Volume& volume, const std::function<void(int directory)>& work);

  // rename.cpp
  void settle_renames();
};

Volume volume_of(const store::VolumeRow& row, const std::string& directory);
store::VolumeRow row_of(const Volume& volume);
void check_name(const std::string& name);  // Error{kInvalidArgument}

}  // namespace hull::volume
