// SPDX-License-Identifier: Apache-2.0
#include "registry_server/blobs.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "registry_server/repository_lock.h"
#include "registry_server/times.h"

namespace hull::registry_server {

namespace {

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

void sync_directory(const std::string& path) {
  check(::fsync(open_file(path, O_RDONLY | O_DIRECTORY).get()), "fsync", path);
}

}  // namespace

std::optional<OpenFile> Blobs::open(const std::string& name, const Digest& digest) const {
  auto fd = open_if_exists(layout_.blob(name, digest), O_RDONLY);
  if (!fd) return std::nullopt;
  struct stat info {};
  check(::fstat(fd->get(), &info), "stat");
  return OpenFile{std::move(*fd), static_cast<std::uint64_t>(info.st_size)};
}

bool Blobs::exists(const std::string& name, const Digest& digest) const {
  return hull::exists(layout_.blob(name, digest));
}

bool Blobs::claim(const std::string& name, const Digest& digest) const {
  std::string path = layout_.blob(name, digest);
  if (is_fresh(path)) return true;
  // The lock keeps the collector from removing the blob between our look at it and the new time.
  auto lock = RepositoryLock::shared_if_exists(layout_, name);
  return lock && freshen(path);
}

// False when `from` is not there, or cannot have one more name (EMLINK, file systems without hard links).
bool Blobs::link(const std::string& from, const std::string& to) const {
  for (;;) {
    if (::link(from.c_str(), to.c_str()) == 0 || errno == EEXIST) return true;
    if (errno == EMLINK || errno == EPERM || errno == EOPNOTSUPP || errno == EXDEV) return false;
    if (errno != ENOENT) throw_errno("link", to);
    if (hull::exists(directory_of(to))) return false;
    make_directories(directory_of(to), 0750);
  }
}

void Blobs::adopt(const std::string& name, const Digest& digest, const std::string& file) const {
  auto lock = RepositoryLock::shared(layout_, name);
  std::string path = layout_.blob(name, digest), shared = layout_.shared_blob(digest);
  if (link(shared, path)) {
    // It is known already: one copy is enough.
    freshen(path);
    check(::unlink(file.c_str()), "unlink", file);
  } else {
    make_directories(directory_of(path), 0750);
    check(::rename(file.c_str(), path.c_str()), "rename", path);
    link(path, shared);
  }
  sync_directory(directory_of(path));
}

bool Blobs::mount(const std::string& name, const Digest& digest, const std::optional<std::string>& from) const {
  // One that no repository has any more is on its way out.
  auto is_known = [&](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && info.st_nlink > 1;
  };
  std::string source = layout_.shared_blob(digest), path = layout_.blob(name, digest);
  if (from ? !exists(*from, digest) : !is_known(source)) return false;
  if (from) source = layout_.blob(*from, digest);
  auto lock = RepositoryLock::shared(layout_, name);
  if (!link(source, path) || !freshen(path)) return false;
  sync_directory(directory_of(path));
  return true;
}

bool Blobs::remove(const std::string& name, const Digest& digest) const {
  auto lock = RepositoryLock::alone(layout_, name);
  if (!lock || !exists(name, digest)) return false;
  unlink(name, digest);
  return true;
}

void Blobs::unlink(const std::string& name, const Digest& digest) const {
  std::string path = layout_.blob(name, digest), shared = layout_.shared_blob(digest);
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) throw_errno("unlink", path);
  // Somebody who mounts it at this moment has a link of his own: what is removed here is a name, not the content.
  struct stat info {};
  if (::stat(shared.c_str(), &info) == 0 && info.st_nlink == 1) ::unlink(shared.c_str());
}

}  // namespace hull::registry_server
