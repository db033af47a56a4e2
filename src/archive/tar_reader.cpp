// SPDX-License-Identifier: Apache-2.0
#include "archive/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>

#include "archive/name_charset.h"
#include "base/error.h"

namespace hull::archive {

namespace {

constexpr std::size_t kBeginning = 512, kBlock = 512;

std::string text_or_empty(const char* text) { return text ? text : ""; }

}  // namespace

struct TarReader::State {
  Source source;
  ::archive* handle = nullptr;
  ::archive_entry* header = nullptr;
  Entry entry;
  std::vector<char> buffer = std::vector<char>(256 * 1024);
  std::exception_ptr failure;  // of `source`: must not fly through libarchive, which is C
  // What was looked at already: `head`, put together from small pieces, then `piece` as it lies in the buffer.
  std::string head, buffer_of_head;
  std::string_view piece;
  std::int64_t piece_at = 0;
  std::uint64_t taken = 0;  // bytes of `source`

  ~State() {
    if (handle) ::archive_read_free(handle);
  }

  static la_ssize_t on_read(::archive* archive, void* self, const void** data) {
    auto& state = *static_cast<State*>(self);
    try {
      std::size_t got = state.source(state.buffer.data(), state.buffer.size());
      if (got == 0) got = state.make_up_zeros();
      state.taken += got;
      *data = state.buffer.data();
      return static_cast<la_ssize_t>(got);
    } catch (...) {
      state.failure = std::current_exception();
      ::archive_set_error(archive, EIO, "the stream broke");
      return ARCHIVE_FATAL;
    }
  }

  // Some writers (docker build -f -) leave out what fills the last block behind the content. A block that ends within
  // the content is cut off, and stays so.
  std::size_t make_up_zeros() {
    std::size_t there = taken % kBlock, wanted = static_cast<std::uint64_t>(entry.size) % kBlock;
    bool is_sparse = header && ::archive_entry_sparse_count(header) > 0;
    if (is_sparse || wanted == 0 || there < wanted) return 0;
    std::fill_n(buffer.begin(), kBlock - there, '\0');
    return kBlock - there;
  }

  [[noreturn]] void fail_now() {
    if (failure) std::rethrow_exception(failure);
    fail_invalid("invalid tar archive: ", text_or_empty(::archive_error_string(handle)));
  }

  void copy_header();
  void copy_attributes();
  bool read_block(std::string_view& data, std::int64_t& offset);
};

void TarReader::State::copy_header() {
  entry.name = text_or_empty(::archive_entry_pathname(header));
  entry.link_target = text_or_empty(::archive_entry_symlink(header));
  entry.hard_link = text_or_empty(::archive_entry_hardlink(header));
  entry.mode = ::archive_entry_mode(header);
  entry.uid = static_cast<uid_t>(::archive_entry_uid(header));
  entry.gid = static_cast<gid_t>(::archive_entry_gid(header));
  entry.size = ::archive_entry_size_is_set(header) ? ::archive_entry_size(header) : 0;
  entry.device = makedev(::archive_entry_rdevmajor(header), ::archive_entry_rdevminor(header));
  entry.modified = {::archive_entry_mtime(header), ::archive_entry_mtime_nsec(header)};
  copy_attributes();
}

void TarReader::State::copy_attributes() {
  entry.attributes.clear();
  if (::archive_entry_xattr_reset(header) == 0) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (::archive_entry_xattr_next(header, &name, &value, &size) == ARCHIVE_OK)
    entry.attributes.emplace_back(name, std::string(static_cast<const char*>(value), size));
}

TarReader::TarReader(Source source) : state_(std::make_unique<State>()) {
  state_->source = std::move(source);
  state_->handle = ::archive_read_new();
  if (!state_->handle) fail(Kind::kInternal, "cannot start the tar reader");
  ::archive_read_support_format_tar(state_->handle);
  ::archive_read_support_format_empty(state_->handle);
  Utf8Names names;
  if (::archive_read_open(state_->handle, state_.get(), nullptr, State::on_read, nullptr) != ARCHIVE_OK)
    state_->fail_now();
}

TarReader::~TarReader() = default;

const Entry* TarReader::next() {
  Utf8Names names;
  state_->head.clear();
  state_->piece = {};
  int result = ::archive_read_next_header(state_->handle, &state_->header);
  if (result == ARCHIVE_EOF) {
    if (state_->failure) state_->fail_now();
    return nullptr;
  }
  if (result == ARCHIVE_WARN) {
    // The only warnings that change a name or lose a part of an entry.
    std::string text = text_or_empty(::archive_error_string(state_->handle));
    if (text.find("convert") != text.npos) fail_invalid("invalid tar archive: a PAX header is not UTF-8: ", text);
  } else if (result != ARCHIVE_OK) {
    state_->fail_now();
  }
  state_->copy_header();
  if (state_->entry.name.empty()) fail_invalid("invalid tar archive: an entry has no name");
  return &state_->entry;
}

bool TarReader::State::read_block(std::string_view& data, std::int64_t& offset) {
  const void* block = nullptr;
  std::size_t size = 0;
  la_int64_t at = 0;
  int result = ::archive_read_data_block(handle, &block, &size, &at);
  if (result == ARCHIVE_EOF) return false;
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) fail_now();
  data = {static_cast<const char*>(block), size};
  offset = at;
  return true;
}

