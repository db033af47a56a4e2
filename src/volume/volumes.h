// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "archive/source.h"
#include "base/clock.h"
#include "store/database.h"

namespace hull::volume {

using StringMap = std::map<std::string, std::string>;

struct Volume {
  std::string name, driver = "local";
  std::string mountpoint;  // <data-root>/volumes/<name>/_data
  StringMap labels, options;
  bool anonymous = false;
  Timestamp created;
};

// The volumes of one engine, by name. Thread-safe.
//
// A volume with the options type, device and o is a mount: it is made at the volume's mountpoint for its first user,
// and unmounted after the last.
class Volumes {
 public:
  // Finishes or takes back what a crash has cut off.
  Volumes(store::Database& database, std::string data_root);

  // Which containers name a volume (by id). Asked while a volume is removed or renamed; `ask` may take locks that
  // nobody holds when he calls this class.
  using AskWhoNames = std::function<std::vector<std::string>(const std::string& volume)>;
  void set_who_names(AskWhoNames ask);
  std::vector<std::string> who_names(const std::string& name) const;
  // As long as there is one, the volume is neither removed nor renamed: from the moment that it is chosen for a
  // container until that container is known to who_names().
  using Hold = std::shared_ptr<const void>;

  // Idempotent: an existing volume of that name and driver is given back. An empty name makes an anonymous
  // volume with a 64-hex name. Error{kInvalidArgument} for a bad name, driver or option. `existed` (optional)
  // tells whether it was there before.
  Volume create(const std::string& name, const std::string& driver, const StringMap& labels, const StringMap& options,
                bool* existed = nullptr, Hold* hold = nullptr);
  Volume get(const std::string& name);  // Error{kNotFound} "get x: no such volume"
  std::optional<Volume> find(const std::string& name);
  std::vector<Volume> list();
  // Error{kConflict} "remove x: volume is in use - [ids]" when a container names it. `force`: a missing one is no
  // error.
  void remove(const std::string& name, bool force);
  // Gives whether it has been removed: not one that is not there, or that somebody names or uses.
  bool remove_if_unused(const std::string& name);
  // Gives a volume that nobody uses another name: Error{kConflict} when a container names it, or the name is taken.
  Volume rename(const std::string& name, const std::string& new_name);
  Volume set_labels(const std::string& name, const StringMap& labels);

  // Copies what the image has at `image_directory` (an open directory fd of the mounted root filesystem) into
  // an empty volume, with owners, modes, times and extended attributes. Nothing when the volume has content. With a
  // subpath, into that directory of the volume, when there is one and it is empty (half of it after a crash).
  void populate(const std::string& name, int image_directory, const std::string& subpath = {});
  // All that is in it, as a PAX tar stream. `begin` is called when nothing but the reading can fail any more.
  void write_archive(const std::string& name, const std::function<archive::Sink()>& begin);
  // The same back, from a tar stream that may be compressed. Error{kConflict} when the volume has content; a broken
  // stream leaves it empty.
  void read_archive(const std::string& name, archive::Source tar);

  // Whoever uses a volume says so, by any name of his own; a volume with a mount gets it with its first user. May block
  // for as long as a server takes to answer. Error{kInternal} with what was to be mounted and why it cannot be.
  void use(const std::string& name, const std::string& user);
  void release(const std::string& name, const std::string& user);  // idempotent, like the next; failures are logged
  void release_all(const std::string& user);
  // After a start of the engine: who uses what (by volume). What is mounted and not used is unmounted.
  void recover(const std::map<std::string, std::set<std::string>>& users);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hull::volume
