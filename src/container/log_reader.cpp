// SPDX-License-Identifier: Apache-2.0
#include "container/log_reader.h"

#include <optional>

#include "base/file.h"
#include "container/log_files.h"
#include "container/log_record.h"

namespace hull::container {

namespace {

constexpr std::size_t kLongestMessage = 1 << 20;

// From records to what was asked for: joins, selects, stops at `until`.
class Selection {
 public:
  Selection(shim::LogFormat format, const LogQuery& query, const std::function<void(const LogLine&)>& line)
      : format_(format), query_(query), line_(line) {}

  // False when nothing more can come.
  bool take(std::string_view text) {
    if (!parse_log_record(format_, text, record_, query_.details)) return true;
    if (query_.until && record_.time > *query_.until) return false;
    if (record_.is_stderr ? !query_.err : !query_.out) return true;
    if (query_.since && record_.time < *query_.since) return true;
    LogLine& pending = pending_[record_.is_stderr];
    if (pending.text.empty()) {
      pending.time = record_.time;
      pending.is_stderr = record_.is_stderr;
      std::swap(pending.text, record_.text);
      std::swap(pending.attributes, record_.attributes);
    } else {
      pending.text += record_.text;
    }
    if (pending.text.ends_with('\n') || pending.text.size() >= kLongestMessage) flush(pending);
    return true;
  }

  void finish() {
    for (LogLine& pending : pending_)
      if (!pending.text.empty()) flush(pending);
  }

 private:
  void flush(LogLine& pending) {
    line_(pending);
    pending.text.clear();
  }

  shim::LogFormat format_;
  const LogQuery& query_;
  const std::function<void(const LogLine&)>& line_;
  LogRecord record_;
  LogLine pending_[2];  // by stream
};

// Everything that the file has now. False when nothing more is wanted.
bool drain(LogFile& file, Selection& selection, const std::stop_token& stop) {
  while (auto line = file.next()) {
    if (stop.stop_requested() || !selection.take(*line)) return false;
  }
  return true;
}

// Goes on with the newer files until the live one is read to its end. False when nothing more is wanted.
bool drain_all(const LogFiles& files, std::optional<LogFile>& file, Selection& selection, const std::stop_token& stop) {
  for (;;) {
    if (!file) {
      auto newest = files.open(-1);
      if (newest.empty()) return true;
      file.emplace(std::move(newest.front()));
    }
    file->restart_if_truncated();
    // Asked before reading: what is written before a rotation is seen by the read that follows.
    bool rotated = files.rotated(*file);
    if (!drain(*file, selection, stop)) return false;
    if (!rotated) return true;
    auto next = files.successor(*file);
    if (!next) return true;
    file.emplace(std::move(*next));
  }
}

void follow(const LogFiles& files, std::optional<LogFile> file, const LogQuery& query, Selection& selection,
            const LogReceiver& receiver, const LogFollowing& following, const std::stop_token& stop) {
  for (;;) {
    // In this order: all that was written before the end is there when it is known to be the end.
    bool over = following.mark();
    if (!drain_all(files, file, selection, stop) || over || stop.stop_requested()) return;
    if (query.until && now() > *query.until) return;
    receiver.caught_up();
    following.wait(query.until, stop);
  }
}

}  // namespace

void read_log(const LogSource& source, const LogQuery& query, const LogReceiver& receiver,
              const LogFollowing& following, std::stop_token stop) {
  LogFiles files(source);
  Selection selection(source.format, query, receiver.line);
  std::optional<LogFile> last;
  bool more = true;
  for (LogFile& file : files.open(query.tail)) {
    more = drain(file, selection, stop);
    if (!more) break;
    last.emplace(std::move(file));
  }
  if (more && query.follow) follow(files, std::move(last), query, selection, receiver, following, stop);
  if (!stop.stop_requested()) selection.finish();
}

}  // namespace hull::container
