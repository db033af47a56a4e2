// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "archive/tar_writer.h"

// Archives for tests, in memory.
namespace hull::archive {

class TarText {
 public:
  TarText() : writer_([this](std::string_view data) { text_ += data; }) {}

  TarText& file(const std::string& name, const std::string& content, mode_t mode = 0644) {
    Entry entry = entry_of(name, S_IFREG | mode);
    entry.size = static_cast<std::int64_t>(content.size());
    return add(entry, content);
  }
  TarText& directory(const std::string& name, mode_t mode = 0755) { return add(entry_of(name, S_IFDIR | mode)); }
  TarText& link(const std::string& name, const std::string& target) {
    Entry entry = entry_of(name, S_IFLNK | 0777);
    entry.link_target = target;
    return add(entry);
  }
  TarText& hard_link(const std::string& name, const std::string& target) {
    Entry entry = entry_of(name, S_IFREG | 0644);
    entry.hard_link = target;
    return add(entry);
  }
  TarText& add(const Entry& entry, const std::string& content = {}) {
    std::size_t at = 0;
    writer_.add(entry, [&](char* buffer, std::size_t size) {
      std::size_t count = content.copy(buffer, size, at);
      at += count;
      return count;
    });
    return *this;
  }
  std::string text() {
    writer_.finish();
    return text_;
  }

  static Entry entry_of(const std::string& name, mode_t mode) {
    Entry entry;
    entry.name = name;
    entry.mode = mode;
    entry.modified = {1'700'000'000, 0};
    return entry;
  }

 private:
  std::string text_;
  TarWriter writer_;
};

// Gives `text` out in pieces of at most `piece` bytes.
inline Source text_source(std::string text, std::size_t piece = 1 << 20) {
  return [text = std::move(text), piece, at = std::size_t{0}](char* buffer, std::size_t size) mutable {
    std::size_t count = text.copy(buffer, std::min(size, piece), at);
    at += count;
    return count;
  };
}

inline std::string read_source(const Source& source) {
  std::string all;
  char buffer[5000];
  while (std::size_t got = source(buffer, sizeof buffer)) all.append(buffer, got);
  return all;
}

}  // namespace hull::archive
