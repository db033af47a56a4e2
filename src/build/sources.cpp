// SPDX-License-Identifier: Apache-2.0
#include "build/sources.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "archive/confined.h"
#include "archive/sha256.h"
#include "base/error.h"
#include "build/step_key.h"
#include "dockerfile/path_pattern.h"
#include "dockerfile/wildcard.h"
#include "linux/root_dir.h"

namespace hull::build {

namespace {

std::string path_of(int fd) {
  std::string path(4096, '\0');
  ssize_t size = ::readlink(cat("/proc/self/fd/", fd).c_str(), path.data(), path.size());
  path.resize(static_cast<std::size_t>(check(size, "readlink")));
  return path == "/" ? "" : path;
}

// "/a/./b/" to "a/b"; "" is the top.
std::string clean(std::string_view path) { return linux::clean_path(path).substr(1); }

std::string_view last_of(std::string_view path) {
  auto slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

[[noreturn]] void not_found(const std::string& pattern) {
  fail_invalid("file not found in build context or excluded by .dockerignore: stat ", pattern, ": file does not exist");
}

std::string octal(mode_t mode) {
  char text[16];
  std::size_t size = 0;
  do text[size++] = static_cast<char>('0' + (mode & 7));
  while (mode >>= 3);
  std::reverse(text, text + size);
  return {text, size};
}

void describe(std::string& out, const FileEntry& file, std::string_view name) {
  out += cat(name, std::string_view("\0", 1), octal(file.mode), " ", file.uid, ":", file.gid);
  if (S_ISLNK(file.mode)) out += cat(" ", file.link);
  if (S_ISCHR(file.mode) || S_ISBLK(file.mode)) out += cat(" ", static_cast<std::uint64_t>(file.device));
  if (S_ISREG(file.mode)) out.append(reinterpret_cast<const char*>(file.digest.data()), file.digest.size());
  out += '\0';
}

SelectedFile selected(const FileList& list, const std::string& real, std::string name) {
  SelectedFile one;
  one.tree = subtree(list, real);
  one.name = std::move(name);
  one.contents = S_ISDIR(one.tree.front().mode);
  return one;
}

}  // namespace

SourceTree::SourceTree(UniqueFd root, Options options) : root_(std::move(root)), options_(std::move(options)) {
  if (!options_.index.empty()) index_ = std::make_unique<StatIndex>(options_.index);
}
SourceTree::~SourceTree() = default;

SourceTree::Walked& SourceTree::walked(const std::string& top) {
  if (auto whole = walks_.find(""); whole != walks_.end()) return whole->second;
  if (auto known = walks_.find(top); known != walks_.end()) return known->second;
  WalkOptions walk_options;
  walk_options.owners = options_.owners;
  if (!options_.ignore.empty()) walk_options.ignore = &options_.ignore;
  return walks_.emplace(top, Walked{walk(root_.get(), top, walk_options), false}).first->second;
}

const FileList& SourceTree::files(const std::string& top) {
  std::scoped_lock lock(mutex_);
  Walked& found = walked(top);
  // Of the whole context, only what was asked for is read.
  digest_files(root_.get(), subtree(found.list, top), index_.get());
  return found.list;
}

const FileList& SourceTree::listing(const std::string& top) {
  std::scoped_lock lock(mutex_);
  return walked(top).list;
}

std::optional<std::string> SourceTree::resolve(const std::string& path) const {
  UniqueFd fd = archive::open_confined(root_.get(), path.empty() ? "." : path, O_PATH);
  if (!fd) return std::nullopt;
  std::string root = path_of(root_.get()), real = path_of(fd.get());
  if (!real.starts_with(root)) return std::nullopt;
  return clean(std::string_view(real).substr(root.size()));
}

std::vector<std::string> SourceTree::ignored() {
  std::vector<std::string> tops;
  if (options_.ignore.empty()) return tops;
  WalkOptions walk_options;
  walk_options.ignore = &options_.ignore;
  walk_options.ignored = [&](const std::string& path) { tops.push_back(path); };
  walk(root_.get(), "", walk_options);
  return tops;
}

void SourceTree::save() {
  std::scoped_lock lock(mutex_);
  if (index_) index_->save();
}

std::vector<SelectedFile> select(SourceTree& tree, const std::string& pattern, bool keep_parents) {
  std::vector<SelectedFile> out;
  dockerfile::PivotedSource pivoted;
  if (keep_parents) pivoted = dockerfile::split_pivot(pattern);
  std::string source = keep_parents ? clean(cat(pivoted.base, "/", pivoted.pattern)) : clean(pattern);
  auto name_of = [&](const std::string& path) {
    if (!keep_parents) return std::string(last_of(path));
    std::string base = clean(pivoted.base);
    return base.empty() ? path : path.substr(std::min(path.size(), base.size() + 1));
  };
  if (!dockerfile::has_wildcards(source)) {
    // Docker follows links on the way to a source, and a source that is one.
    auto real = tree.resolve(source);
    if (!real) not_found(pattern);
    const FileList& list = tree.files(*real);
    if (!find_entry(list, *real)) not_found(pattern);
    out.push_back(selected(list, *real, name_of(source)));
    return out;
  }
  std::string top = dockerfile::fixed_prefix(source);
  auto real_top = tree.resolve(top);
  if (!real_top) return out;
  const FileList& list = tree.listing(*real_top);
  std::vector<std::string> matched;
  std::optional<dockerfile::PathPattern> any_depth;
  if (keep_parents) any_depth.emplace(source);
  for (const FileEntry& file : subtree(list, *real_top)) {
    std::string shown = *real_top == top ? file.path : clean(cat(top, "/", file.path.substr(real_top->size())));
    bool fits = any_depth ? any_depth->matches(shown) : dockerfile::matches_wildcard(source, shown).value_or(false);
    // A directory takes all that is in it along.
    bool taken = !matched.empty() && shown.starts_with(matched.back() + "/");
    if (fits && !shown.empty() && !taken) matched.push_back(shown);
  }
  for (const std::string& path : matched) {
    auto real = tree.resolve(path);
    if (!real) continue;
    const FileList& files = tree.files(*real);
    if (find_entry(files, *real)) out.push_back(selected(files, *real, name_of(path)));
  }
  return out;
}

std::string content_digest(const std::vector<SelectedFile>& all, const dockerfile::IgnoreRules& left_out) {
  archive::Sha256 hash;
  std::string text;
  for (const SelectedFile& one : all) {
    const std::string& top = one.tree.front().path;
    describe(text, one.tree.front(), one.contents ? "" : one.name);
    for (const FileEntry& file : one.tree.subspan(1)) {
      std::string_view path = std::string_view(file.path).substr(top.empty() ? 0 : top.size() + 1);
      if (!left_out.empty() && left_out.matches(path)) continue;
      describe(text, file, path);
    }
    text += '\n';
    hash.update(text);
    text.clear();
  }
  return hash.digest();
}

std::string listing_of(const std::vector<SelectedFile>& all, const dockerfile::IgnoreRules& left_out) {
  std::string out;
  for (const SelectedFile& one : all) {
    const std::string& top = one.tree.front().path;
    for (const FileEntry& file : one.tree) {
      std::string_view path =
          std::string_view(file.path).substr(std::min(file.path.size(), top.empty() ? 0 : top.size() + 1));
      if (!path.empty() && left_out.matches(path)) continue;
      out += cat(file.path.empty() ? "." : file.path, kBetweenItems, octal(file.mode), " ", file.uid, ":", file.gid);
      if (S_ISLNK(file.mode)) out += cat(" ", file.link);
      if (S_ISREG(file.mode)) out += cat(" ", to_hex(file.digest.data(), file.digest.size()));
      out += '\n';
    }
  }
  return out;
}

FileList filtered(std::span<const FileEntry> tree, const dockerfile::IgnoreRules& left_out) {
  FileList out;
  const std::string& top = tree.front().path;
  for (const FileEntry& file : tree) {
    std::string_view path =
        std::string_view(file.path).substr(std::min(file.path.size(), top.empty() ? 0 : top.size() + 1));
    if (!path.empty() && left_out.matches(path)) continue;
    out.push_back(file);
  }
  return out;
}

}  // namespace hull::build
