// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"
#include "base/text.h"
#include "shim/deflate.h"
#include "shim/json_text.h"
#include "shim/log_encoder.h"

namespace hull::shim {

namespace {

constexpr std::size_t kChunk = 1420, kChunkHeader = 12, kMostChunks = 128;
constexpr int kError = 3, kInformational = 6;

std::string member(std::string_view name, std::string_view value) {
  std::string out = ",\"";
  append_json_text(out, name);
  out += "\":\"";
  append_json_text(out, value);
  return out += '"';
}

// Seconds with the milliseconds as a fraction, as a JSON number.
std::string seconds_of(Timestamp time) {
  std::int64_t milliseconds = time.nanoseconds / 1'000'000;
  std::string fraction = cat(milliseconds % 1000 + 1000);
  return cat(milliseconds / 1000, ".", fraction.substr(1));
}

class GelfEncoder : public LogEncoder {
 public:
  explicit GelfEncoder(const RemoteLogOptions& options)
      : datagrams_(options.transport == LogTransport::kUdp),
        compression_(options.compress_gzip   ? Deflate::Wrapper::kGzip
                     : options.compress_zlib ? Deflate::Wrapper::kZlib
                                             : Deflate::Wrapper::kNone),
        level_(options.compression_level) {
    head_ = R"({"version":"1.1")" + member("host", options.host_name) + R"(,"short_message":")";
    for (const auto& [name, value] : options.attributes) tail_ += member(name, value);
    tail_ += '}';
  }

  void encode(const LogPiece& piece, std::vector<std::string>& packets) override {
    if (piece.text.empty()) return;  // the specification wants a text, and receivers refuse empty ones
    std::string message = head_;
    append_json_text(message, piece.text);
    message += cat(R"(","timestamp":)", seconds_of(piece.time), R"(,"level":)",
                   piece.channel == Channel::kErr ? kError : kInformational, tail_);
    if (!datagrams_) {
      message += '\0';
      packets.push_back(std::move(message));
      return;
    }
    if (compression_ != Deflate::Wrapper::kNone) message = deflate_.whole(compression_, level_, message);
    cut(message, packets);
  }

 private:
  // 0x1e 0x0f, eight bytes that the chunks of a message share, the chunk's number, their number.
  static void cut(const std::string& message, std::vector<std::string>& packets) {
    if (message.size() <= kChunk) {
      packets.push_back(message);
      return;
    }
    constexpr std::size_t kPayload = kChunk - kChunkHeader;
    std::size_t count = (message.size() + kPayload - 1) / kPayload;
    if (count > kMostChunks) return;  // nothing longer can be sent; a piece of a line never comes near
    std::string id = random_hex(4);
    for (std::size_t i = 0; i < count; ++i)
      packets.push_back(cat('\x1e', '\x0f', id, static_cast<char>(i), static_cast<char>(count),
                            std::string_view(message).substr(i * kPayload, kPayload)));
  }

  bool datagrams_;
  Deflate::Wrapper compression_;
  int level_;
  std::string head_, tail_;
  Deflate deflate_;
};

}  // namespace

std::unique_ptr<LogEncoder> make_gelf_encoder(const RemoteLogOptions& options) {
  return std::make_unique<GelfEncoder>(options);
}

}  // namespace hull::shim
