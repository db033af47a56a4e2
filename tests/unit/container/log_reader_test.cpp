// SPDX-License-Identifier: Apache-2.0
#include "container/log_reader.h"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "container/log_record.h"

namespace hull::container {
namespace {

using ::testing::ElementsAre;

class LogReaderTest : public ::testing::Test {
 protected:
  static std::string record(std::string_view text, int second, std::string_view stream = "stdout") {
    return cat("{\"log\":\"", text, "\",\"stream\":\"", stream,
               "\",\"time\":\"2026-01-02T03:04:", second < 10 ? "0" : "", second, ".5Z\"}\n");
  }
  void append(const std::string& text, const std::string& suffix = "") const {
    UniqueFd file = open_file(path_ + suffix, O_WRONLY | O_CREAT | O_APPEND, 0600);
    write_all(file.get(), text);
  }
  void rotate(int files) const {
    for (int age = files - 1; age > 0; --age)
      if (exists(cat(path_, ".", age))) rename_file(cat(path_, ".", age), cat(path_, ".", age + 1));
    rename_file(path_, path_ + ".1");
  }
  static void rename_file(const std::string& from, const std::string& to) {
    ASSERT_EQ(std::rename(from.c_str(), to.c_str()), 0);
  }
  std::vector<std::string> read(LogQuery query = {}) const {
    if (!query.out && !query.err) query.out = query.err = true;
    std::vector<std::string> lines;
    read_log(
        path_, query, [&](const LogLine& line) { lines.push_back(line.text); }, [] { return true; }, {});
    return lines;
  }

  TempDir directory_;
  std::string path_ = directory_.path() + "/x-json.log";
};

TEST(LogRecordTest, DecodesText) {
  LogRecord record;
  ASSERT_TRUE(parse_log_record(
      R"({"log":"a\"\\\n\t\u0001\u00e9\u20ac\ud83d\ude00\u003c","stream":"stderr","attrs":{"a":"b"},"time":"2026-01-02T03:04:05.123456789Z"})",
      record));
  EXPECT_EQ(record.text, "a\"\\\n\t\x01é€😀<");
  EXPECT_TRUE(record.is_stderr);
  EXPECT_EQ(format_rfc3339(record.time), "2026-01-02T03:04:05.123456789Z");
}

TEST(LogRecordTest, RefusesTornRecords) {
  const std::string whole = R"({"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05Z"})";
  LogRecord record;
  EXPECT_TRUE(parse_log_record(whole, record));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_log_record(std::string_view(whole).substr(0, size), record)) << size;
}

TEST(LogRecordTest, TellsTheEndOfAMessage) {
  EXPECT_TRUE(ends_message(R"({"log":"a\n","stream":"stdout","time":"x"})"));
  EXPECT_FALSE(ends_message(R"({"log":"a\\n","stream":"stdout","time":"x"})"));
  EXPECT_FALSE(ends_message(R"({"log":"a","stream":"stdout","time":"x"})"));
}

TEST_F(LogReaderTest, ReadsRotatedFilesInOrder) {
  append(record("one\\n", 1), ".2");
  append(record("two\\n", 2), ".1");
  append(record("three\\n", 3));
  EXPECT_THAT(read(), ElementsAre("one\n", "two\n", "three\n"));
}

TEST_F(LogReaderTest, JoinsPiecesAndSkipsWhatIsTorn) {
  append(record("be", 1) + record("err\\n", 1, "stderr") + record("gin\\n", 1) + "{\"log\":\"torn\n" +
         record("end", 2));
  EXPECT_THAT(read(), ElementsAre("err\n", "begin\n", "end"));
}

TEST_F(LogReaderTest, SelectsStreamsAndTimes) {
  append(record("a\\n", 1) + record("b\\n", 2, "stderr") + record("c\\n", 3));
  LogQuery query;
  query.err = true;
  EXPECT_THAT(read(query), ElementsAre("b\n"));
  query.out = true;
  query.since = parse_rfc3339("2026-01-02T03:04:02.5Z");
  EXPECT_THAT(read(query), ElementsAre("b\n", "c\n"));
  query.until = parse_rfc3339("2026-01-02T03:04:03Z");
  EXPECT_THAT(read(query), ElementsAre("b\n"));
}

