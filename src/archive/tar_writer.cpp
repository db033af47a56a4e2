// SPDX-License-Identifier: Apache-2.0
#include "archive/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "archive/name_charset.h"
#include "base/error.h"

namespace hull::archive {

namespace {

constexpr std::size_t kBlock = 256 * 1024;

struct FreeEntry {
  void operator()(::archive_entry* entry) const { ::archive_entry_free(entry); }
};
using Header = std::unique_ptr<::archive_entry, FreeEntry>;

Header header_of(const Entry& entry) {
  Header header(::archive_entry_new());
  ::archive_entry* h = header.get();
  ::archive_entry_set_pathname(h, entry.name.c_str());
  ::archive_entry_set_mode(h, entry.mode);
  ::archive_entry_set_uid(h, entry.uid);
  ::archive_entry_set_gid(h, entry.gid);
  ::archive_entry_set_mtime(h, entry.modified.tv_sec, entry.modified.tv_nsec);
  bool has_content = entry.is(S_IFREG) && entry.hard_link.empty();
  ::archive_entry_set_size(h, has_content ? entry.size : 0);
  if (entry.is(S_IFLNK)) ::archive_entry_set_symlink(h, entry.link_target.c_str());
  if (!entry.hard_link.empty()) ::archive_entry_set_hardlink(h, entry.hard_link.c_str());
  if (entry.is(S_IFCHR) || entry.is(S_IFBLK)) {
    ::archive_entry_set_rdevmajor(h, major(entry.device));
    ::archive_entry_set_rdevminor(h, minor(entry.device));
  }
  for (const auto& [name, value] : entry.attributes)
    ::archive_entry_xattr_add_entry(h, name.c_str(), value.data(), value.size());
  return header;
}

}  // namespace

struct TarWriter::State {
  Sink sink;
  ::archive* handle = nullptr;
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(kBlock);
  std::int64_t content_bytes = 0;
  std::exception_ptr failure;  // of `sink`: must not fly through libarchive, which is C

  ~State() {
    if (handle) ::archive_write_free(handle);
  }
  static la_ssize_t on_write(::archive* archive, void* self, const void* data, std::size_t size) {
    auto& state = *static_cast<State*>(self);
    try {
      // After a failure libarchive's destructor would still write the end marks.
      if (!state.failure) state.sink({static_cast<const char*>(data), size});
      if (!state.failure) return static_cast<la_ssize_t>(size);
    } catch (...) {
      state.failure = std::current_exception();
    }
    ::archive_set_error(archive, EIO, "the stream broke");
    return -1;
  }
  void require(la_ssize_t result) {
    if (result >= ARCHIVE_WARN) return;
    if (failure) std::rethrow_exception(failure);
    fail(Kind::kInternal, "cannot write the tar archive: ", ::archive_error_string(handle));
  }
  void copy_content(std::int64_t size, const Source& content);
};

void TarWriter::State::copy_content(std::int64_t size, const Source& content) {
  while (size > 0) {
    std::size_t wanted = std::min<std::size_t>(kBlock, static_cast<std::size_t>(size));
    std::size_t got = content ? content(buffer.get(), wanted) : 0;
    if (got == 0) {
      std::fill_n(buffer.get(), wanted, '\0');
      got = wanted;
    }
    require(::archive_write_data(handle, buffer.get(), got));
    size -= static_cast<std::int64_t>(got);
  }
}

TarWriter::TarWriter(Sink sink) : state_(std::make_unique<State>()) {
  state_->sink = std::move(sink);
  state_->handle = ::archive_write_new();
  if (!state_->handle) fail(Kind::kInternal, "cannot start the tar writer");
  ::archive_write_set_format_pax(state_->handle);
  state_->require(::archive_write_set_format_option(state_->handle, "pax", "xattrheader", "SCHILY"));
  ::archive_write_set_bytes_per_block(state_->handle, kBlock);
  ::archive_write_set_bytes_in_last_block(state_->handle, 1);
  state_->require(::archive_write_open(state_->handle, state_.get(), nullptr, State::on_write, nullptr));
}

TarWriter::~TarWriter() {
  // Not finished: somebody else's error is on its way, and nothing may reach the sink any more.
  if (state_ && !state_->failure) state_->failure = std::make_exception_ptr(Error(Kind::kCancelled, "not finished"));
}

void TarWriter::add(const Entry& entry, const Source& content) {
  Utf8Names names;
  Header header = header_of(entry);
  state_->require(::archive_write_header(state_->handle, header.get()));
  if (!entry.is(S_IFREG) || !entry.hard_link.empty()) return;
  state_->copy_content(entry.size, content);
  state_->content_bytes += entry.size;
}

std::int64_t TarWriter::content_bytes() const { return state_->content_bytes; }

void TarWriter::finish() {
  Utf8Names names;
  state_->require(::archive_write_close(state_->handle));
}

}  // namespace hull::archive
