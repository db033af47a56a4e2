// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

// As much of D-Bus as systemd's manager has to be told (dbus.freedesktop.org/doc/dbus-specification.html): method calls
// and signals over one socket, little endian, no descriptors. libsystemd would do it too, but hull-shim and
// hull-runtime are static, and it comes as a shared library only (docs/decisions/0006).
namespace hull::linux {

// The arguments of a message, appended in the order of their signature. Values are aligned to their size.
class DbusWriter {
 public:
  DbusWriter& byte(std::uint8_t value);
  DbusWriter& number32(std::uint32_t value);
  DbusWriter& number64(std::uint64_t value);
  DbusWriter& boolean(bool value) { return number32(value ? 1 : 0); }
  DbusWriter& text(std::string_view value);       // of types "s" and "o"
  DbusWriter& signature(std::string_view value);  // of type "g"
  DbusWriter& structure();                        // a struct begins: its fields follow
  // An array whose elements are aligned to `alignment` (8: structs) and appended by `fill`.
  DbusWriter& array(std::size_t alignment, const std::function<void(DbusWriter&)>& fill);
  // A variant of the type `type`: its value follows.
  DbusWriter& variant(std::string_view type) { return signature(type); }

  const std::string& bytes() const { return bytes_; }

 private:
  void align(std::size_t size);
  std::string bytes_;
};

// Reads what a DbusWriter wrote. Throws Error{kInternal} when the message ends too early.
class DbusReader {
 public:
  explicit DbusReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint8_t byte();
  std::uint32_t number32();
  std::string text();
  std::string signature();
  void align(std::size_t size);
  std::size_t at() const { return at_; }

 private:
  std::string_view take(std::size_t size);
  std::string_view bytes_;
  std::size_t at_ = 0;
};

struct DbusMessage {
  enum class Kind : std::uint8_t { kCall = 1, kReply = 2, kError = 3, kSignal = 4 };
  Kind kind = Kind::kCall;
  std::uint32_t serial = 0, reply_to = 0;
  std::string path, interface, member, error_name, signature, body;
};
// The bytes of a message as they travel.
std::string encode_dbus(const DbusMessage& message, std::string_view destination);
// One whole message. Throws Error{kInternal} for what is none.
DbusMessage decode_dbus(std::string_view bytes);
// How long the message is whose first 16 bytes these are.
std::size_t dbus_size(std::string_view first);

// A refusal by the other side: its D-Bus error name, and its words as the message.
struct DbusRefusal {
  std::string name, words;
};

// One connection to a peer (no bus daemon in between), authenticated as this process's user. Blocking; every wait ends
// after 25 seconds with Error{kUnavailable}.
class DbusConnection {
 public:
  // Throws Error{kUnavailable} when nobody listens at `path`.
  explicit DbusConnection(const std::string& path);

  // Calls a method and gives its answer's body. `refused` gets a refusal; without it that is an Error{kInternal}.
  std::string call(const std::string& path, const std::string& interface, const std::string& member,
                   const std::string& signature, const DbusWriter& arguments, DbusRefusal* refused = nullptr);
  // Waits for a signal `member` that `fits`; those that came during calls count.
  void wait_for(const std::string& member, const std::function<bool(DbusReader& body)>& fits);

 private:
  DbusMessage receive();

  UniqueFd socket_;
  std::uint32_t serial_ = 0;
  std::string arrived_;
  std::vector<DbusMessage> signals_;
};

}  // namespace hull::linux
