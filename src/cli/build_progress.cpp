// SPDX-License-Identifier: Apache-2.0
#include "cli/build_progress.h"

#include <unistd.h>

#include <deque>
#include <map>
#include <vector>

#include "base/base64.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/live_screen.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/units.h"

namespace hull::cli {

namespace {

constexpr std::size_t kShownLogLines = 6;      // of a running step, on a terminal
constexpr std::size_t kRememberedLines = 100;  // of a step that fails

struct Vertex {
  std::size_t number = 0;
  std::string name, error, rest;  // rest: a line that is not complete
  Timestamp started, completed;
  bool cached = false, shown = false, reported = false;
  std::deque<std::string> lines;
};

std::string decoded(const std::string& base64_text) { return base64_decoded(base64_text).value_or(""); }

std::string seconds(std::int64_t nanoseconds) { return fixed(static_cast<double>(nanoseconds) / 1e9, 1); }

// What is known about the steps, in the order in which they appeared.
class Picture {
 public:
  Vertex& at(const std::string& digest) {
    auto [entry, is_new] = by_digest_.emplace(digest, order_.size());
    if (is_new) {
      order_.emplace_back();
      order_.back().number = order_.size();
    }
    return order_[entry->second];
  }
  void update(const Value& one) {
    Vertex& vertex = at(one["digest"].text());
    vertex.name = one["name"].text();
    if (auto time = parse_rfc3339(one["started"].text())) vertex.started = *time;
    if (auto time = parse_rfc3339(one["completed"].text())) vertex.completed = *time;
    vertex.cached = vertex.cached || one["cached"].boolean();
    if (!one["error"].text().empty()) vertex.error = one["error"].text();
  }
  std::deque<Vertex>& vertexes() { return order_; }

  // Calls line(text) for every line that `data` completes.
  template <class Line>
  void log(Vertex& vertex, const std::string& data, Line line) {
    vertex.rest += data;
    for (auto end = vertex.rest.find('\n'); end != std::string::npos; end = vertex.rest.find('\n')) {
      std::string text = vertex.rest.substr(0, end);
      vertex.rest.erase(0, end + 1);
      if (text.ends_with('\r')) text.pop_back();
      remember(vertex, text);
      line(text);
    }
  }
  void remember(Vertex& vertex, const std::string& text) {
    std::string stamped =
        cat(fixed(static_cast<double>(now().nanoseconds - vertex.started.nanoseconds) / 1e9, 3), " ", text);
    vertex.lines.push_back(std::move(stamped));
    if (vertex.lines.size() > kRememberedLines) vertex.lines.pop_front();
  }
  // The failing step again, with what it said.
  std::string failure() {
    std::string out;
    for (Vertex& vertex : order_) {
      if (vertex.error.empty()) continue;
      if (!vertex.rest.empty()) remember(vertex, std::exchange(vertex.rest, {}));
      out += cat("------\n > ", vertex.name, ":\n");
      for (const std::string& line : vertex.lines) out += cat(line, "\n");
      out += "------\n";
    }
    return out;
  }

 private:
  std::map<std::string, std::size_t> by_digest_;
  std::deque<Vertex> order_;
};

class PlainProgress final : public BuildProgress {
 public:
  void report(const Value& report, std::string_view) override {
    for (const Value& one : report["vertexes"].list()) {
      picture_.update(one);
      show(picture_.at(one["digest"].text()));
    }
    for (const Value& one : report["logs"].list()) {
      Vertex& vertex = picture_.at(one["vertex"].text());
      show(vertex);
      picture_.log(vertex, decoded(one["data"].text()),
                   [&](const std::string&) { put(cat("#", vertex.number, " ", vertex.lines.back())); });
    }
    for (const Value& one : report["warnings"].list()) put(cat("WARNING: ", decoded(one["short"].text())));
    if (const Value* why = report.find("why"))
      put(cat("#", picture_.at((*why)["vertex"].text()).number, " not cached: ", (*why)["reason"].text()));
    if (const Value* message = report.find("message")) put(message->text());
  }
  void finish(bool failed) override {
    if (failed) write_all(STDERR_FILENO, picture_.failure());
  }

