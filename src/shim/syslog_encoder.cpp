// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <ctime>

#include "base/text.h"
#include "shim/log_encoder.h"

namespace hull::shim {

namespace {

constexpr int kError = 3, kInformational = 6;  // RFC 5424, 6.2.1

class SyslogEncoder : public LogEncoder {
 public:
  explicit SyslogEncoder(const RemoteLogOptions& options)
      : protocol_(options.protocol),
        counted_(is_rfc5424() && options.transport == LogTransport::kTls),
        facility_(options.facility),
        tag_(options.tag),
        host_(options.host_name),
        process_(cat(::getpid())) {}

  void encode(const LogPiece& piece, std::vector<std::string>& packets) override {
    std::string message = cat("<", facility_ * 8 + (piece.channel == Channel::kErr ? kError : kInformational), ">");
    switch (protocol_) {
      case LogProtocol::kSyslogRfc5424:
      case LogProtocol::kSyslogRfc5424Micro:
        message += cat("1 ", time_of(piece), " ", host_, " ", tag_, " ", process_, " ", tag_, " - ");
        break;
      case LogProtocol::kSyslogRfc3164:
        message += cat(time_of(piece), " ", host_, " ", tag_, "[", process_, "]: ");
        break;
      default: message += cat(time_of(piece), " ", tag_, "[", process_, "]: ");
    }
    message += piece.text;
    if (!message.ends_with('\n')) message += '\n';
    packets.push_back(counted_ ? cat(message.size(), " ", message) : std::move(message));
  }

 private:
  bool is_rfc5424() const {
    return protocol_ == LogProtocol::kSyslogRfc5424 || protocol_ == LogProtocol::kSyslogRfc5424Micro;
  }

  // In UTC for RFC 5424; the old form has no zone, and is read as local time.
  const std::string& time_of(const LogPiece& piece) {
    bool micro = protocol_ == LogProtocol::kSyslogRfc5424Micro;
    std::int64_t unit = micro ? 1'000 : 1'000'000'000, stamp = piece.time.nanoseconds / unit;
    if (stamp == time_ && !time_text_.empty()) return time_text_;
    time_ = stamp;
    if (is_rfc5424()) {
      std::string fixed = format_rfc3339_fixed(piece.time);  // 2026-01-02T03:04:05.123456789Z
      time_text_ = cat(fixed.substr(0, micro ? 26 : 19), "Z");
    } else {
      std::time_t seconds = piece.time.nanoseconds / 1'000'000'000;
      std::tm parts{};
      ::localtime_r(&seconds, &parts);
      char text[32];
      time_text_.assign(text, std::strftime(text, sizeof text, "%b %e %H:%M:%S", &parts));
    }
    return time_text_;
  }

  LogProtocol protocol_;
  bool counted_;  // RFC 5425: the length stands before the message
  int facility_;
  std::string tag_, host_, process_;
  std::int64_t time_ = 0;
  std::string time_text_;
};

}  // namespace

std::unique_ptr<LogEncoder> make_syslog_encoder(const RemoteLogOptions& options) {
  return std::make_unique<SyslogEncoder>(options);
}

}  // namespace hull::shim
