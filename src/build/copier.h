// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "archive/placement.h"
#include "base/unique_fd.h"
#include "build/file_tree.h"
#include "build/layer_digests.h"

namespace hull::build {

// How what is copied differs from what it is a copy of.
struct CopyOptions {
  std::optional<archive::Owner> owner;           // of all that is made
  std::function<mode_t(mode_t mode)> mode = {};  // of files and directories; not given: the source's
  bool attributes = false;                       // extended attributes go along
  bool plain = false;                            // `root` is the writable directory itself: there is no overlay
};

// Puts files into a root file system that is an overlay: `root` is the mounted overlay, `upper` the path of its
// writable directory. Paths are resolved in the overlay, links followed inside of it only. What goes into a directory
// that the layers below do not have is made in the writable directory itself, without the detour.
class Copier {
 public:
  Copier(int root, std::string upper, CopyOptions options);

  // From here on sources are files of layers, which nobody changes: instead of a copy, what is large and stays as it is
  // gets another name. `original` finds the file in its layer; empty: everything is copied.
  void share_files_of(std::function<std::string(const std::string& path)> original) { original_ = std::move(original); }
  // What `layer` (its directory) has at the same place with the same content, owner, mode and times gets another name
  // instead of a copy: of a large directory of which little has changed, little is copied.
  void share_files_with(const std::string& layer);
  // The digests of what was copied, as far as the sources know theirs and the next copy can use them.
  const LayerDigests& digests() const { return digests_; }
  // Whether a directory is there.
  bool has_directory(const std::string& path) const;
  // Makes a directory with what is missing above it; what is made belongs to `owner` and has mode 0755.
  void make_directories(const std::string& path);
  // Puts the contents of the directory `tree.front()` into the directory `to` (made when it is missing, like the
  // source).
  void copy_contents(int source_root, std::span<const FileEntry> tree, const std::string& to);
  // Puts what is at `tree.front()` where `to` says, by that name; the directory for it is made.
  void copy_as(int source_root, std::span<const FileEntry> tree, const std::string& to);
  void write_document(const std::string& to, std::string_view text, mode_t mode);

 private:
  struct Directory {
    std::string path;  // of the source, to know what belongs in it
    UniqueFd from, to;
    UniqueFd shared;                    // the same directory in the layer that files are shared with, when it has one
    std::string upper;                  // where `to` is in the writable directory
    bool direct = false;                // `to` is in the writable directory
    const FileEntry* finish = nullptr;  // it was made: set its times in the end
  };

  Directory open_target(const std::string& path);
  Directory open_parent(const std::string& path);
  void fill(Directory top, std::span<const FileEntry> tree);
  std::optional<Directory> make_child(const Directory& parent, const FileEntry& entry, const std::string& name);
  void copy_one(const Directory& parent, const FileEntry& entry, const std::string& name);
  void copy_file(const Directory& parent, const FileEntry& entry, const std::string& from, const std::string& name);
  bool share_file(const Directory& parent, const FileEntry& entry, const std::string& name);
  bool share_with_layer(const Directory& parent, const FileEntry& entry, const std::string& name);
  std::string_view place_of(const Directory& directory) const;
  bool is_as_wanted(const struct stat& there, const FileEntry& entry) const;
  UniqueFd create(const Directory& parent, const std::string& name, mode_t mode);
  void set_metadata(int fd, const FileEntry& entry);
  void set_metadata_at(int parent, const std::string& name, const FileEntry& entry);
  void finish(Directory& directory);
  mode_t mode_of(const FileEntry& entry) const;
  archive::Owner owner_of(const FileEntry& entry) const;

  int root_;
  std::string upper_;
  CopyOptions options_;
  std::function<std::string(const std::string& path)> original_;
  std::string sharing_;  // the directory "diff" of the layer to share with; "": none
  LayerDigests known_;   // in it
  LayerDigests digests_;
  std::vector<char> buffer_;
};

}  // namespace hull::build
