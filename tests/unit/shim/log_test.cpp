// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>

#include "base/clock.h"
#include "base/file.h"
#include "shim/deflate.h"
#include "shim/detach_keys.h"
#include "shim/file_log.h"
#include "shim/json_text.h"
#include "shim/line_splitter.h"

namespace hull::shim {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  append_json_text(out, text);
  return out;
}

TEST(JsonText, escapes_as_dockers_logs_do) {
  EXPECT_EQ(escaped("plain \"q\" \\ \r"), R"(plain \"q\" \\ \r)");
  EXPECT_EQ(escaped("a\tb\x1b<&>"), R"(a\u0009b\u001b\u003c\u0026\u003e)");
  EXPECT_EQ(escaped("gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xb3"), "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xb3");
  EXPECT_EQ(escaped("\xff\xc3(\xe2\x80\xa8\xed\xa0\x80"), R"(\ufffd\ufffd(\u2028\ufffd\ufffd\ufffd)");
}

TEST(JsonText, characters_are_not_cut) {
  EXPECT_EQ(whole_characters("ab"), 2U);
  EXPECT_EQ(whole_characters("a\xc3"), 1U);
  EXPECT_EQ(whole_characters("a\xf0\x9f\x90"), 1U);
  EXPECT_EQ(whole_characters("a\xf0\x9f\x90\xb3"), 5U);
  EXPECT_EQ(whole_characters("\x80\x80\x80\x80"), 4U);
}

TEST(DetachKeysTest, are_found_across_pieces_and_nothing_else_is_lost) {
  DetachKeys keys("\x10\x10\x11");
  EXPECT_EQ(keys.pass("a\x10"), "a");
  EXPECT_EQ(keys.pass("b"),
            "\x10"
            "b");
  EXPECT_EQ(keys.pass("\x10\x10\x10"), "\x10");
  EXPECT_FALSE(keys.detached());
  EXPECT_EQ(keys.pass("\x11rest"), "");
  EXPECT_TRUE(keys.detached());
}

class JsonLogTest : public testing::Test {
 protected:
  // A file and what cuts the lines for it.
  struct Log {
    FileLog file;
    LineSplitter splitter{file};
    void append(Channel channel, std::string_view output) { splitter.append(channel, output); }
    void finish(Channel channel) { splitter.finish(channel); }
  };
  std::unique_ptr<Log> open(std::int64_t max_size = -1, int max_files = 1) {
    LogFileOptions options;
    options.path = path_;
    options.max_size = max_size;
    options.max_files = max_files;
    options.attributes = attributes_;
    options.compress = compress_;
    return std::unique_ptr<Log>(new Log{FileLog(
        options, [this](std::string note) { note_ = note; },
        [this](int from, int to) {
          compress_log(from, to);
          return ++compressors_;
        })});
  }
  // The log without the times.
  std::string text(const std::string& suffix = "") const {
    std::string all = read_file(path_ + suffix), out;
    for (std::string_view line : split(all, '\n')) {
      if (line.empty()) continue;
      auto at = line.find(",\"time\":\"");
      EXPECT_NE(at, line.npos) << line;
      std::string_view time = line.substr(at + 9);
      EXPECT_TRUE(time.ends_with("\"}") && parse_rfc3339(time.substr(0, time.size() - 2))) << line;
      out += cat(line.substr(0, at), "\n");
    }
    return out;
  }
  TempDir directory_;
  std::string path_ = directory_.path() + "/log";
  std::string note_;
  LogAttributes attributes_;
  bool compress_ = false;
  pid_t compressors_ = 0;
};

TEST_F(JsonLogTest, attributes_stand_in_every_line) {
  attributes_ = {{"tag", "a\"b"}, {"label", "x"}};
  open()->append(Channel::kOut, "one\n");
  EXPECT_EQ(text(), "{\"log\":\"one\\n\",\"stream\":\"stdout\",\"attrs\":{\"label\":\"x\",\"tag\":\"a\\\"b\"}\n");
}

TEST_F(JsonLogTest, rotated_files_are_compressed_one_after_another) {
  compress_ = true;
  auto log = open(1000, 4);
  auto fill = [&] {
    for (int i = 0; i < 12; ++i) log->append(Channel::kOut, cat("line ", i, " of a log that is cut into files\n"));
  };
  fill();
  EXPECT_TRUE(exists(path_ + ".1"));
  EXPECT_TRUE(log->file.busy());
  EXPECT_TRUE(log->file.child_ended(compressors_, 0));
  EXPECT_TRUE(exists(path_ + ".1.gz"));
  EXPECT_FALSE(exists(path_ + ".1"));
  EXPECT_NE(read_file(path_ + ".1.gz").find("inode "), std::string::npos);
  fill();
  EXPECT_TRUE(exists(path_ + ".2.gz") && exists(path_ + ".1"));
  // One that fails leaves the file as it is.
  EXPECT_TRUE(log->file.child_ended(compressors_, 256));
  EXPECT_TRUE(exists(path_ + ".1"));
  EXPECT_NE(note_.find("could not be compressed"), std::string::npos);
}