TEST_F(LogReaderTest, FindsTheTail) {
  append(record("1\\n", 1) + record("2\\n", 2), ".1");
  append(record("3", 3) + record("x\\n", 3) + record("4\\n", 4));
  const std::pair<int, std::vector<std::string>> kCases[] = {{0, {}},
                                                             {1, {"4\n"}},
                                                             {2, {"3x\n", "4\n"}},
                                                             {3, {"2\n", "3x\n", "4\n"}},
                                                             {4, {"1\n", "2\n", "3x\n", "4\n"}},
                                                             {9, {"1\n", "2\n", "3x\n", "4\n"}},
                                                             {-1, {"1\n", "2\n", "3x\n", "4\n"}}};
  for (const auto& [tail, lines] : kCases) {
    LogQuery query;
    query.tail = tail;
    EXPECT_EQ(read(query), lines) << tail;
  }
}

TEST_F(LogReaderTest, CountsAnUnfinishedLineAsOne) {
  append(record("1\\n", 1) + record("2\\n", 2) + record("3", 3));
  LogQuery query;
  query.tail = 1;
  EXPECT_THAT(read(query), ElementsAre("3"));
  query.tail = 2;
  EXPECT_THAT(read(query), ElementsAre("2\n", "3"));
}

TEST_F(LogReaderTest, FindsTheTailOfALargeLog) {
  std::string text;
  for (int line = 0; line < 20'000; ++line) text += record(cat("line ", line, "\\n"), line % 60);
  append(text);
  LogQuery query;
  query.tail = 12'345;
  auto lines = read(query);
  ASSERT_EQ(lines.size(), 12'345U);
  EXPECT_EQ(lines.front(), "line 7655\n");
  EXPECT_EQ(lines.back(), "line 19999\n");
}

TEST_F(LogReaderTest, GivesNothingForWhatIsNotThere) { EXPECT_THAT(read(), ElementsAre()); }

// Reads in a thread, and lets the test wait for what it has read.
class Follower {
 public:
  Follower(const std::string& path, std::int64_t tail)
      : thread_([this, path, tail](std::stop_token stop) {
          LogQuery query;
          query.out = query.err = query.follow = true;
          query.tail = tail;
          read_log(
              path, query,
              [this](const LogLine& line) {
                std::scoped_lock lock(mutex_);
                lines_.push_back(line.text);
              },
              [this] { return ended.load(); }, stop);
          done = true;
        }) {}

  bool wait_for(std::size_t count) {
    for (int i = 0; i < 500; ++i) {
      {
        std::scoped_lock lock(mutex_);
        if (lines_.size() >= count) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  std::vector<std::string> finish() {
    thread_.join();
    return lines_;
  }
  void request_stop() { thread_.request_stop(); }
  std::atomic<bool> ended = false, done = false;

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::jthread thread_;
};

TEST_F(LogReaderTest, FollowsOverRotationsUntilTheEnd) {
  append(record("1\\n", 1));
  Follower follower(path_, -1);
  ASSERT_TRUE(follower.wait_for(1));
  append(record("2\\n", 2));
  rotate(3);
  append(record("3\\n", 3));
  ASSERT_TRUE(follower.wait_for(3));
  // Two rotations before the reader looks again.
  append(record("4\\n", 4));
  rotate(3);
  append(record("5\\n", 5));
  rotate(3);
  append(record("6\\n", 6) + record("rest", 7));
  ASSERT_TRUE(follower.wait_for(6));
  EXPECT_FALSE(follower.done);
  follower.ended = true;
  EXPECT_THAT(follower.finish(), ElementsAre("1\n", "2\n", "3\n", "4\n", "5\n", "6\n", "rest"));
}

TEST_F(LogReaderTest, FollowsALogThatComesLater) {
  Follower follower(path_, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  append(record("1\\n", 1));
  ASSERT_TRUE(follower.wait_for(1));
  auto half = record("2\\n", 2);
  append(half.substr(0, 20));
  append(half.substr(20));
  ASSERT_TRUE(follower.wait_for(2));
  follower.ended = true;
  EXPECT_THAT(follower.finish(), ElementsAre("1\n", "2\n"));
}

TEST_F(LogReaderTest, StopsWhenAsked) {
  append(record("1\\n", 1));
  Follower follower(path_, -1);
  ASSERT_TRUE(follower.wait_for(1));
  std::int64_t begin = monotonic_nanoseconds();
  follower.request_stop();
  follower.finish();
  EXPECT_LT(monotonic_nanoseconds() - begin, 90'000'000);
}

}  // namespace
}  // namespace hull::container
