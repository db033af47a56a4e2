// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace hull::linux {

// Netlink messages that go to the kernel in one sendmsg(2). Built front to back: message() begins one, put…() and
// nest() add attributes to it.
class NetlinkBatch {
 public:
  template <class Header>
  NetlinkBatch& message(std::uint16_t type, std::uint16_t flags, const Header& header) {
    return message(type, flags, std::string_view(reinterpret_cast<const char*>(&header), sizeof header));
  }
  NetlinkBatch& message(std::uint16_t type, std::uint16_t flags, std::string_view header);

  NetlinkBatch& put(std::uint16_t attribute, std::string_view bytes);
  NetlinkBatch& put_text(std::uint16_t attribute, std::string_view text);  // with the final NUL
  NetlinkBatch& put_u8(std::uint16_t attribute, std::uint8_t value) { return put_value(attribute, value); }
  NetlinkBatch& put_u16(std::uint16_t attribute, std::uint16_t value) { return put_value(attribute, value); }
  NetlinkBatch& put_u32(std::uint16_t attribute, std::uint32_t value) { return put_value(attribute, value); }
  NetlinkBatch& put_be32(std::uint16_t attribute, std::uint32_t value);  // big-endian, as nfnetlink and addresses are
  // The attributes that `fill` adds become the content of `attribute`.
  template <class Fill>
  NetlinkBatch& nest(std::uint16_t attribute, Fill&& fill) {
    std::size_t start = open_nest(attribute);
    fill();
    close_nest(start);
    return *this;
  }
  // Bytes as they are (the fixed header inside VETH_INFO_PEER).
  NetlinkBatch& raw(std::string_view bytes);

  std::size_t count() const { return starts_.size(); }
  bool empty() const { return starts_.empty(); }

 private:
  friend class NetlinkSocket;
  template <class Value>
  NetlinkBatch& put_value(std::uint16_t attribute, Value value) {
    return put(attribute, std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
  }
  std::size_t open_nest(std::uint16_t attribute);
  void close_nest(std::size_t start);
  void grown();  // pads, and writes the length of the present message

  std::string bytes_;
  std::vector<std::size_t> starts_;
};

// One netlink socket, in the network namespace of the thread that makes it, for ever. Not thread-safe.
class NetlinkSocket {
 public:
  explicit NetlinkSocket(int protocol);  // NETLINK_ROUTE, NETLINK_NETFILTER. Throws errno

  std::uint32_t port();  // the number that the kernel knows this socket by; it is in notices of what came through it

  using OnReply = std::function<void(const nlmsghdr&)>;

  struct Outcome {
    int code = 0;        // errno; 0: done
    std::string detail;  // what the kernel says beside it, often nothing
  };
  // Sends all messages with one system call and collects the answer to each. The kernel works through them in order
  // and does not stop at a failure (except nf_tables, where a batch is one transaction). `on_reply` gets the messages
  // that are no acknowledgements. Throws errno only when the batch could not be sent.
  std::vector<Outcome> try_execute(NetlinkBatch& batch, const OnReply& on_reply = {});
  // The same; throws the first failure as Error{kInternal, errno} "<operation>: <errno text>".
  void execute(NetlinkBatch& batch, std::string_view operation, const OnReply& on_reply = {});
  // That alone, of the answers to a batch.
  static void require(const std::vector<Outcome>& outcomes, std::string_view operation);
  // Sends the one message of `batch` with NLM_F_DUMP and passes every object of the answer to `on_reply`.
  void dump(NetlinkBatch& batch, std::string_view operation, const OnReply& on_reply);

 private:
  void send(NetlinkBatch& batch);
  void make_room(const NetlinkBatch& batch);
  std::string_view receive(int flags);  // empty: nothing there

  UniqueFd fd_;
  std::uint32_t sequence_ = 0;
  std::size_t room_ = 0;  // what make_room() has made
  std::vector<char> buffer_;
};

// Calls `visit(attribute type, content)` for each attribute in `bytes`.
void for_each_attribute(std::string_view bytes, const std::function<void(std::uint16_t, std::string_view)>& visit);
// The attributes of a message behind its fixed header of `header_size` bytes.
std::string_view attributes_of(const nlmsghdr& message, std::size_t header_size);
std::uint32_t u32_of(std::string_view bytes);   // 0 when it is too short
std::uint32_t be32_of(std::string_view bytes);  // the same, from big-endian
std::string text_of(std::string_view bytes);    // up to the first NUL

}  // namespace hull::linux
