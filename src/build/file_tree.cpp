// SPDX-License-Identifier: Apache-2.0
#include "build/file_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "archive/confined.h"
#include "archive/sha256.h"
#include "base/error.h"
#include "base/file.h"

namespace hull::build {

namespace {

struct CloseDir {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

FileEntry entry_of(std::string path, const struct stat& info, bool owners) {
  FileEntry entry;
  entry.path = std::move(path);
  entry.mode = info.st_mode;
  entry.uid = owners ? info.st_uid : 0;
  entry.gid = owners ? info.st_gid : 0;
  entry.device = info.st_rdev;
  entry.inode = info.st_ino;
  entry.size = info.st_size;
  entry.modified = nanoseconds(info.st_mtim);
  entry.changed = nanoseconds(info.st_ctim);
  return entry;
}

std::string read_link(int parent, const char* name) {
  std::string target(4096, '\0');
  ssize_t size = ::readlinkat(parent, name, target.data(), target.size());
  target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return target;
}

std::vector<std::string> names_in(DIR* directory) {
  std::vector<std::string> names;
  while (dirent* entry = ::readdir(directory)) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

class Walk {
 public:
  Walk(const WalkOptions& options, FileList& out) : options_(options), out_(out) {}

  using Above = dockerfile::IgnoreRules::Above;

  void entry(int parent, const char* name, std::string path, const Above& above) {
    struct stat info {};
    if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT) return;  // removed meanwhile
      throw_errno("stat", path);
    }
    if (S_ISSOCK(info.st_mode)) return;
    Above below;
    bool left_out = options_.ignore && !path.empty() && options_.ignore->matches(path, above, &below);
    bool directory = S_ISDIR(info.st_mode);
    if (left_out && !(directory && options_.ignore->may_include_below(path))) {
      if (options_.ignored) options_.ignored(path);
      return;
    }
    std::size_t at = out_.size();
    FileEntry found = entry_of(std::move(path), info, options_.owners);
    if (S_ISLNK(info.st_mode)) found.link = read_link(parent, name);
    out_.push_back(std::move(found));
    if (!directory) return;
    UniqueFd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) throw_errno("open", out_[at].path);
    children(std::move(fd), out_[at].path, below);
    // A directory that is left out is there only for the sake of something in it that is not.
    if (left_out && out_.size() == at + 1) out_.pop_back();
  }

  void children(UniqueFd fd, const std::string& path, const Above& above) {
    int number = fd.release();
    std::unique_ptr<DIR, CloseDir> directory(::fdopendir(number));
    if (!directory) {
      ::close(number);
      throw_errno("fdopendir", path);
    }
    const std::string prefix = path.empty() ? "" : path + "/";
    for (const std::string& name : names_in(directory.get())) entry(number, name.c_str(), prefix + name, above);
  }

 private:
  const WalkOptions& options_;
  FileList& out_;
};

// "a/b" comes before "a.c": what is in a directory follows it at once.
bool path_less(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    auto rank = [](char c) { return c == '/' ? 0U : static_cast<unsigned char>(c) + 1U; };
    return rank(x) < rank(y);
  });
}

bool is_below(std::string_view path, std::string_view top) {
  return top.empty() || path == top || (path.starts_with(top) && path[top.size()] == '/');
}

template <class List>
auto subtree_of(List& list, std::string_view top) {
  auto first = std::ranges::lower_bound(list, top, path_less, &FileEntry::path);
  auto last = first;
  if (top.empty())
    last = list.end();
  else
    while (last != list.end() && is_below(last->path, top)) ++last;
  return std::pair(first, last);
}

constexpr std::size_t kPiece = 128 << 10;

void digest_one(int root, FileEntry& file, std::vector<char>& buffer) {
  UniqueFd fd = archive::open_confined(root, file.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) fail_invalid("cannot read ", quoted(file.path), ": ", errno_text(errno));
  archive::Sha256 hash;
  for (;;) {
    ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) fail_invalid("cannot read ", quoted(file.path), ": ", errno_text(errno));
    if (size == 0) break;
    hash.update({buffer.data(), static_cast<std::size_t>(size)});
  }
  file.digest = hash.bytes();
  file.has_digest = true;
}

}  // namespace

FileList walk(int root, const std::string& top, const WalkOptions& options) {
  FileList out;
  Walk walker(options, out);
  if (top.empty()) {
    struct stat info {};
    check(::fstat(root, &info), "stat");
    out.push_back(entry_of("", info, options.owners));
    walker.children(UniqueFd(check(::openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open")), "", {});
    return out;
  }
  // What the rules say about the directories above is handed down.
  dockerfile::IgnoreRules::Above above, below;
  if (options.ignore)
    for (auto slash = top.find('/'); slash != top.npos; slash = top.find('/', slash + 1)) {
      options.ignore->matches(top.substr(0, slash), above, &below);
      above = below;
    }
  auto slash = top.rfind('/');
  std::string parent_path = slash == top.npos ? "." : top.substr(0, slash);
  UniqueFd parent = archive::open_confined(root, parent_path, O_RDONLY | O_DIRECTORY);
  if (!parent) return out;
  walker.entry(parent.get(), top.c_str() + (slash == top.npos ? 0 : slash + 1), top, above);
  return out;
}

const FileEntry* find_entry(const FileList& list, std::string_view path) {
  auto found = std::ranges::lower_bound(list, path, path_less, &FileEntry::path);
  return found != list.end() && found->path == path ? &*found : nullptr;
}

std::span<const FileEntry> subtree(const FileList& list, std::string_view path) {
  auto [first, last] = subtree_of(list, path);
  return {first, last};
}
std::span<FileEntry> subtree(FileList& list, std::string_view path) {
  auto [first, last] = subtree_of(list, path);
  return {first, last};
}

void digest_files(int root, std::span<FileEntry> files, StatIndex* index) {
  std::vector<FileEntry*> unknown;
  for (FileEntry& file : files) {
    if (!S_ISREG(file.mode) || file.has_digest) continue;
    if (const FileDigest* known = index ? index->find(file) : nullptr) {
      file.digest = *known;
      file.has_digest = true;
    } else {
      unknown.push_back(&file);
    }
  }
  if (unknown.empty()) return;
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  auto work = [&] {
    std::vector<char> buffer(kPiece);
    try {
      for (std::size_t at = next++; at < unknown.size(); at = next++) digest_one(root, *unknown[at], buffer);
    } catch (...) {
      std::scoped_lock lock(mutex);
      failure = std::current_exception();
      next = unknown.size();
    }
  };
  constexpr std::size_t kWorthAThread = 64;
  {
    std::vector<std::jthread> helpers;
    unsigned processors = std::max(1U, std::thread::hardware_concurrency());
    if (unknown.size() > kWorthAThread)
      for (unsigned i = 1; i < processors; ++i) helpers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
  if (index)
    for (const FileEntry* file : unknown) index->add(*file);
}

}  // namespace hull::build
