// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "archive/entry.h"
#include "archive/tar_reader.h"
#include "base/unique_fd.h"

namespace hull::archive {

enum class Whiteouts : unsigned char {
  kLiteral,  // ".wh.x" is a file of that name
  kOverlay,  // ".wh.x" hides x, ".wh..wh..opq" empties its directory: as overlayfs writes both down
};

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// How an archive is laid over a tree that is somebody's already (a container's files).
struct Overlaying {
  std::string base;            // where the archive's root is, below the placement's root; clean: "" or "a/b"
  bool keep_kinds = false;     // refuse to put a directory in the place of something else, and the reverse
  std::optional<Owner> owner;  // of all that is made, instead of the archive's
};

// Makes what tar entries say inside one directory, and nothing outside of it, whatever the entries are: parents
// are opened with openat2(RESOLVE_IN_ROOT), the last component is never followed, names that climb out are refused
// with Error{kInvalidArgument}. Owners, modes, times and extended attributes are the archive's. Needs root. The
// costs are those of creating the files: directories are opened once and remembered.
class Placement {
 public:
  // `root`: an open directory, borrowed. An entry replaces what an earlier one made, except a directory by a
  // directory, which is merged.
  Placement(int root, Whiteouts whiteouts) : root_(root), whiteouts_(whiteouts) {}
  // The same into a tree with content. The directory `base` itself stays as it is; a file that something is mounted
  // on gets the new content, as it cannot be replaced.
  Placement(int root, Overlaying overlaying)
      : root_(root), whiteouts_(Whiteouts::kLiteral), overlaying_(std::move(overlaying)) {}

  void place(const Entry& entry, TarReader& content);
  // Sets the times of directories, which change while they are filled. Call it once, at the end.
  void finish();
  std::int64_t bytes() const { return bytes_; }  // of regular files

 private:
  struct Place {
    int parent;
    std::string name;
  };
  struct DirectoryTime {
    std::string path;
    timespec modified;
  };

  std::string path_of(std::string_view name) const;
  void check_kind(const Place& at, const Entry& entry) const;
  void place_at(const Place& at, const Entry& entry, TarReader& content, const std::string& path);
  int parent_fd(const std::string& path);
  UniqueFd make_parent(const std::string& path);
  Place locate(const std::string& path);

  void place_root(const Entry& entry);
  bool place_whiteout(const Place& at, const Entry& entry);
  void hide(const Place& at, const std::string& name, const Entry& entry);
  void place_file(const Place& at, const Entry& entry, TarReader& content);
  void place_directory(const Place& at, const Entry& entry, const std::string& path);
  void place_hard_link(const Place& at, const Entry& entry);
  void place_other(const Place& at, const Entry& entry);
  // Runs `make`; when the name is taken, takes that away and runs it again. True when a whiteout was replaced.
  template <class Make>
  bool make_replacing(const Place& at, const Entry& entry, Make make);
  void remove(const Place& at);

  int root_;
  Whiteouts whiteouts_;
  std::optional<Overlaying> overlaying_;
  std::unordered_map<std::string, UniqueFd> parents_;
  std::vector<DirectoryTime> times_;
  std::int64_t bytes_ = 0;
};

// "./a//b/../c" to "a/c"; "" is the root. Throws Error{kInvalidArgument} when it leads out of the root.
std::string clean_entry_name(std::string_view name);

}  // namespace hull::archive
