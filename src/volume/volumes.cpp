// SPDX-License-Identifier: Apache-2.0
#include "volume/volumes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "archive/tree_copy.h"
#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
#include "oci/json.h"
#include "store/layout.h"

namespace hull::volume {

namespace {

using StringMap = std::map<std::string, std::string>;

constexpr std::string_view kAnonymousLabel = "com.docker.volume.anonymous";
constexpr std::string_view kOptions[] = {"type", "o", "device", "size"};
struct Requirement {
  std::string_view option, needs;
};
constexpr Requirement kRequirements[] = {{"o", "device"}, {"o", "type"}, {"type", "device"}};

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

void check_name(const std::string& name) {
  if (name.size() == 1)
    fail_invalid("create ", name, ": volume name is too short, names should be at least two alphanumeric characters");
  bool starts_well = std::string_view("_.-").find(name.front()) == std::string_view::npos;
  if (!starts_well || name.size() > 255 || !std::ranges::all_of(name, is_name_character))
    fail_invalid("create ", name, ": ", hull::quoted(name),
                 " includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are "
                 "allowed. If you intended to pass a host directory, use absolute path");
}

void check_options(const std::string& name, const StringMap& options) {
  for (const auto& [key, value] : options)
    if (std::ranges::find(kOptions, key) == std::end(kOptions))
      fail_invalid("create ", name, ": invalid option: ", hull::quoted(key));
  auto given = [&](std::string_view key) {
    auto found = options.find(std::string(key));
    return found != options.end() && !found->second.empty();
  };
  for (const Requirement& rule : kRequirements)
    if (given(rule.option) && !given(rule.needs))
      fail_invalid("create ", name, ": missing required option: ", hull::quoted(rule.needs));
  if (!options.empty())
    fail(Kind::kNotImplemented, "create ", name, ": this version of hull cannot mount local volumes with options (",
         hull::quoted(options.begin()->first), ")");
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

bool is_empty(int directory) { return list_directory(cat("/proc/self/fd/", directory)).empty(); }

}  // namespace

struct Volumes::State {
  State(store::Database& db, std::string root) : database(db), data_root(std::move(root)) {}

  store::Database& database;
  std::string data_root;
  std::mutex mutex;
  std::map<std::string, Volume> volumes;
  std::map<std::string, std::shared_ptr<std::mutex>> filling;  // by volume: populate() takes turns

  std::string directory(const std::string& name) const { return cat(data_root, "/volumes/", name); }

  void make_directory(const Volume& volume) const {
    make_directories(directory(volume.name), 0701);
    make_directories(volume.mountpoint, 0755);
    // Whatever the umask of the engine is.
    check(::chmod(volume.mountpoint.c_str(), 0755), "chmod", volume.mountpoint);
  }

  std::string filling_mark(const std::string& name) const { return directory(name) + "/filling"; }
  void empty_half_filled(const Volume& volume) const {
    for (const std::string& entry : list_directory(volume.mountpoint)) remove_tree(cat(volume.mountpoint, "/", entry));
    remove_tree(filling_mark(volume.name));
  }

  std::shared_ptr<std::mutex> turn(const std::string& name) {
    std::lock_guard guard(mutex);
    auto& found = filling[name];
    if (!found) found = std::make_shared<std::mutex>();
    return found;
  }
};

Volumes::Volumes(store::Database& database, std::string data_root)
    : state_(std::make_shared<State>(database, std::move(data_root))) {
  for (const store::VolumeRow& row : database.volumes()) {
    Volume volume = volume_of(row, state_->directory(row.name));
    // The row is written before the directory is made.
    if (!exists(volume.mountpoint)) state_->make_directory(volume);
    if (exists(state_->filling_mark(row.name))) state_->empty_half_filled(volume);
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

  store::VolumeRow row;
  row.anonymous = name.empty();
  row.name = row.anonymous ? random_id() : name;
  row.driver = "local";
  StringMap all_labels = labels;
  if (row.anonymous) all_labels.emplace(kAnonymousLabel, "");
  row.labels = dump_json(to_json(all_labels));
  row.options = dump_json(to_json(options));
  row.created = now().nanoseconds;
  Volume volume = volume_of(row, state_->directory(row.name));
  state_->database.add_volume(row);
  Rollback rollback;
  rollback.add("volume", [&] { state_->database.remove_volume(row.name); });
  state_->make_directory(volume);
  rollback.commit();
  return state_->volumes.emplace(row.name, std::move(volume)).first->second;
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
  // The content first: a crash in between leaves an empty volume that can be removed again, not files that
  // nothing names.
  store::move_to_trash(state_->data_root, state_->directory(name));
  state_->database.remove_volume(name);
  state_->volumes.erase(found);
  state_->filling.erase(name);
}

void Volumes::populate(const std::string& name, int image_directory) {
  Volume volume = get(name);
  auto turn = state_->turn(name);
  std::lock_guard guard(*turn);
  UniqueFd target = open_file(volume.mountpoint, O_RDONLY | O_DIRECTORY);
  if (!is_empty(target.get())) return;
  // What is half copied must not look like content that was there, also after a crash: the mark is seen by the next
  // start. (Copying elsewhere and renaming would take the directory away from under those who have it mounted.)
  std::string mark = state_->filling_mark(name);
  write_file_atomically(mark, "", 0600, Durability::kProcessCrash);
  Rollback rollback;
  rollback.add("copied files", [&] { state_->empty_half_filled(volume); });
  archive::copy_tree(image_directory, target.get());
  rollback.commit();
  check(::unlink(mark.c_str()), "unlink", mark);
}

}  // namespace hull::volume
