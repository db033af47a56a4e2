// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What a container's output is written to: a file, a remote, both (a driver that cannot be read, and its cache), or
// nothing. The engine has checked all of it, resolved host names, and filled in the tag.
namespace hull::shim {

enum class LogFormat : std::uint8_t {
  kJson,   // Docker's json-file
  kLocal,  // Docker's local
};

struct LogFileOptions {
  LogFormat format = LogFormat::kJson;
  std::string path;                  // the live file; rotated ones get .1, .2, … and .gz when they are compressed
  std::int64_t max_size = 20 << 20;  // bytes; -1: unlimited
  std::int32_t max_files = 5;
  bool compress = false;
  std::map<std::string, std::string> attributes;  // written into every record
};
template <class Visitor>
void fields(Visitor& visit, LogFileOptions& value) {
  visit("format", value.format);
  visit("path", value.path);
  visit("maxSize", value.max_size);
  visit("maxFiles", value.max_files);
  visit("compress", value.compress);
  visit("attributes", value.attributes);
}

enum class LogProtocol : std::uint8_t {
  kSyslogUnix,          // srslog's default: "<p>time tag[pid]: text"
  kSyslogRfc3164,       // the same with the host's name
  kSyslogRfc5424,       // times in seconds
  kSyslogRfc5424Micro,  // times in microseconds
  kGelf,
  kFluentd,
  kJournald,
};

enum class LogTransport : std::uint8_t {
  kUnix,
  kUnixDatagram,
  kUnixAny,  // datagram, or stream where the socket is one: /dev/log
  kUdp,
  kTcp,
  kTls,  // TCP through the program `tls_command`
};

// Docker's settings of a driver that sends.
struct RemoteLogOptions {
  LogProtocol protocol = LogProtocol::kSyslogUnix;
  LogTransport transport = LogTransport::kUdp;
  std::string address;  // a path, or "1.2.3.4:514", "[::1]:514"
  std::string tag, host_name, container_id, container_name;
  std::map<std::string, std::string> attributes;  // labels, variables, what the protocol says of the container
  std::int32_t facility = 3;                      // syslog
  std::int32_t compression_level = 1;             // gelf over UDP; -1: zlib's default
  bool compress_gzip = false, compress_zlib = false;
  bool sub_second = false, request_ack = false;  // fluentd
  std::vector<std::string> tls_command;          // the program and its arguments; it speaks at its descriptor 3

  bool blocking = true;           // a remote that is slow makes the container wait; else messages are dropped
  bool blocks_when_down = false;  // and so does one that cannot be reached
  bool must_connect = true;       // a start fails when it cannot be reached
  std::int64_t buffer_bytes = 1 << 20;
  std::int64_t buffer_messages = 0;  // 0: no limit
  std::int64_t retry_milliseconds = 500;
  std::int64_t max_retries = -1;  // then what waits is dropped; -1: never
};
template <class Visitor>
void fields(Visitor& visit, RemoteLogOptions& value) {
  visit("protocol", value.protocol);
  visit("transport", value.transport);
  visit("address", value.address);
  visit("tag", value.tag);
  visit("hostName", value.host_name);
  visit("containerId", value.container_id);
  visit("containerName", value.container_name);
  visit("attributes", value.attributes);
  visit("facility", value.facility);
  visit("compressionLevel", value.compression_level);
  visit("compressGzip", value.compress_gzip);
  visit("compressZlib", value.compress_zlib);
  visit("subSecond", value.sub_second);
  visit("requestAck", value.request_ack);
  visit("tlsCommand", value.tls_command);
  visit("blocking", value.blocking);
  visit("blocksWhenDown", value.blocks_when_down);
  visit("mustConnect", value.must_connect);
  visit("bufferBytes", value.buffer_bytes);
  visit("bufferMessages", value.buffer_messages);
  visit("retryMilliseconds", value.retry_milliseconds);
  visit("maxRetries", value.max_retries);
}

struct LogOptions {
  std::optional<LogFileOptions> file;
  std::optional<RemoteLogOptions> remote;
};
template <class Visitor>
void fields(Visitor& visit, LogOptions& value) {
  visit("file", value.file);
  visit("remote", value.remote);
}

}  // namespace hull::shim
