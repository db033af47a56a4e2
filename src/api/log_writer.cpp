// SPDX-License-Identifier: Apache-2.0
#include "api/log_writer.h"

#include "api/json_stream.h"
#include "base/error.h"
#include "oci/json.h"
#include "shim/channel.h"

namespace hull::api {

namespace {

constexpr std::size_t kBatch = 32 << 10;

// As Go's url.QueryEscape: a blank is "+".
std::string query_escaped(std::string_view text) {
  std::vector<std::string> words;
  for (std::string_view word : split(text, ' ')) words.push_back(percent_encoded(word));
  return join(words, "+");
}

class TextWriter : public LogWriter {
 public:
  TextWriter(Call& call, const container::LogQuery& query, bool tty)
      : LogWriter(call.response, query), media_type_(stream_type(call, tty)), tty_(tty) {}
  std::string_view media_type() const override { return media_type_; }

 protected:
  void add(const container::LogLine& line, std::string& out) override {
    prefix_.clear();
    if (query().timestamps) prefix_ = cat(format_rfc3339_fixed(line.time), " ");
    if (query().details) append_details(line.attributes);
    if (!tty_) {
      auto channel = line.is_stderr ? shim::Channel::kErr : shim::Channel::kOut;
      auto header = shim::frame_header(channel, prefix_.size() + line.text.size());
      out.append(header.data(), header.size());
    }
    out += prefix_;
    out += line.text;
  }
  void add_error(std::string_view message, std::string& out) override {
    std::string text = cat("Error grabbing logs: ", message, "\n");
    out += tty_ ? text : shim::framed(shim::Channel::kSystemError, text);
  }

 private:
  // "k=v,k=v ", sorted.
  void append_details(const container::StringMap& attributes) {
    for (const auto& [key, value] : attributes) {
      if (&key != &attributes.begin()->first) prefix_ += ',';
      prefix_ += cat(query_escaped(key), "=", query_escaped(value));
    }
    prefix_ += ' ';
  }

  std::string_view media_type_;
  bool tty_;
  std::string prefix_;
};

class JsonWriter : public LogWriter {
 public:
  JsonWriter(Call& call, const container::LogQuery& query, std::string_view media_type)
      : LogWriter(call.response, query), media_type_(media_type) {}
  std::string_view media_type() const override { return media_type_; }

 protected:
  void add(const container::LogLine& line, std::string& out) override {
    Json one;
    if (!line.text.empty()) one["Line"] = line.text;
    one["Source"] = line.is_stderr ? "stderr" : "stdout";
    one["Timestamp"] = format_rfc3339(line.time);
    if (query().details)
      for (const auto& [key, value] : line.attributes) one["Attrs"].push_back({{"Key", key}, {"Value", value}});
    out += json_record(media_type_, one);
  }
  void add_error(std::string_view message, std::string& out) override {
    Json one;
    one["Timestamp"] = format_rfc3339(now());
    one["Error"] = std::string(message);
    out += json_record(media_type_, one);
  }

 private:
  std::string_view media_type_;
};

}  // namespace

void LogWriter::line(const container::LogLine& line) {
  add(line, buffer_);
  if (buffer_.size() >= kBatch) flush();
}

void LogWriter::error(std::string_view message) {
  add_error(message, buffer_);
  flush();
}

void LogWriter::flush() {
  if (!buffer_.empty()) response_.write(buffer_);
  buffer_.clear();
}

void LogWriter::caught_up() {
  flush();
  buffer_.shrink_to_fit();
}

std::unique_ptr<LogWriter> log_writer(Call& call, const container::LogQuery& query, bool tty) {
  if (!call.since(54)) return std::make_unique<TextWriter>(call, query, tty);
  std::string format = call.query.get("format");
  if (!format.empty() && format != "json") fail_invalid("unsupported log format");
  std::string_view accepted = accepted_json_stream(call.request.header("Accept"));
  if (format.empty() && accepted.empty()) return std::make_unique<TextWriter>(call, query, tty);
  return std::make_unique<JsonWriter>(call, query, accepted.empty() ? kNdJson : accepted);
}

}  // namespace hull::api
