// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shim/log_options.h"
#include "shim/log_sink.h"

namespace hull::shim {

// Puts lines into the form of a protocol. Each packet is one datagram, or a part of a stream.
class LogEncoder {
 public:
  virtual ~LogEncoder() = default;
  // Appends the packets of one line; more than one only for GELF over UDP.
  virtual void encode(const LogPiece& piece, std::vector<std::string>& packets) = 0;
};

// RFC 3164, RFC 5424, RFC 5425 (with TLS), or the form that srslog sends to a local daemon.
std::unique_ptr<LogEncoder> make_syslog_encoder(const RemoteLogOptions& options);
// GELF 1.1; over UDP compressed and in chunks, over TCP with a NUL behind each message.
std::unique_ptr<LogEncoder> make_gelf_encoder(const RemoteLogOptions& options);
// The message mode of Fluentd's forward protocol, in MessagePack.
std::unique_ptr<LogEncoder> make_fluentd_encoder(const RemoteLogOptions& options);
// systemd's native journal protocol.
std::unique_ptr<LogEncoder> make_journald_encoder(const RemoteLogOptions& options);

std::unique_ptr<LogEncoder> make_log_encoder(const RemoteLogOptions& options);

// With fluentd-request-ack a packet ends with its id, which the answer has to repeat.
constexpr std::size_t kFluentdChunkId = 32;

}  // namespace hull::shim
