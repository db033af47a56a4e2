// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <algorithm>

#include "archive/confined.h"
#include "archive/decompress.h"
#include "archive/tar_reader.h"
#include "base/file.h"
#include "build/cache.h"
#include "build/copier.h"
#include "build/executor.h"
#include "build/executor_steps.h"
#include "build/merged_place.h"
#include "build/step_history.h"
#include "container/user_lookup.h"
#include "dockerfile/git_reference.h"
#include "dockerfile/mode.h"
#include "linux/root_dir.h"
#include "linux/text_file.h"
#include "store/layout.h"

// COPY and ADD.
namespace hull::build {

namespace {

using namespace dockerfile;

std::string absolute(const std::string& folder, const std::string& path) {
  return linux::clean_path(path.starts_with('/') ? path : cat(folder, "/", path));
}

bool says_directory(const std::string& path) {
  return path.ends_with('/') || path == "." || path.ends_with("/.") || path == ".." || path.ends_with("/..");
}

bool is_remote(std::string_view path) {
  auto repository = parse_git_reference(path);
  return repository ? !repository->looks_local : is_http_source(path);
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

void Executor::plan_copy(const Node& node, CopyWork& work, StepKey& key) {
  const FileSources& files = sources_of(node.instruction);
  const auto* add = node.instruction.as<Add>();
  work.left_out = IgnoreRules::from_patterns(files.exclude);
  bool parents = node.instruction.as<Copy>() && node.instruction.as<Copy>()->parents;
  for (const std::string& path : files.paths) {
    if (add && is_remote(path)) {
      take_remote(*add, path, work);
      continue;
    }
    SourceTree& tree = tree_of(node.origin);
    for (SelectedFile& one : select(tree, path, parents))
      work.taken.push_back({&tree, std::move(one), "", add && add->unpack.value_or(true)});
  }
  if (work.taken.empty() && files.documents.empty())
    fail_invalid("no source files were specified: nothing matches ", join(files.paths, ", "));
  work.destination = absolute(node.folder, files.destination);
  work.into_directory = says_directory(files.destination) || work.taken.size() + files.documents.size() > 1 || parents;

  key.add("instruction", add ? "ADD" : "COPY").add("destination", work.destination);
  key.add("kind of destination", work.into_directory ? "directory" : "");
  key.add("--chown", files.chown).add("--chmod", files.chmod).add("--exclude", files.exclude);
  key.add("--parents", parents ? "true" : "").add("--link", files.link ? "true" : "");
  if (add) key.add("--unpack", add->unpack ? (*add->unpack ? "true" : "false") : "");
  std::vector<SelectedFile> known;  // those that their content names
  Strings names;
  for (const auto& one : work.taken) {
    names.push_back(one.file.contents && !parents ? "" : one.file.name);
    if (one.identity.empty())
      known.push_back(one.file);
    else
      key.add("source", one.identity);
  }
  key.add("names of files", names);
  if (!known.empty()) {
    std::string digest = content_digest(known, work.left_out);
    key.add_files(digest, [&work, known] { return listing_of(known, work.left_out); });
  }
  for (const Heredoc& document : files.documents) key.add("document", document.name).add("content", document.text());
}

// A URL or a git repository.
void Executor::take_remote(const Add& add, const std::string& url, CopyWork& work) {
  if (auto reference = parse_git_reference(url)) {
    bool keep = add.keep_git_dir.value_or(reference->keep_git_dir.value_or(false));
    Checkout checkout = helpers_.remote.repository(*reference, keep, add.checksum);
    SourceTree& tree = remote_tree(checkout.directory);
    for (SelectedFile& one : select(tree, reference->subdir.empty() ? "/" : reference->subdir, false))
      work.taken.push_back({&tree, std::move(one), cat(checkout.identity, " ", reference->subdir), false});
    return;
  }
  RemoteFile file = helpers_.remote.file(url, add.checksum);
  SourceTree& tree = remote_tree(file.directory);
  for (SelectedFile& one : select(tree, file.name, false))
    work.taken.push_back({&tree, std::move(one), "", add.unpack.value_or(false)});
}

LayerDigests Executor::copy_files(const Node& node, const CopyWork& work, int root, const std::string& upper) {
  const FileSources& files = sources_of(node.instruction);
  bool parents = node.instruction.as<Copy>() && node.instruction.as<Copy>()->parents;
  CopyOptions options;
  options.owner = owner_of(files.chown, root);
  options.plain = work.linked;
  if (!files.chmod.empty()) {
    ModeChange change = ModeChange::parse(files.chmod);
    options.mode = [change](mode_t before) { return change.apply(before & 07777, S_ISDIR(before)); };
  }
  options.attributes = std::ranges::any_of(work.taken, [](const auto& one) { return one.tree->owners(); });
  Copier copier(root, upper, options);
  if (!request_.rewrite_timestamps) copier.share_files_with(last_layer(node));
  bool told = files.documents.empty();  // the copier knows of everything that is written
  bool into = work.into_directory || (!work.taken.empty() && copier.has_directory(work.destination));
  if (work.taken.size() == 1 && work.taken.front().file.contents && !parents) into = true;
  auto inside = [&](const std::string& name) { return into ? cat(work.destination, "/", name) : work.destination; };
  for (const auto& one : work.taken) {
    FileList kept;
    std::span<const FileEntry> tree = one.file.tree;
    if (!work.left_out.empty()) tree = kept = filtered(one.file.tree, work.left_out);
    int from = one.tree->root();
    // Times of files that belong to another layer, too, cannot be changed.
    if (!request_.rewrite_timestamps) copier.share_files_of(one.tree->original());
    if (one.unpack && S_ISREG(tree.front().mode) && is_archive(from, tree.front().path)) {
      copier.make_directories(work.destination);
      unpack(*one.tree, tree.front().path, work.destination, root, options.owner);
      told = false;
    } else if (one.file.contents && !parents) {
      copier.copy_contents(from, tree, work.destination);
    } else {
      copier.copy_as(from, tree, linux::clean_path(inside(one.file.name)));
    }
  }
  into = into || copier.has_directory(work.destination);
  for (const Heredoc& document : files.documents) {
    mode_t mode = options.mode ? options.mode(S_IFREG | 0644) & 07777 : 0644;
    copier.write_document(linux::clean_path(inside(document.name)), document.text(), mode);
  }
  return told ? copier.digests() : LayerDigests();
}

// The layer that the same instruction made in the last build; "" when there is none.
std::string Executor::last_layer(const Node& node) const {
  auto key = helpers_.history.last_key(node.stage_name, static_cast<std::int64_t>(node.number), node.facts.instruction);
  auto record = key ? shared_.services().database.build_record(*key) : std::nullopt;
  return record && !record->chain_id.empty() ? store::layer_path(shared_.data_root, record->chain_id) : "";
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
  if (!tree) {
    SourceTree::Options options;
    options.original = [root = shared_.data_root, chain](const std::string& path) {
      return merged_place(root, chain, path).file;
    };
    tree = std::make_shared<SourceTree>(mount_chain(chain), std::move(options));
  }
  return *tree;
}

SourceTree& Executor::remote_tree(const std::string& directory) {
  std::scoped_lock lock(mutex_);
  auto& tree = trees_[directory];
  if (!tree) {
    SourceTree::Options options;
    options.owners = false;
    tree = std::make_shared<SourceTree>(open_file(directory, O_RDONLY | O_DIRECTORY), std::move(options));
  }
  return *tree;
}

}  // namespace hull::build
