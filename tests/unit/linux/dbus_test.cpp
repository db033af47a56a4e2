// SPDX-License-Identifier: Apache-2.0
#include "linux/dbus.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <thread>

#include "base/error.h"
#include "base/file.h"

using namespace hull;
using namespace hull::linux;

namespace {

// A manager as sd-bus makes them: one read takes the whole greeting, and what a client says behind the answer begins
// with a message.
class Manager {
 public:
  explicit Manager(const std::string& path) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    thread_ = std::jthread([this] { serve(); });
  }
  std::string greeting, first;  // to be read when the Manager has ended
  void end() { thread_.join(); }

 private:
  std::string read(int socket) {
    std::array<char, 256> buffer;
    ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }
  void say(int socket, std::string_view bytes) {
    EXPECT_EQ(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void serve() {
    UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    greeting = read(client.get());
    say(client.get(), "OK 0123456789abcdef0123456789abcdef\r\n");
    first = read(client.get());
    DbusMessage answer;
    answer.kind = DbusMessage::Kind::kReply;
    answer.serial = answer.reply_to = 1;
    say(client.get(), encode_dbus(answer, ""));
  }

  UniqueFd listener_;
  std::jthread thread_;
};

}  // namespace

TEST(Dbus, NothingOfTheGreetingComesBehindTheAnswer) {
  TempDir directory;
  Manager manager(directory.path() + "/private");
  DbusConnection connection(directory.path() + "/private");
  connection.call("/", "a.b", "Short", "", DbusWriter());
  manager.end();
  EXPECT_EQ(manager.greeting[0], '\0');
  EXPECT_TRUE(manager.greeting.ends_with("\r\nBEGIN\r\n")) << manager.greeting;
  EXPECT_EQ(decode_dbus(manager.first).member, "Short");
}

TEST(Dbus, MessagesComeBackAsTheyWere) {
  DbusMessage message;
  message.kind = DbusMessage::Kind::kSignal;
  message.serial = 7;
  message.reply_to = 5;
  message.path = "/org/freedesktop/systemd1";
  message.interface = "org.freedesktop.systemd1.Manager";
  message.member = "JobRemoved";
  message.signature = "uoss";
  message.body = DbusWriter().number32(12).text("/job/12").text("x.scope").text("done").bytes();
  std::string bytes = encode_dbus(message, "to.somebody");
  EXPECT_EQ(bytes.size(), dbus_size(std::string_view(bytes).substr(0, 16)));
  DbusMessage back = decode_dbus(bytes);
  EXPECT_EQ(back.kind, message.kind);
  EXPECT_EQ(back.member, "JobRemoved");
  EXPECT_EQ(back.reply_to, 5U);
  EXPECT_EQ(back.signature, "uoss");
  DbusReader body(back.body);
  EXPECT_EQ(body.number32(), 12U);
  EXPECT_EQ(body.text(), "/job/12");
  EXPECT_EQ(body.text(), "x.scope");
  EXPECT_EQ(body.text(), "done");
}

TEST(Dbus, DamagedMessagesAreRefused) {
  DbusMessage message;
  message.member = "Hello";
  message.signature = "s";
  message.body = DbusWriter().text("text").bytes();
  std::string bytes = encode_dbus(message, "");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(decode_dbus(bytes.substr(0, size)), Error) << size;
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      try {
        decode_dbus(damaged);
      } catch (const Error&) {
      }
    }
}

TEST(Dbus, ArraysCountTheirBytesWithoutPadding) {
  // The example of the specification: an array of one 64-bit number is aligned behind its length.
  std::string bytes = DbusWriter().array(8, [](DbusWriter& out) { out.number64(5); }).bytes();
  EXPECT_EQ(bytes, std::string("\x08\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0", 16));
}
