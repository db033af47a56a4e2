// SPDX-License-Identifier: Apache-2.0
#include "image/archive_intake.h"

#include <fcntl.h>
#include <unistd.h>

#include "archive/confined.h"
#include "archive/decompress.h"
#include "archive/placement.h"
#include "archive/sha256.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "oci/reference.h"

namespace hull::image {

namespace {

constexpr std::int64_t kSmall = 16 << 10;  // what is smaller is no work, and may be one of thousands
constexpr std::size_t kMarkBytes = 16;     // random ones: no archive can have a file that looks like a mark
constexpr std::size_t kMagicAt = 257;      // of a tar's first header: "ustar", then POSIX' or GNU's way to end it

bool looks_like_tar(std::string_view beginning) {
  return beginning.size() > kMagicAt && beginning.substr(kMagicAt).starts_with("ustar");
}

}  // namespace

ArchiveIntake::ArchiveIntake(std::string base, std::function<bool(const std::string&)> known)
    : base_(std::move(base)), known_(std::move(known)) {
  make_directories(base_ + "/archive", 0700);
  root_ = open_file(base_ + "/archive", O_RDONLY | O_DIRECTORY);
}

void ArchiveIntake::receive(const archive::Source& stream) {
  archive::Source plain = archive::read_ahead(archive::decompress(stream));
  archive::TarReader reader(plain);
  archive::Placement placement(root_.get(), archive::Whiteouts::kLiteral);
  while (const archive::Entry* entry = reader.next()) {
    bool ordinary = entry->is(S_IFREG) || entry->is(S_IFDIR) || entry->is(S_IFLNK) || !entry->hard_link.empty();
    if (!ordinary) fail_invalid("invalid image archive: ", hull::quoted(entry->name), " is no file, directory or link");
    if (!looks_like_layer(*entry, reader)) {
      placement.place(*entry, reader);
      continue;
    }
    archive::Entry mark = *entry;
    mark.size = kMarkBytes * 2;
    std::string text = random_hex(kMarkBytes);
    layers_[text] = extract(reader);
    placement.place(mark, reader);
    leave_mark(entry->name, text);
  }
  archive::drain(plain);
}

bool ArchiveIntake::looks_like_layer(const archive::Entry& entry, archive::TarReader& content) const {
  if (!entry.hard_link.empty() || !entry.is(S_IFREG) || entry.size < kSmall) return false;
  constexpr std::string_view kBlobs = "blobs/sha256/";
  if (auto at = entry.name.find(kBlobs); at != std::string::npos) {
    std::string digest = "sha256:" + entry.name.substr(at + kBlobs.size());
    if (oci::is_digest(digest) && known_(digest)) return false;
  }
  std::string_view beginning = content.beginning();
  return looks_like_tar(beginning) || archive::detect_compression(beginning) != archive::Compression::kNone;
}

ReceivedLayer ArchiveIntake::extract(archive::TarReader& reader) {
  ReceivedLayer layer;
  layer.directory = cat(base_, "/received-", layers_.size());
  make_directories(layer.directory, 0710);
  UniqueFd blob;
  if (archive::detect_compression(reader.beginning()) != archive::Compression::kNone) {
    layer.blob = layer.directory + ".blob";
    blob = open_file(layer.blob, O_WRONLY | O_CREAT | O_EXCL, 0600);
  }
  archive::Sha256 hash;
  bool broken = false;
  archive::Source content = reader.content();
  archive::Source raw = [&](char* buffer, std::size_t room) {
    std::size_t got = 0;
    try {
      got = content(buffer, room);
    } catch (...) {
      broken = true;
      throw;
    }
    if (blob) {
      hash.update({buffer, got});
      write_all(blob.get(), {buffer, got});
    }
    return got;
  };
  try {
    layer.extracted = archive::extract_layer(raw, layer.directory + "/diff", layer.directory + "/tar-split");
    archive::drain(raw);
    layer.digest = blob ? hash.digest() : layer.extracted.diff_id;
  } catch (const Error& e) {
    // An archive may have files that are no layers. It is an error when an image says that this is one.
    if (broken || e.kind() != Kind::kInvalidArgument) throw;
    layer.failure = std::current_exception();
    archive::drain(content);
  }
  return layer;
}

void ArchiveIntake::leave_mark(const std::string& name, const std::string& mark) const {
  UniqueFd file = archive::open_confined(root_.get(), archive::clean_entry_name(name), O_WRONLY | O_NOFOLLOW);
  if (!file) throw_errno("open", name);
  write_all(file.get(), mark);
}

const ReceivedLayer* ArchiveIntake::layer(int file) const {
  char mark[kMarkBytes * 2];
  if (::pread(file, mark, sizeof mark, 0) != static_cast<ssize_t>(sizeof mark)) return nullptr;
  auto found = layers_.find(std::string(mark, sizeof mark));
  return found == layers_.end() ? nullptr : &found->second;
}

bool ArchiveIntake::claim(const ReceivedLayer& layer, const std::string& chain_id, std::string& first) {
  std::lock_guard guard(mutex_);
  first = claims_.try_emplace(&layer, chain_id).first->second;
  return first == chain_id;
}

}  // namespace hull::image
