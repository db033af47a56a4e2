// SPDX-License-Identifier: Apache-2.0
#include "archive/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/sysmacros.h>

#include <exception>
#include <vector>

#include "archive/name_charset.h"
#include "base/error.h"

namespace hull::archive {

namespace {

std::string text_or_empty(const char* text) { return text ? text : ""; }

}  // namespace

struct TarReader::State {
  Source source;
  ::archive* handle = nullptr;
  ::archive_entry* header = nullptr;
  Entry entry;
  std::vector<char> buffer = std::vector<char>(256 * 1024);
  std::exception_ptr failure;  // of `source`: must not fly through libarchive, which is C

  ~State() {
    if (handle) ::archive_read_free(handle);
  }

  static la_ssize_t on_read(::archive* archive, void* self, const void** data) {
    auto& state = *static_cast<State*>(self);
    try {
      std::size_t got = state.source(state.buffer.data(), state.buffer.size());
      *data = state.buffer.data();
      return static_cast<la_ssize_t>(got);
    } catch (...) {
      state.failure = std::current_exception();
      ::archive_set_error(archive, EIO, "the stream broke");
      return ARCHIVE_FATAL;
    }
  }

  [[noreturn]] void fail_now() {
    if (failure) std::rethrow_exception(failure);
    fail_invalid("invalid tar archive: ", text_or_empty(::archive_error_string(handle)));
  }

  void copy_header();
  void copy_attributes();
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

bool TarReader::read(std::string_view& data, std::int64_t& offset) {
  const void* block = nullptr;
  std::size_t size = 0;
  la_int64_t at = 0;
  int result = ::archive_read_data_block(state_->handle, &block, &size, &at);
  if (result == ARCHIVE_EOF) return false;
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) state_->fail_now();
  data = {static_cast<const char*>(block), size};
  offset = at;
  return true;
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