 private:
  static void put(const std::string& line) { write_all(STDERR_FILENO, line + "\n"); }
  void show(Vertex& vertex) {
    if (vertex.started.never()) return;
    if (!std::exchange(vertex.shown, true)) put(cat("\n#", vertex.number, " ", vertex.name));
    if (vertex.completed.never() || std::exchange(vertex.reported, true)) return;
    if (!vertex.rest.empty()) {
      picture_.remember(vertex, std::exchange(vertex.rest, {}));
      put(cat("#", vertex.number, " ", vertex.lines.back()));
    }
    if (!vertex.error.empty())
      put(cat("#", vertex.number, " ERROR: ", vertex.error));
    else if (vertex.cached)
      put(cat("#", vertex.number, " CACHED"));
    else
      put(cat("#", vertex.number, " DONE ", seconds(vertex.completed.nanoseconds - vertex.started.nanoseconds), "s"));
  }
  Picture picture_;
};

// The list of steps, drawn over itself as the build goes on.
class TerminalProgress final : public BuildProgress {
 public:
  void report(const Value& report, std::string_view) override {
    for (const Value& one : report["vertexes"].list()) picture_.update(one);
    for (const Value& one : report["logs"].list()) {
      Vertex& vertex = picture_.at(one["vertex"].text());
      picture_.log(vertex, decoded(one["data"].text()), [](const std::string&) {});
    }
    for (const Value& one : report["warnings"].list()) notes_.push_back(cat("WARNING: ", decoded(one["short"].text())));
    if (const Value* why = report.find("why"))
      notes_.push_back(cat(picture_.at((*why)["vertex"].text()).name, " not cached: ", (*why)["reason"].text()));
    if (const Value* message = report.find("message")) message_ = message->text();
    constexpr std::int64_t kBetweenPictures = 80'000'000;
    if (monotonic_nanoseconds() - drawn_at_ > kBetweenPictures) draw(false);
  }
  void tick() override { draw(false); }  // its times go on
  void finish(bool failed) override {
    draw(true);
    std::string text;
    for (const std::string& note : notes_) text += cat(note, "\n");
    if (failed) text += picture_.failure();
    write_all(STDERR_FILENO, text);
  }

 private:
  void draw(bool last) {
    WindowSize size = window_size(STDERR_FILENO);
    std::size_t width = size.columns == 0 ? 80 : size.columns, rows = size.rows == 0 ? 24 : size.rows;
    drawn_at_ = monotonic_nanoseconds();
    std::vector<std::string> lines;
    std::size_t done = 0, total = 0;
    Timestamp time = now();
    for (const Vertex& vertex : picture_.vertexes()) {
      ++total;
      if (!vertex.completed.never()) ++done;
      if (vertex.started.never()) continue;
      Timestamp end = vertex.completed.never() ? time : vertex.completed;
      std::string what = vertex.cached ? "CACHED " : vertex.error.empty() ? "" : "ERROR ";
      std::string duration = cat(seconds(end.nanoseconds - vertex.started.nanoseconds), "s");
      std::string text = cat(" => ", what, vertex.name);
      std::size_t room = width > duration.size() + 2 ? width - duration.size() - 1 : 10;
      text = shortened(text, room);
      lines.push_back(cat(text, std::string(room - text_columns(text), ' '), duration));
      if (!vertex.completed.never()) continue;
      std::size_t from = vertex.lines.size() > kShownLogLines ? vertex.lines.size() - kShownLogLines : 0;
      for (std::size_t i = from; i < vertex.lines.size(); ++i)
        lines.push_back(cut_at(cat(" => => # ", vertex.lines[i]), width - 1));
    }
    // Of no step: pulling, exporting, pushing.
    if (!last && !message_.empty()) lines.push_back(cut_at(cat(" => ", message_), width - 1));
    std::string head = cat("[+] Building ", seconds(time.nanoseconds - begun_.nanoseconds), "s (", done, "/", total,
                           ")", last ? " FINISHED" : "");
    // What does not fit is drawn once it is over.
    if (!last && lines.size() + 2 > rows) lines.erase(lines.begin(), lines.end() - static_cast<long>(rows - 2));
    // Over the old picture line by line, then nothing below: what stays the same never goes away.
    std::string out;
    if (drawn_ > 0) out += cat("\x1b[", drawn_, "A\r");
    out += head + "\x1b[K\n";
    for (const std::string& line : lines) out += line + "\x1b[K\n";
    drawn_ = lines.size() + 1;
    write_all(STDERR_FILENO, out + "\x1b[J");
  }

  Picture picture_;
  std::vector<std::string> notes_;
  std::string message_;
  std::size_t drawn_ = 0;
  std::int64_t drawn_at_ = 0;
  Timestamp begun_ = now();
};

class QuietProgress final : public BuildProgress {
 public:
  void report(const Value& report, std::string_view) override {
    for (const Value& one : report["vertexes"].list()) picture_.update(one);
    for (const Value& one : report["logs"].list())
      picture_.log(picture_.at(one["vertex"].text()), decoded(one["data"].text()), [](const std::string&) {});
  }
  void finish(bool failed) override {
    if (failed) write_all(STDERR_FILENO, picture_.failure());
  }

 private:
  Picture picture_;
};

class RawProgress final : public BuildProgress {
 public:
  void report(const Value&, std::string_view text) override { write_all(STDERR_FILENO, cat(text, "\n")); }
  void finish(bool) override {}
};

}  // namespace

std::unique_ptr<BuildProgress> make_build_progress(const std::string& mode, bool quiet) {
  if (quiet || mode == "quiet") return std::make_unique<QuietProgress>();
  if (mode == "rawjson") return std::make_unique<RawProgress>();
  if (mode == "plain" || (mode == "auto" && !is_terminal(STDERR_FILENO))) return std::make_unique<PlainProgress>();
  if (mode == "tty" || mode == "auto") return std::make_unique<TerminalProgress>();
  fail_invalid("invalid progress mode ", quoted(mode), ": auto, plain, tty, quiet and rawjson are known");
}

}  // namespace hull::cli