std::string_view TarReader::beginning() {
  State& state = *state_;
  auto contiguous = [&] { return state.piece_at == static_cast<std::int64_t>(state.head.size()); };
  // Small pieces are put together; one that is large enough stays where it is, and so does one behind a hole.
  while (state.piece.empty() && state.head.size() < kBeginning && state.read_block(state.piece, state.piece_at)) {
    if (!contiguous() || (state.head.empty() && state.piece.size() >= kBeginning)) break;
    state.head += std::exchange(state.piece, {});
  }
  return state.head.empty() && contiguous() ? state.piece : std::string_view(state.head);
}

bool TarReader::read(std::string_view& data, std::int64_t& offset) {
  State& state = *state_;
  if (!state.head.empty()) {
    // Whoever reads has his piece until the next call, and that one finds it read.
    state.buffer_of_head = std::exchange(state.head, {});
    data = state.buffer_of_head;
    offset = 0;
    return true;
  }
  if (!state.piece.empty()) {
    data = std::exchange(state.piece, {});
    offset = state.piece_at;
    return true;
  }
  return state.read_block(data, offset);
}

Source TarReader::content() {
  struct Position {
    std::string_view piece;
    std::int64_t at = 0, piece_at = 0;  // in the content
    bool ended = false;
  };
  return [this, now = Position{}, size = state_->entry.size](char* buffer, std::size_t room) mutable -> std::size_t {
    while (now.piece.empty() && !now.ended) {
      now.ended = !read(now.piece, now.piece_at);
      if (now.ended) now.piece_at = std::max(size, now.at);
    }
    if (now.at < now.piece_at) {
      auto hole =
          static_cast<std::size_t>(std::min<std::int64_t>(now.piece_at - now.at, static_cast<std::int64_t>(room)));
      std::memset(buffer, 0, hole);
      now.at += static_cast<std::int64_t>(hole);
      return hole;
    }
    std::size_t count = std::min(room, now.piece.size());
    std::memcpy(buffer, now.piece.data(), count);
    now.piece.remove_prefix(count);
    now.at += static_cast<std::int64_t>(count);
    now.piece_at += static_cast<std::int64_t>(count);
    return count;
  };
}

std::string TarReader::read_all(std::size_t limit) {
  std::string content;
  std::string_view piece;
  std::int64_t offset = 0;
  while (read(piece, offset)) {
    auto end = static_cast<std::size_t>(offset) + piece.size();
    if (end > limit) fail_invalid(quoted(state_->entry.name), " in the archive is larger than ", limit, " bytes");
    content.resize(end);
    piece.copy(content.data() + offset, piece.size());
  }
  return content;
}

}  // namespace hull::archive
