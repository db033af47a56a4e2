// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "build/file_tree.h"
#include "linux/detached_mount.h"

namespace hull::build {

// A directory that files are taken from: the context of a build, the layers of a stage or image. Walks are remembered,
// and nothing is read that nobody asks for. Thread-safe.
class SourceTree {
 public:
  struct Options {
    bool owners = true;  // false: files are root's, whoever they belong to
    std::string index;   // file of the stat index; "" : none
    dockerfile::IgnoreRules ignore;
    // Of a tree of layers: the file that `path` shows, in the layer that it comes from. "" when it is none.
    std::function<std::string(const std::string& path)> original = {};
  };
  SourceTree(UniqueFd root, Options options);
  ~SourceTree();

  int root() const { return root_.get(); }
  bool owners() const { return options_.owners; }
  const std::function<std::string(const std::string& path)>& original() const { return options_.original; }
  const dockerfile::IgnoreRules& ignore() const { return options_.ignore; }

  // What is at `top` and below, with digests. A list stays where it is for as long as this.
  const FileList& files(const std::string& top);
  // The same without digests; what files() has read already is not walked again.
  const FileList& listing(const std::string& top);
  // The real place of `path`, with links followed inside of the tree. Empty when nothing is there.
  std::optional<std::string> resolve(const std::string& path) const;
  // Tops of what is left out.
  std::vector<std::string> ignored();
  void save();  // the index

 private:
  struct Walked {
    FileList list;
    bool digested = false;
  };
  Walked& walked(const std::string& top);

  UniqueFd root_;
  Options options_;
  std::unique_ptr<StatIndex> index_;
  std::mutex mutex_;
  std::map<std::string, Walked> walks_;
};

// One thing that COPY or ADD takes.
struct SelectedFile {
  std::span<const FileEntry> tree;  // what it is and all that is in it
  std::string name;                 // under which it goes into a directory
  bool contents = false;            // a directory whose contents are meant
};

// What `pattern` (a path, with wildcards or not) means in a tree. Error{kInvalidArgument} when nothing is there, unless
// it has wildcards. `keep_parents`: COPY --parents.
std::vector<SelectedFile> select(SourceTree& tree, const std::string& pattern, bool keep_parents);

// The content that a selection stands for: names, kinds, permissions, owners, links, contents; no times. `left_out`:
// patterns relative to each selected directory.
std::string content_digest(const std::vector<SelectedFile>& selected, const dockerfile::IgnoreRules& left_out);

// What content_digest() looks at, as a text: path, kBetweenItems, "mode uid:gid …", a line for each file.
std::string listing_of(const std::vector<SelectedFile>& selected, const dockerfile::IgnoreRules& left_out);

// A file of a selection without what is left out.
FileList filtered(std::span<const FileEntry> tree, const dockerfile::IgnoreRules& left_out);

}  // namespace hull::build
