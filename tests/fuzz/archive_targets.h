// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "archive/compress.h"
#include "archive/decompress.h"
#include "archive/tar_reader.h"
#include "archive/tar_split.h"
#include "archive/tar_writer.h"
#include "base/file.h"
#include "target.h"

// What must hold for any bytes that are taken for a layer. Each returns quietly, throws an Error, or ends the program.
namespace hull::archive {

inline Source source_of(std::string_view text) {
  return [text, at = std::size_t{0}](char* buffer, std::size_t size) mutable {
    size = text.copy(buffer, size, at);
    at += size;
    return size;
  };
}

inline std::string all_of(const Source& source, std::size_t limit = 1 << 20) {
  std::string text;
  char buffer[4096];
  while (std::size_t got = source(buffer, sizeof buffer))
    if (text.append(buffer, got).size() > limit) break;
  return text;
}

inline std::string sample_tar() {
  std::string tar;
  TarWriter writer([&](std::string_view piece) { tar += piece; });
  for (const char* name : {"a", "b/c", ".wh.x"}) {
    Entry entry;
    entry.name = std::string(name) + (name[0] == 'b' ? std::string(200, 'n') : "");
    entry.mode = S_IFREG | 0644;
    entry.size = 700;
    entry.attributes = {{"user.x", std::string("v\0w", 3)}};
    entry.modified = {1600000000, 5};
    writer.add(entry, [left = std::size_t{700}](char* buffer, std::size_t size) mutable {
      size = std::min(size, left);
      std::fill_n(buffer, size, 'x');
      left -= size;
      return size;
    });
  }
  writer.finish();
  return tar;
}

inline void fuzz_tar(std::string_view text) {
  TarReader reader(source_of(text));
  std::string_view data;
  std::int64_t offset = 0;
  while (const Entry* entry = reader.next()) {
    try {
      std::string name = clean_entry_name(entry->name);
      fuzz::require(name != ".." && !name.starts_with("../") && !name.starts_with('/'), "names stay inside");
    } catch (const Error&) {
    }
    std::int64_t got = 0;
    while (reader.read(data, offset)) got += static_cast<std::int64_t>(data.size());
    fuzz::require(got <= static_cast<std::int64_t>(text.size()), "no more data than there is");
  }
}

inline void fuzz_recording(std::string_view text) {
  static TempDir directory;
  std::string file = directory.path() + "/recording";
  ::unlink(file.c_str());
  TarRecorder recorder(file);
  recorder.feed(text);
  recorder.finish();
}

inline std::vector<std::string> compressed_seeds() {
  std::string tar = sample_tar();
  // Of zstd, xz and bzip2: "hull\n", as their tools write it.
  const std::vector<std::string> seeds = {
      all_of(gzip_compressed(source_of(tar))),
      std::string("\x28\xb5\x2f\xfd\x04\x58\x29\x00\x00\x68\x75\x6c\x6c\x0a\x51\x5c\x5d\x5e", 18),
      std::string("\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\x01"
                  "\x00\x04hull\n",
                  32),
      std::string("BZh91AY&SY", 10), tar};
  return seeds;
}
inline void fuzz_compressed(std::string_view text) { all_of(decompress(source_of(text))); }

}  // namespace hull::archive
