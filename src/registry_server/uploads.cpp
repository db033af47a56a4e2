// SPDX-License-Identifier: Apache-2.0
#include "registry_server/uploads.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "linux/write_back.h"
#include "registry_server/repository_lock.h"
#include "registry_server/times.h"

namespace hull::registry_server {

struct UploadState {
  std::mutex mutex;
  std::uint64_t turn = 0;    // of the request that may write
  std::uint64_t size = 0;    // of the file
  std::uint64_t hashed = 0;  // bytes that are in `digester`: all of them, or those before a part that was not hashed
  std::uint64_t flushed = 0;
  UniqueFd fd;
  std::string path;
  Digester digester;

  explicit UploadState(Algorithm algorithm) : digester(algorithm) {}
};

namespace {

constexpr std::size_t kMostRemembered = 512;
// The disk begins to write while more comes: the fsync at the end then has little left to wait for.
constexpr std::uint64_t kFlushStep = 8 << 20;

// RFC 9562, version 7: 48 bits of milliseconds, 74 random ones.
std::string new_id() {
  std::uint64_t milliseconds = static_cast<std::uint64_t>(now().nanoseconds) / 1'000'000;
  std::string time;
  for (int shift = 40; shift >= 0; shift -= 8) {
    auto byte = static_cast<unsigned char>(milliseconds >> shift);
    time += to_hex(&byte, 1);
  }
  std::string random = random_hex(10);
  return cat(time.substr(0, 8), "-", time.substr(8, 4), "-7", random.substr(0, 3), "-a", random.substr(3, 3), "-",
             random.substr(6, 12));
}

}  // namespace

std::int64_t begun_at(std::string_view id) {
  if (!is_upload_id(id)) return 0;
  auto milliseconds = parse_number<std::int64_t>(cat(id.substr(0, 8), id.substr(9, 4)), 16);
  return milliseconds.value_or(0) * 1'000'000;
}

std::uint64_t UploadWriter::size() const {
  std::scoped_lock lock(state_->mutex);
  return state_->size;
}

void UploadWriter::write(std::string_view data) {
  std::scoped_lock lock(state_->mutex);
  if (state_->turn != turn_) fail(Kind::kCancelled, "another request goes on with this upload");
  while (!data.empty()) {
    ssize_t put = ::pwrite(state_->fd.get(), data.data(), data.size(), static_cast<off_t>(state_->size));
    if (put < 0 && errno == EINTR) continue;
    auto size = static_cast<std::size_t>(check(put, "write", state_->path));
    if (state_->hashed == state_->size) {
      state_->digester.update(data.substr(0, size));
      state_->hashed += size;
    }
    state_->size += size;
    data.remove_prefix(size);
  }
  if (state_->size - state_->flushed >= kFlushStep) {
    linux::begin_write_back(state_->fd.get(), state_->flushed, state_->size - state_->flushed);
    state_->flushed = state_->size;
  }
}

std::string Uploads::begin(const std::string& name) {
  std::string id = new_id();
  auto lock = RepositoryLock::shared(layout_, name);
  make_directories(layout_.uploads(name), 0750);
  open_file(layout_.upload(name, id), O_RDWR | O_CREAT | O_EXCL, 0640);
  return id;
}

std::optional<std::uint64_t> Uploads::size(const std::string& name, const std::string& id) const {
  struct stat info {};
  if (::stat(layout_.upload(name, id).c_str(), &info) < 0) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_size);
}

std::shared_ptr<UploadState> Uploads::state_of(const std::string& path, Algorithm algorithm) {
  std::scoped_lock lock(mutex_);
  auto found = states_.find(path);
  if (found != states_.end()) return found->second;
  if (states_.size() >= kMostRemembered)
    std::erase_if(states_, [](const auto& entry) { return entry.second.use_count() == 1; });
  auto state = std::make_shared<UploadState>(algorithm);
  state->path = path;
  states_.emplace(path, state);
  return state;
}

void Uploads::forget(const std::string& path) {
  std::scoped_lock lock(mutex_);
  states_.erase(path);
}

std::optional<UploadWriter> Uploads::open(const std::string& name, const std::string& id, Algorithm algorithm) {
  std::string path = layout_.upload(name, id);
  auto fd = open_if_exists(path, O_RDWR);
  if (!fd) return std::nullopt;
  auto state = state_of(path, algorithm);
  std::scoped_lock lock(state->mutex);
  struct stat info {};
  check(::fstat(fd->get(), &info), "stat", path);
  state->fd = std::move(*fd);
  auto size = static_cast<std::uint64_t>(info.st_size);
  // Shorter than we remember: a disk that lost what it had not written. What was hashed is void.
  if (size < state->hashed) {
    state->digester = Digester(algorithm);
    state->hashed = 0;
  }
  state->size = size;
  state->flushed = std::min(state->flushed, size);
  return UploadWriter(state, ++state->turn);
}

bool Uploads::finish(const std::string& name, const std::string& id, UploadWriter writer, const Digest& digest) {
  std::string path = layout_.upload(name, id);
  UploadState& state = *writer.state_;
  std::unique_lock lock(state.mutex);
  if (state.turn != writer.turn_) fail(Kind::kCancelled, "another request goes on with this upload");
  if (state.digester.algorithm() != digest.algorithm) {
    state.digester = Digester(digest.algorithm);
    state.hashed = 0;
  }
  state.digester.update_from(state.fd.get(), state.hashed, state.size - state.hashed);
  state.hashed = 0;  // finish() ends the digester: whoever comes here again begins anew
  Digest found = state.digester.finish();
  state.digester = Digester(digest.algorithm);
  if (found != digest) {
    lock.unlock();
    cancel(name, id);
    return false;
  }
  check(::fdatasync(state.fd.get()), "fsync", path);
  check(::futimens(state.fd.get(), nullptr), "set the time of", path);
  ++state.turn;
  blobs_.adopt(name, digest, path);
  state.fd.reset();
  lock.unlock();
  forget(path);
  return true;
}

bool Uploads::cancel(const std::string& name, const std::string& id) {
  std::string path = layout_.upload(name, id);
  bool there = ::unlink(path.c_str()) == 0;
  if (!there && errno != ENOENT && errno != ENOTDIR) throw_errno("unlink", path);
  std::scoped_lock lock(mutex_);
  if (auto found = states_.find(path); found != states_.end()) {
    std::scoped_lock state(found->second->mutex);
    ++found->second->turn;  // a request that still writes ends
  }
  states_.erase(path);
  return there;
}

}  // namespace hull::registry_server
