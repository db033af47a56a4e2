// SPDX-License-Identifier: Apache-2.0
#include "container/log_reader.h"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "container/log_files.h"
#include "container/log_record.h"
#include "shim/deflate.h"
#include "shim/log_record.h"

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
    LogReceiver receiver{[&](const LogLine& line) { lines.push_back(line.text); }};
    LogFollowing following{[] { return true; }, [](auto, auto) {}};
    read_log({path_, format_}, query, receiver, following, {});
    return lines;
  }

  TempDir directory_;
  std::string path_ = directory_.path() + "/x-json.log";
  shim::LogFormat format_ = shim::LogFormat::kJson;
};

TEST(LogRecordTest, DecodesText) {
  LogRecord record;
  ASSERT_TRUE(parse_json_record(
      R"({"log":"a\"\\\n\t\u0001\u00e9\u20ac\ud83d\ude00\u003c","stream":"stderr","attrs":{"a":"b"},"time":"2026-01-02T03:04:05.123456789Z"})",
      record));
  EXPECT_EQ(record.text, "a\"\\\n\t\x01é€😀<");
  EXPECT_TRUE(record.is_stderr);
  EXPECT_EQ(format_rfc3339(record.time), "2026-01-02T03:04:05.123456789Z");
}

TEST(LogRecordTest, RefusesTornRecords) {
  const std::string whole = R"({"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05Z"})";
  LogRecord record;
  EXPECT_TRUE(parse_json_record(whole, record));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_json_record(std::string_view(whole).substr(0, size), record)) << size;
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

TEST_F(LogReaderTest, ReadsTheDriverLocalFromBothEnds) {
  format_ = shim::LogFormat::kLocal;
  shim::LocalRecords records(shim::LogAttributes{{"tag", "x"}});
  std::string log, last;
  auto piece = [&](std::string_view text, bool newline, std::string_view id = {}, int ordinal = 0) {
    return shim::LogPiece{shim::Channel::kOut, text, {1'000'000'000}, newline, id, ordinal};
  };
  records.append(log, piece("one", true));
  records.append(log, piece("two, ", false, "id", 1));
  records.append(log, piece("joined", true, "id", 2));
  records.append(log, piece("", true));
  records.append(last, piece("three", true));
  append(log + last);
  EXPECT_THAT(read(), ElementsAre("one\n", "two, joined\n", "\n", "three\n"));
  LogQuery query;
  query.tail = 3;
  EXPECT_THAT(read(query), ElementsAre("two, joined\n", "\n", "three\n"));
  append(last.substr(0, 9));  // torn
  query.tail = 2;
  EXPECT_THAT(read(query), ElementsAre("\n", "three\n"));
}

TEST_F(LogReaderTest, ReadsCompressedFiles) {
  for (int age : {3, 2, 1}) {
    std::string name = cat(path_, ".", age);
    append(record(cat(age, "a\\n"), 1) + record(cat(age, "b\\n"), 2), cat(".", age));
    if (age == 1) continue;
    shim::compress_log(open_file(name, O_RDONLY).get(), open_file(name + ".gz", O_WRONLY | O_CREAT, 0600).get());
    std::remove(name.c_str());
  }
  append(record("live\\n", 3));
  EXPECT_THAT(read(), ElementsAre("3a\n", "3b\n", "2a\n", "2b\n", "1a\n", "1b\n", "live\n"));
  LogQuery query;
  query.tail = 4;
  EXPECT_THAT(read(query), ElementsAre("2b\n", "1a\n", "1b\n", "live\n"));
}

TEST_F(LogReaderTest, FindsWhatFollowsAFileThatWasCompressedMeanwhile) {
  LogFiles files({path_});
  append(record("1\\n", 1));
  auto opened = files.open(-1);
  rotate(3);
  append(record("2\\n", 2));
  shim::compress_log(open_file(path_ + ".1", O_RDONLY).get(),
                     open_file(path_ + ".1.gz", O_WRONLY | O_CREAT, 0600).get());
  std::remove((path_ + ".1").c_str());
  auto next = files.successor(opened[0]);
  ASSERT_TRUE(next);
  EXPECT_NE(next->next()->find("2\\n"), std::string::npos);
}

TEST(LogTagTest, RendersDockersTemplates) {
  TagFacts facts{{{"ID", "0123"}, {"Name", "web"}}, {{"app", "shop"}}, {{"ENV", "value"}}};
  EXPECT_EQ(render_log_tag("{{.Name}}/{{ .ID }}", facts), "web/0123");
  EXPECT_EQ(render_log_tag("{{upper .Name}}-{{.Name | title}}{{truncate .ID 2}}", facts), "WEB-Web01");
  EXPECT_EQ(render_log_tag("{{index .ContainerLabels \"app\"}}{{(.ExtraAttributes nil).ENV}}", facts), "shopvalue");
  for (const char* wrong : {"{{.Nothing}}", "{{.ID", "{{}}", "{{frobnicate .ID}}", "{{(.ID}}"})
    EXPECT_THROW(render_log_tag(wrong, facts), Error) << wrong;
}

// Reads in a thread, and lets the test wait for what it has read.
class Follower {
 public:
  Follower(const std::string& path, std::int64_t tail)
      : thread_([this, path, tail](std::stop_token stop) {
          LogQuery query;
          query.out = query.err = query.follow = true;
          query.tail = tail;
          LogReceiver receiver{[this](const LogLine& line) {
            std::scoped_lock lock(mutex_);
            lines_.push_back(line.text);
          }};
          LogFollowing following{[this] { return ended.load(); },
                                 [](auto, auto) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }};
          read_log({path}, query, receiver, following, stop);
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
