// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "base/file.h"
#include "cli/command.h"
#include "cli/container_path.h"
#include "cli/session.h"
#include "cli/time_point.h"
#include "cli/verbs.h"

namespace hull::cli::container {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

Query query_of(const Options& options) {
  Query query;
  query.add("stdout", "1").add("stderr", "1");
  for (std::string_view flag : {"follow", "details"})
    if (options.is_set(flag)) query.add(flag, "1");
  for (std::string_view flag : {"since", "until"})
    if (options.given(flag)) {
      try {
        query.add(flag, point_in_time(options.text(flag)));
      } catch (const Error& e) {
        fail_invalid("invalid value for ", quoted(flag), ": ", e.message());
      }
    }
  query.add("tail", options.text("tail"));
  return query;
}

void write_to(int stream, std::string_view bytes) {
  if (stream == 3) throw Exit(1, std::string(bytes));
  if (stream == 2)
    write_all(STDERR_FILENO, bytes);
  else
    print(bytes);
}

int show_one(Invocation& call) {
  Client& client = call.client();
  Value container = client.get(container_path(call.argument(0), "/json"));
  Query query = query_of(call.options);
  if (call.options.is_set("timestamps")) query.add("timestamps", "1");
  auto stream = client.stream("GET", container_path(container["Id"].text(), "/logs", query.text()));
  bool tty = container["Config"]["Tty"].boolean();
  Demultiplexer frames;
  std::string piece(kPiece, '\0');
  while (std::size_t got = stream->read_some(piece.data(), piece.size())) {
    std::string_view data(piece.data(), got);
    if (tty)
      print(data);
    else
      frames.feed(data, write_to);
  }
  return 0;
}

// One of several logs, in lines. Each begins with its time.
class Source {
 public:
  Source(std::string label, bool tty, std::unique_ptr<Connection> connection)
      : label_(std::move(label)), tty_(tty), connection_(std::move(connection)), piece_(kPiece, '\0') {}

  // Reads once; blocks when there is nothing yet.
  void read() {
    std::size_t got = connection_->read_some(piece_.data(), piece_.size());
    std::string_view data(piece_.data(), got);
    if (got == 0) {
      ended_ = true;
      for (int stream : {1, 2})
        if (!rest_[stream].empty()) add(stream, "\n");
    } else if (tty_) {
      add(1, data);
    } else {
      frames_.feed(data, [this](int stream, std::string_view bytes) { add(stream, bytes); });
    }
  }
  bool ended() const { return ended_; }
  bool has_line() const { return !lines_.empty(); }
  // The time as text: its form has the same length everywhere, so that it can be compared.
  std::string_view time() const { return std::string_view(lines_.front().text).substr(0, end_of_time()); }
  int fd() const { return connection_->fd(); }
  bool has_buffered() const { return connection_->has_buffered(); }

  void print_line(bool with_time) {
    const Line& line = lines_.front();
    std::string_view text = line.text;
    if (!with_time) text.remove_prefix(std::min(text.size(), end_of_time() + 1));
    write_to(line.stream, cat(label_, text));
    lines_.pop_front();
  }

 private:
  struct Line {
    int stream;
    std::string text;
  };
  std::size_t end_of_time() const { return std::min(lines_.front().text.find(' '), lines_.front().text.size()); }

  void add(int stream, std::string_view bytes) {
    if (stream == 3) throw Exit(1, std::string(bytes));
    std::string& rest = rest_[stream];
    for (;;) {
      auto newline = bytes.find('\n');
      rest += bytes.substr(0, newline == bytes.npos ? newline : newline + 1);
      if (newline == bytes.npos) return;
      lines_.push_back({stream, std::exchange(rest, {})});
      bytes.remove_prefix(newline + 1);
    }
  }

  std::string label_;
  bool tty_;
  std::unique_ptr<Connection> connection_;
  Demultiplexer frames_;
  std::string piece_;
  std::string rest_[3];  // by stream
  std::deque<Line> lines_;
  bool ended_ = false;
};

// What is there already, in the order of time.
void show_merged(std::vector<Source>& sources, bool with_times) {
  for (;;) {
    Source* first = nullptr;
    for (Source& source : sources) {
      while (!source.has_line() && !source.ended()) source.read();
      if (source.has_line() && (!first || source.time() < first->time())) first = &source;
    }
    if (!first) return;
    first->print_line(with_times);
  }
}

// As it comes.
void show_as_it_comes(std::vector<Source>& sources, bool with_times) {
  for (;;) {
    std::vector<pollfd> waiting;
    std::vector<Source*> owners;
    for (Source& source : sources) {
      if (source.ended()) continue;
      waiting.push_back({source.fd(), POLLIN, 0});
      owners.push_back(&source);
    }
    if (waiting.empty()) return;
    bool at_hand = std::ranges::any_of(owners, &Source::has_buffered);
    if (::poll(waiting.data(), waiting.size(), at_hand ? 0 : -1) < 0 && errno != EINTR) throw_errno("poll");
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].revents == 0 && !owners[i]->has_buffered()) continue;
      owners[i]->read();
      while (owners[i]->has_line()) owners[i]->print_line(with_times);
    }
  }
}

int show_several(Invocation& call) {
  Query query = query_of(call.options);
  query.add("timestamps", "1");
  std::vector<Value> containers;
  std::size_t width = 0;
  for (const std::string& name : call.arguments()) {
    containers.push_back(call.client().get(container_path(name, "/json")));
    width = std::max(width, containers.back()["Name"].text().size() - 1);
  }
  std::vector<Source> sources;
  for (const Value& container : containers) {
    std::string label = container["Name"].text().substr(1);
    label += cat(std::string(width - label.size(), ' '), " | ");
    sources.emplace_back(label, container["Config"]["Tty"].boolean(),
                         call.client().stream("GET", container_path(container["Id"].text(), "/logs", query.text())));
  }
  bool with_times = call.options.is_set("timestamps");
  if (call.options.is_set("follow"))
    show_as_it_comes(sources, with_times);
  else
    show_merged(sources, with_times);
  return 0;
}

}  // namespace

int logs(Invocation& call) { return call.arguments().size() == 1 ? show_one(call) : show_several(call); }

}  // namespace hull::cli::container
