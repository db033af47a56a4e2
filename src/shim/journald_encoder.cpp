// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "shim/log_encoder.h"

namespace hull::shim {

namespace {

constexpr int kError = 3, kInformational = 6;

// "NAME=value\n"; a value of several lines has its length before it (8 bytes, little endian).
void put_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  if (value.find('\n') == value.npos) {
    out += '=';
  } else {
    out += '\n';
    for (int i = 0; i < 8; ++i) out += static_cast<char>(std::uint64_t{value.size()} >> (8 * i));
  }
  out += value;
  out += '\n';
}

class JournaldEncoder : public LogEncoder {
 public:
  explicit JournaldEncoder(const RemoteLogOptions& options) {
    for (const auto& [name, value] : options.attributes) put_field(fixed_, name, value);
    epoch_ = format_rfc3339(now());
  }

  void encode(const LogPiece& piece, std::vector<std::string>& packets) override {
    std::string out = fixed_;
    put_field(out, "MESSAGE", piece.text);
    put_field(out, "PRIORITY", cat(piece.channel == Channel::kErr ? kError : kInformational));
    put_field(out, "SYSLOG_TIMESTAMP", format_rfc3339(piece.time));
    put_field(out, "CONTAINER_LOG_EPOCH", epoch_);
    put_field(out, "CONTAINER_LOG_ORDINAL", cat(++ordinal_));
    if (piece.partial()) {
      if (!piece.newline) put_field(out, "CONTAINER_PARTIAL_MESSAGE", "true");
      put_field(out, "CONTAINER_PARTIAL_ID", piece.partial_id);
      put_field(out, "CONTAINER_PARTIAL_ORDINAL", cat(piece.ordinal));
      put_field(out, "CONTAINER_PARTIAL_LAST", piece.newline ? "true" : "false");
    }
    packets.push_back(std::move(out));
  }

 private:
  std::string fixed_, epoch_;
  std::uint64_t ordinal_ = 0;
};

}  // namespace

std::unique_ptr<LogEncoder> make_journald_encoder(const RemoteLogOptions& options) {
  return std::make_unique<JournaldEncoder>(options);
}

}  // namespace hull::shim
