// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "../../fuzz/mutation.h"
#include "archive/compress.h"
#include "archive/decompress.h"
#include "archive/tar_reader.h"
#include "archive/tar_split.h"
#include "archive/tar_writer.h"
#include "base/file.h"

namespace hull::archive {
namespace {

Source source_of(const std::string& text) {
  return [&text, at = std::size_t{0}](char* buffer, std::size_t size) mutable {
    size = text.copy(buffer, size, at);
    at += size;
    return size;
  };
}

std::string all_of(const Source& source, std::size_t limit = 1 << 20) {
  std::string text;
  char buffer[4096];
  while (std::size_t got = source(buffer, sizeof buffer))
    if (text.append(buffer, got).size() > limit) break;
  return text;
}

std::string sample_tar() {
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

TEST(Fuzz, Tars) {
  fuzz::mutate({sample_tar()}, 5'000, [](const std::string& text) {
    TarReader reader(source_of(text));
    std::string_view data;
    std::int64_t offset = 0;
    while (const Entry* entry = reader.next()) {
      try {
        clean_entry_name(entry->name);
      } catch (const Error&) {
      }
      while (reader.read(data, offset)) {
      }
    }
  });
}

TEST(Fuzz, RecordingsOfTars) {
  TempDir directory;
  fuzz::mutate({sample_tar()}, 1'000, [&](const std::string& text) {
    TarRecorder recorder(directory.path() + "/recording");
    recorder.feed(text);
    recorder.finish();
    ::unlink((directory.path() + "/recording").c_str());
  });
}

TEST(Fuzz, CompressedStreams) {
  std::string tar = sample_tar();
  // Of zstd, xz and bzip2: "hull\n", as their tools write it.
  const std::vector<std::string> seeds = {
      all_of(gzip_compressed(source_of(tar))),
      std::string("\x28\xb5\x2f\xfd\x04\x58\x29\x00\x00\x68\x75\x6c\x6c\x0a\x51\x5c\x5d\x5e", 18),
      std::string("\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\x01"
                  "\x00\x04hull\n",
                  32),
      std::string("BZh91AY&SY", 10), tar};
  fuzz::mutate(seeds, 20'000, [](const std::string& text) { all_of(decompress(source_of(text))); });
}

}  // namespace
}  // namespace hull::archive