TEST_F(JsonLogTest, lines_of_both_streams) {
  auto log = open();
  log->append(Channel::kOut, "one\ntw");
  log->append(Channel::kErr, "err\n");
  log->append(Channel::kOut, "o\nlast");
  log->finish(Channel::kOut);
  log->finish(Channel::kErr);
  EXPECT_EQ(text(),
            "{\"log\":\"one\\n\",\"stream\":\"stdout\"\n{\"log\":\"err\\n\",\"stream\":\"stderr\"\n"
            "{\"log\":\"two\\n\",\"stream\":\"stdout\"\n{\"log\":\"last\",\"stream\":\"stdout\"\n");
}

TEST_F(JsonLogTest, long_lines_are_split_at_16_kib) {
  auto log = open();
  std::string line(40000, 'x');
  log->append(Channel::kOut, line.substr(0, 20000));
  log->append(Channel::kOut, line.substr(20000) + "\nshort\n");
  auto piece = [](std::size_t size, const char* end) {
    return cat("{\"log\":\"", std::string(size, 'x'), end, "\",\"stream\":\"stdout\"\n");
  };
  EXPECT_EQ(text(), piece(16384, "") + piece(16384, "") + piece(40000 - 32768, "\\n") +
                        "{\"log\":\"short\\n\",\"stream\":\"stdout\"\n");
}

TEST_F(JsonLogTest, rotation_keeps_the_newest_files_and_whole_lines) {
  auto log = open(1000, 3);
  std::string all;
  for (int i = 0; i < 100; ++i) all += cat("line ", i, "\n");
  log->append(Channel::kOut, all);
  EXPECT_TRUE(exists(path_ + ".1") && exists(path_ + ".2"));
  EXPECT_FALSE(exists(path_ + ".3"));
  for (const char* suffix : {"", ".1", ".2"}) EXPECT_LT(read_file(path_ + suffix).size(), 1100U);
  EXPECT_NE((text(".2") + text(".1") + text()).find("line 99\\n"), std::string::npos);
  auto first = text().find("line ");
  auto number = parse_number<int>(split_once(std::string_view(text()).substr(first + 5), '\\').first);
  EXPECT_NE(text(".1").find(cat("line ", *number - 1, "\\n")), std::string::npos) << "lines are missing between files";
}

TEST_F(JsonLogTest, one_file_is_emptied) {
  auto log = open(1000, 1);
  for (int i = 0; i < 100; ++i) log->append(Channel::kOut, cat("line ", i, "\n"));
  EXPECT_FALSE(exists(path_ + ".1"));
  EXPECT_LT(read_file(path_).size(), 1100U);
}

TEST_F(JsonLogTest, a_torn_line_of_a_predecessor_stays_alone) {
  write_all(open_file(path_, O_WRONLY | O_CREAT, 0600).get(), "{\"log\":\"torn");
  auto log = open();
  log->append(Channel::kOut, "next\n");
  EXPECT_NE(read_file(path_).find("torn\n{\"log\":\"next\\n\""), std::string::npos);
}

TEST_F(JsonLogTest, a_full_disk_is_noted_once) {
  path_ = "/dev/full";
  auto log = open();
  log->append(Channel::kOut, "a\n");
  EXPECT_NE(note_.find("No space left"), std::string::npos);
  note_.clear();
  log->append(Channel::kOut, "b\n");
  EXPECT_EQ(note_, "");
}

TEST_F(JsonLogTest, a_million_lines_cost_little) {
  auto log = open(20 << 20, 3);
  std::string chunk;
  for (int i = 0; chunk.size() < 65000; ++i) chunk += cat("this is line number ", i, "\n");
  auto lines = static_cast<long>(std::count(chunk.begin(), chunk.end(), '\n'));
  auto before = monotonic_nanoseconds();
  for (long written = 0; written < 1'000'000; written += lines) log->append(Channel::kOut, chunk);
  std::printf("1,000,000 lines: %ld ms\n", static_cast<long>((monotonic_nanoseconds() - before) / 1'000'000));
}

}  // namespace
}  // namespace hull::shim
