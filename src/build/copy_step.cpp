// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include "archive/confined.h"
#include "archive/decompress.h"
#include "archive/tar_reader.h"
#include "base/file.h"
#include "build/cache.h"
#include "build/copier.h"
#include "build/executor.h"
#include "container/user_lookup.h"
#include "dockerfile/mode.h"
#include "linux/root_dir.h"
#include "linux/text_file.h"
#include "store/layout.h"

// COPY and ADD.
namespace hull::build {

namespace {

using namespace dockerfile;

const FileSources& sources_of(const Instruction& instruction) {
  const auto* copy = instruction.as<Copy>();
  return copy ? copy->files : instruction.as<Add>()->files;
}

std::string absolute(const std::string& folder, const std::string& path) {
  return linux::clean_path(path.starts_with('/') ? path : cat(folder, "/", path));
}

bool says_directory(const std::string& path) {
  return path.ends_with('/') || path == "." || path.ends_with("/.") || path == ".." || path.ends_with("/..");
}

bool is_remote(std::string_view path) {
  for (std::string_view prefix : {"http://", "https://", "git://", "git@", "ssh://"})
    if (path.starts_with(prefix)) return true;
  return false;
}

// A tar, compressed or not: what ADD unpacks. The magic of a tar header is at 257.
bool is_archive(int root, const std::string& path) {
  UniqueFd fd = archive::open_confined(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return false;
  try {
    archive::TarReader reader(archive::decompress(archive::file_source(fd.get())));
    return reader.next() != nullptr;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::optional<archive::Owner> Executor::owner_of(const std::string& chown, int root) const {
  if (chown.empty()) return std::nullopt;
  auto read = [root](const std::string& path) { return linux::read_text_file(linux::RootDir(root), path); };
  auto [user, group] = split_once(chown, ':');
  try {
    oci::User found = container::look_up_user(chown, {}, read);
    archive::Owner owner{found.uid, found.gid};
    // A number alone is meant for both.
    if (auto number = parse_number<gid_t>(user); number && !group) owner.gid = *number;
    return owner;
  } catch (const Error& e) {
    fail_invalid("unable to convert uid/gid chown string to host mapping: ", e.message());
  }
}

Executor::CopyWork Executor::plan_copy(const Node& node) {
  const FileSources& files = sources_of(node.instruction);
  const auto* add = node.instruction.as<Add>();
  CopyWork work;
  work.left_out = IgnoreRules::from_patterns(files.exclude);
  bool parents = node.instruction.as<Copy>() && node.instruction.as<Copy>()->parents;
  for (const std::string& path : files.paths) {
    if (add && is_remote(path))
      fail(Kind::kNotImplemented, "ADD of ", quoted(path), ": remote sources are not available in this build of hull");
    if (!work.tree) work.tree = &tree_of(node.origin);
    auto found = select(*work.tree, path, parents);
    for (SelectedFile& one : found) work.selected.push_back(std::move(one));
  }
  if (work.selected.empty() && files.documents.empty())
    fail_invalid("no source files were specified: nothing matches ", join(files.paths, ", "));
  work.destination = absolute(node.folder, files.destination);
  work.into_directory =
      says_directory(files.destination) || work.selected.size() + files.documents.size() > 1 || parents;

  KeyMaker key(add ? "add" : "copy");
  key.add(work.destination).add(work.into_directory ? "/" : "").add(files.chown).add(files.chmod);
  key.add(files.exclude).add(parents ? "parents" : "");
  if (add && add->unpack) key.add(*add->unpack ? "unpack" : "keep");
  if (!work.selected.empty()) key.add(content_digest(work.selected, work.left_out));
  for (const SelectedFile& one : work.selected) key.add(one.contents && !parents ? "" : one.name);
  for (const Heredoc& document : files.documents) key.add(document.name).add(document.text());
  work.key = key.digest();
  return work;
}

void Executor::copy_files(const Node& node, const CopyWork& work, int root, const std::string& upper) {
  const FileSources& files = sources_of(node.instruction);
  const auto* add = node.instruction.as<Add>();
  bool parents = node.instruction.as<Copy>() && node.instruction.as<Copy>()->parents;
  CopyOptions options;
  options.owner = owner_of(files.chown, root);
  if (!files.chmod.empty()) {
    ModeChange change = ModeChange::parse(files.chmod);
    options.mode = [change](mode_t before) { return change.apply(before & 07777, S_ISDIR(before)); };
  }
  options.attributes = work.tree && work.tree->owners();
  Copier copier(root, upper, options);
  bool into = work.into_directory || (!work.selected.empty() && copier.has_directory(work.destination));
  if (work.selected.size() == 1 && work.selected.front().contents && !parents) into = true;
  auto inside = [&](const std::string& name) { return into ? cat(work.destination, "/", name) : work.destination; };
  for (const SelectedFile& one : work.selected) {
    FileList kept;
    std::span<const FileEntry> tree = one.tree;
    if (!work.left_out.empty()) tree = kept = filtered(one.tree, work.left_out);
    bool regular = S_ISREG(tree.front().mode);
    if (add && regular && add->unpack.value_or(true) && is_archive(work.tree->root(), tree.front().path)) {
      copier.make_directories(work.destination);
      unpack(*work.tree, tree.front().path, work.destination, root, options.owner);
    } else if (one.contents && !parents) {
      copier.copy_contents(work.tree->root(), tree, work.destination);
    } else {
      copier.copy_as(work.tree->root(), tree, linux::clean_path(inside(one.name)));
    }
  }
  into = into || copier.has_directory(work.destination);
  for (const Heredoc& document : files.documents) {
    mode_t mode = options.mode ? options.mode(S_IFREG | 0644) & 07777 : 0644;
    copier.write_document(linux::clean_path(inside(document.name)), document.text(), mode);
  }
}

void Executor::unpack(const SourceTree& tree, const std::string& path, const std::string& to, int root,
                      std::optional<archive::Owner> owner) {
  UniqueFd file = archive::open_confined(tree.root(), path, O_RDONLY | O_NOFOLLOW);
  if (!file) throw_errno("open", path);
  archive::TarReader reader(archive::decompress(archive::file_source(file.get())));
  archive::Overlaying overlaying;
  overlaying.base = to.substr(1);
  overlaying.owner = owner;
  archive::Placement placement(root, overlaying);
  while (const archive::Entry* entry = reader.next()) placement.place(*entry, reader);
  placement.finish();
}

linux::DetachedMount Executor::mount_chain(const std::vector<std::string>& chain) const {
  linux::OverlayOptions options;
  for (auto layer = chain.rbegin(); layer != chain.rend(); ++layer)
    options.lower.push_back(store::layer_path(shared_.data_root, *layer) + "/diff");
  return linux::mount_overlay(options);
}

SourceTree& Executor::tree_of(const FileOrigin& origin) {
  if (origin.kind == FileOrigin::Kind::kContext) {
    auto found = contexts_.find(origin.context);
    if (found == contexts_.end() || !found->second) fail_invalid("this build has no context to take files from");
    return *found->second;
  }
  std::vector<std::string> chain;
  if (origin.kind == FileOrigin::Kind::kNode) chain = results_[origin.node].chain;
  if (origin.kind == FileOrigin::Kind::kImage) chain = origin.image->layer_chain_ids;
  if (chain.empty()) fail_invalid("there are no files in what is copied from: it has no layers");
  std::scoped_lock lock(mutex_);
  auto& tree = trees_[chain.back()];
  if (!tree) tree = std::make_shared<SourceTree>(mount_chain(chain), SourceTree::Options{});
  return *tree;
}

}  // namespace hull::build
