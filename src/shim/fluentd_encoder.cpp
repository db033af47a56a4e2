// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"
#include "base/text.h"
#include "shim/log_encoder.h"

namespace hull::shim {

namespace {

void put_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
}

void put_text(std::string& out, std::string_view text) {
  if (text.size() < 32) {
    out += static_cast<char>(0xa0 | text.size());
  } else if (text.size() < 256) {
    out += '\xd9';
    put_big_endian(out, text.size(), 1);
  } else if (text.size() < 65536) {
    out += '\xda';
    put_big_endian(out, text.size(), 2);
  } else {
    out += '\xdb';
    put_big_endian(out, text.size(), 4);
  }
  out += text;
}

void put_map_size(std::string& out, std::size_t size) {
  if (size < 16) {
    out += static_cast<char>(0x80 | size);
  } else {
    out += '\xde';
    put_big_endian(out, size, 2);
  }
}

// [tag, time, {container_id, container_name, source, log, …}, {"chunk": id}?]
class FluentdEncoder : public LogEncoder {
 public:
  explicit FluentdEncoder(const RemoteLogOptions& options)
      : sub_second_(options.sub_second), acknowledged_(options.request_ack) {
    put_text(tag_, options.tag);
    auto add = [&](std::string_view key, std::string_view value) {
      put_text(fixed_, key);
      put_text(fixed_, value);
      ++fixed_count_;
    };
    add("container_id", options.container_id);
    add("container_name", options.container_name);
    for (const auto& [key, value] : options.attributes) add(key, value);
  }

  void encode(const LogPiece& piece, std::vector<std::string>& packets) override {
    std::string out(1, acknowledged_ ? '\x94' : '\x93');
    out += tag_;
    put_time(out, piece.time);
    put_map_size(out, fixed_count_ + 2 + (piece.partial() ? 4 : 0));
    out += fixed_;
    put_text(out, "source");
    put_text(out, piece.channel == Channel::kErr ? "stderr" : "stdout");
    put_text(out, "log");
    put_text(out, piece.text);
    if (piece.partial()) {
      put_text(out, "partial_message");
      put_text(out, "true");
      put_text(out, "partial_id");
      put_text(out, piece.partial_id);
      put_text(out, "partial_ordinal");
      put_text(out, cat(piece.ordinal));
      put_text(out, "partial_last");
      put_text(out, piece.newline ? "true" : "false");
    }
    if (acknowledged_) {
      put_map_size(out, 1);
      put_text(out, "chunk");
      put_text(out, random_hex(kFluentdChunkId / 2));
    }
    packets.push_back(std::move(out));
  }

 private:
  // Seconds, or EventTime: an extension of type 0 with seconds and nanoseconds.
  void put_time(std::string& out, Timestamp time) const {
    auto nanoseconds = static_cast<std::uint64_t>(time.nanoseconds);
    out += sub_second_ ? '\xd7' : '\xce';
    if (sub_second_) out += '\0';
    put_big_endian(out, nanoseconds / 1'000'000'000, 4);
    if (sub_second_) put_big_endian(out, nanoseconds % 1'000'000'000, 4);
  }

  bool sub_second_, acknowledged_;
  std::string tag_, fixed_;
  std::size_t fixed_count_ = 0;
};

}  // namespace

std::unique_ptr<LogEncoder> make_fluentd_encoder(const RemoteLogOptions& options) {
  return std::make_unique<FluentdEncoder>(options);
}

}  // namespace hull::shim
