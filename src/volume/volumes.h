// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/database.h"

namespace hull::volume {

struct Volume {
  std::string name, driver = "local";
  std::string mountpoint;  // <data-root>/volumes/<name>/_data
  std::map<std::string, std::string> labels, options;
  bool anonymous = false;
  Timestamp created;
};

// The volumes of one engine, by name. Thread-safe.
class Volumes {
 public:
  Volumes(store::Database& database, std::string data_root);

  // Idempotent: an existing volume of that name and driver is given back. An empty name makes an anonymous
  // volume with a 64-hex name. Error{kInvalidArgument} for a bad name, driver or option. `existed` (optional)
  // tells whether it was there before.
  Volume create(const std::string& name, const std::string& driver, const std::map<std::string, std::string>& labels,
                const std::map<std::string, std::string>& options, bool* existed = nullptr);
  Volume get(const std::string& name);  // Error{kNotFound} "get x: no such volume"
  std::optional<Volume> find(const std::string& name);
  std::vector<Volume> list();
  // Error{kConflict} "remove x: volume is in use - [ids]" when `users` is not empty.
  void remove(const std::string& name, const std::vector<std::string>& users, bool force);
  // Copies what the image has at `image_directory` (an open directory fd of the mounted root filesystem) into
  // an empty volume, with owners, modes, times and extended attributes. Nothing when the volume has content.
  void populate(const std::string& name, int image_directory);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hull::volume
