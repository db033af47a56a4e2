// SPDX-License-Identifier: Apache-2.0
#include "linux/dbus.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/error.h"
#include "base/text.h"
#include "linux/unix_address.h"

namespace hull::linux {

namespace {

constexpr int kPatienceMilliseconds = 25'000;  // sd-bus waits as long
constexpr std::size_t kLargest = 1 << 27;      // of a message, by the specification

// Fields of a message's head.
enum Field : std::uint8_t {
  kPath = 1,
  kInterface = 2,
  kMember = 3,
  kErrorName = 4,
  kReplySerial = 5,
  kDestination = 6,
  kSignature = 8,
};

std::size_t aligned(std::size_t at, std::size_t size) { return (at + size - 1) / size * size; }

[[noreturn]] void malformed() { fail(Kind::kInternal, "systemd sent a D-Bus message that cannot be read"); }

void text_field(DbusWriter& out, Field field, std::string_view type, std::string_view value) {
  if (!value.empty()) out.structure().byte(field).variant(type).text(value);
}

void wait_readable(int socket) {
  pollfd wanted{socket, POLLIN, 0};
  int ready = ::poll(&wanted, 1, kPatienceMilliseconds);
  if (ready == 0) fail(Kind::kUnavailable, "systemd does not answer within ", kPatienceMilliseconds / 1000, " seconds");
  if (ready < 0 && errno != EINTR) throw_errno("poll", "the connection to systemd");
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    check(sent, "send", "to systemd");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// What came at least, appended to `bytes`.
void receive_some(int socket, std::string& bytes) {
  wait_readable(socket);
  char buffer[4096];
  ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
  if (got < 0 && errno == EINTR) return;
  check(got, "receive", "from systemd");
  if (got == 0) fail(Kind::kUnavailable, "systemd closed the connection");
  bytes.append(buffer, static_cast<std::size_t>(got));
}

}  // namespace

// ----- values -------------------------------------------------------------------------------------------

void DbusWriter::align(std::size_t size) { bytes_.resize(aligned(bytes_.size(), size)); }

DbusWriter& DbusWriter::byte(std::uint8_t value) {
  bytes_ += static_cast<char>(value);
  return *this;
}

DbusWriter& DbusWriter::number32(std::uint32_t value) {
  align(sizeof value);
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  return *this;
}

DbusWriter& DbusWriter::number64(std::uint64_t value) {
  align(sizeof value);
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  return *this;
}

DbusWriter& DbusWriter::text(std::string_view value) {
  number32(static_cast<std::uint32_t>(value.size()));
  bytes_.append(value).push_back('\0');
  return *this;
}

DbusWriter& DbusWriter::signature(std::string_view value) {
  byte(static_cast<std::uint8_t>(value.size()));
  bytes_.append(value).push_back('\0');
  return *this;
}

DbusWriter& DbusWriter::structure() {
  align(8);
  return *this;
}

DbusWriter& DbusWriter::array(std::size_t alignment, const std::function<void(DbusWriter&)>& fill) {
  number32(0);
  std::size_t length_at = bytes_.size() - 4;
  align(alignment);  // not part of the length
  std::size_t first = bytes_.size();
  fill(*this);
  auto length = static_cast<std::uint32_t>(bytes_.size() - first);
  std::memcpy(bytes_.data() + length_at, &length, sizeof length);
  return *this;
}

void DbusReader::align(std::size_t size) { at_ = aligned(at_, size); }

std::string_view DbusReader::take(std::size_t size) {
  if (at_ > bytes_.size() || size > bytes_.size() - at_) malformed();
  at_ += size;
  return bytes_.substr(at_ - size, size);
}

std::uint8_t DbusReader::byte() { return static_cast<std::uint8_t>(take(1)[0]); }

std::uint32_t DbusReader::number32() {
  align(4);
  std::uint32_t value;
  std::memcpy(&value, take(4).data(), sizeof value);
  return value;
}

std::string DbusReader::text() {
  std::uint32_t size = number32();
  std::string value(take(size));
  take(1);
  return value;
}

std::string DbusReader::signature() {
  std::uint8_t size = byte();
  std::string value(take(size));
  take(1);
  return value;
}

// ----- messages -----------------------------------------------------------------------------------------

std::string encode_dbus(const DbusMessage& message, std::string_view destination) {
  DbusWriter head;
  head.byte('l').byte(static_cast<std::uint8_t>(message.kind)).byte(0).byte(1);
  head.number32(static_cast<std::uint32_t>(message.body.size())).number32(message.serial);
  head.array(8, [&](DbusWriter& fields) {
    text_field(fields, kPath, "o", message.path);
    text_field(fields, kInterface, "s", message.interface);
    text_field(fields, kMember, "s", message.member);
    text_field(fields, kErrorName, "s", message.error_name);
    text_field(fields, kDestination, "s", destination);
    if (message.reply_to) fields.structure().byte(kReplySerial).variant("u").number32(message.reply_to);
    if (!message.signature.empty()) fields.structure().byte(kSignature).variant("g").signature(message.signature);
  });
  head.structure();  // the body is aligned to 8
  return head.bytes() + message.body;
}

std::size_t dbus_size(std::string_view first) {
  DbusReader head(first);
  if (head.byte() != 'l') malformed();
  head.align(4);
  std::uint32_t body = head.number32();
  head.number32();
  std::size_t size = aligned(16 + std::size_t{head.number32()}, 8) + body;
  if (size > kLargest) malformed();
  return size;
}

DbusMessage decode_dbus(std::string_view bytes) {
  DbusMessage message;
  std::size_t size = dbus_size(bytes);
  if (bytes.size() < size) malformed();
  DbusReader head(bytes);
  head.byte();
  message.kind = static_cast<DbusMessage::Kind>(head.byte());
  head.align(4);
  std::uint32_t body = head.number32();
  message.serial = head.number32();
  std::size_t end = 16 + head.number32();
  while (head.at() < end) {
    head.align(8);
    std::uint8_t field = head.byte();
    std::string type = head.signature();
    if (type == "u") {
      std::uint32_t value = head.number32();
      if (field == kReplySerial) message.reply_to = value;
      continue;
    }
    if (type != "s" && type != "o" && type != "g") malformed();
    std::string value = type == "g" ? head.signature() : head.text();
    switch (field) {
      case kPath: message.path = value; break;
      case kInterface: message.interface = value; break;
      case kMember: message.member = value; break;
      case kErrorName: message.error_name = value; break;
      case kSignature: message.signature = value; break;
    }
  }
  message.body = bytes.substr(size - body, body);
  return message;
}

// ----- the connection -----------------------------------------------------------------------------------

DbusConnection::DbusConnection(const std::string& path)
    : socket_(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")) {
  if (UnixAddress(path).connect(socket_.get()) < 0)
    throw Error(Kind::kUnavailable, cat("cannot reach systemd at ", path, ": ", errno_text(errno)), errno, "connect");
  // AUTH EXTERNAL: who we are is what the kernel says of the socket. BEGIN goes with it: systemd (sd-bus) reads what
  // comes with the end of the greeting into a buffer that it next looks at when more comes, so a short call right
  // behind a late BEGIN would wait for ever. With the answer here, BEGIN has been read.
  std::string uid = cat(::geteuid());
  send_all(socket_.get(),
           std::string(1, '\0') + cat("AUTH EXTERNAL ", to_hex(uid.data(), uid.size()), "\r\nBEGIN\r\n"));
  while (arrived_.find("\r\n") == arrived_.npos) receive_some(socket_.get(), arrived_);
  if (!arrived_.starts_with("OK")) fail(Kind::kForbidden, "systemd does not let us in: ", trim(arrived_));
  arrived_.clear();
}

DbusMessage DbusConnection::receive() {
  while (arrived_.size() < 16 || arrived_.size() < dbus_size(arrived_)) receive_some(socket_.get(), arrived_);
  DbusMessage message = decode_dbus(arrived_);
  arrived_.erase(0, dbus_size(arrived_));
  return message;
}

std::string DbusConnection::call(const std::string& path, const std::string& interface, const std::string& member,
                                 const std::string& signature, const DbusWriter& arguments, DbusRefusal* refused) {
  DbusMessage call;
  call.serial = ++serial_;
  call.path = path;
  call.interface = interface;
  call.member = member;
  call.signature = signature;
  call.body = arguments.bytes();
  send_all(socket_.get(), encode_dbus(call, "org.freedesktop.systemd1"));
  for (;;) {
    DbusMessage answer = receive();
    if (answer.kind == DbusMessage::Kind::kSignal) signals_.push_back(std::move(answer));
    if (answer.reply_to != call.serial) continue;
    if (answer.kind == DbusMessage::Kind::kReply) return answer.body;
    DbusRefusal refusal{answer.error_name, answer.signature.starts_with('s') ? DbusReader(answer.body).text() : ""};
    if (!refused) fail(Kind::kInternal, "systemd refused ", member, ": ", refusal.words, " (", refusal.name, ")");
    *refused = std::move(refusal);
    return {};
  }
}

void DbusConnection::wait_for(const std::string& member, const std::function<bool(DbusReader& body)>& fits) {
  auto is_it = [&](const DbusMessage& message) {
    DbusReader body(message.body);
    return message.kind == DbusMessage::Kind::kSignal && message.member == member && fits(body);
  };
  bool found = std::any_of(signals_.begin(), signals_.end(), is_it);
  signals_.clear();
  while (!found) found = is_it(receive());
}

}  // namespace hull::linux
