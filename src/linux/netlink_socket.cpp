// SPDX-License-Identifier: Apache-2.0
#include "linux/netlink_socket.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace hull::linux {

namespace {

constexpr std::size_t kReceiveBuffer = 32 << 10;  // what the kernel fills a part of a dump up to
constexpr std::size_t kUsualRoom = 128 << 10;     // less than what sockets have by default
constexpr std::size_t kAnswer = 1024;             // what one acknowledgement counts for in a receive queue

std::size_t aligned(std::size_t size) { return (size + NLMSG_ALIGNTO - 1) & ~std::size_t{NLMSG_ALIGNTO - 1}; }

NetlinkSocket::Outcome outcome_of(const nlmsghdr& message) {
  auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(&message));
  NetlinkSocket::Outcome outcome{-error->error, {}};
  if (message.nlmsg_flags & NLM_F_ACK_TLVS) {
    std::size_t fixed = sizeof(nlmsgerr);
    if (!(message.nlmsg_flags & NLM_F_CAPPED)) fixed += aligned(error->msg.nlmsg_len - sizeof(nlmsghdr));
    for_each_attribute(attributes_of(message, fixed), [&](std::uint16_t type, std::string_view content) {
      if (type == NLMSGERR_ATTR_MSG) outcome.detail = text_of(content);
    });
  }
  return outcome;
}

// Calls `visit` for each message of a datagram until it gives false.
template <class Visit>
bool for_each_message(std::string_view datagram, Visit&& visit) {
  auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data());
  for (auto left = static_cast<unsigned>(datagram.size()); NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
    if (!visit(*message)) return false;
  return true;
}

}  // namespace

NetlinkBatch& NetlinkBatch::message(std::uint16_t type, std::uint16_t flags, std::string_view header) {
  starts_.push_back(bytes_.size());
  nlmsghdr fixed{};
  fixed.nlmsg_type = type;
  fixed.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
  bytes_.append(reinterpret_cast<const char*>(&fixed), sizeof fixed);
  return raw(header);
}

NetlinkBatch& NetlinkBatch::raw(std::string_view bytes) {
  bytes_ += bytes;
  grown();
  return *this;
}

NetlinkBatch& NetlinkBatch::put(std::uint16_t attribute, std::string_view bytes) {
  nlattr head{static_cast<std::uint16_t>(sizeof(nlattr) + bytes.size()), attribute};
  bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
  return raw(bytes);
}

NetlinkBatch& NetlinkBatch::put_text(std::uint16_t attribute, std::string_view text) {
  std::string terminated(text);
  terminated += '\0';
  return put(attribute, terminated);
}

NetlinkBatch& NetlinkBatch::put_be32(std::uint16_t attribute, std::uint32_t value) {
  return put_value(attribute, htonl(value));
}

std::size_t NetlinkBatch::open_nest(std::uint16_t attribute) {
  std::size_t start = bytes_.size();
  put(static_cast<std::uint16_t>(attribute | NLA_F_NESTED), {});
  return start;
}

void NetlinkBatch::close_nest(std::size_t start) {
  auto length = static_cast<std::uint16_t>(bytes_.size() - start);
  std::memcpy(bytes_.data() + start + offsetof(nlattr, nla_len), &length, sizeof length);
}

void NetlinkBatch::grown() {
  bytes_.resize(aligned(bytes_.size()));
  auto length = static_cast<std::uint32_t>(bytes_.size() - starts_.back());
  std::memcpy(bytes_.data() + starts_.back() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
}

NetlinkSocket::NetlinkSocket(int protocol)
    : fd_(check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), "open a netlink socket")) {
  int on = 1;
  // Both are comfort: acknowledgements that do not echo the request, and reasons in words.
  (void)::setsockopt(fd_.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  (void)::setsockopt(fd_.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
}

std::uint32_t NetlinkSocket::port() {
  sockaddr_nl name{};
  socklen_t size = sizeof name;
  check(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&name), &size), "getsockname");
  if (name.nl_pid != 0) return name.nl_pid;
  // It gets one with the first message that it sends, or now.
  name = {};
  name.nl_family = AF_NETLINK;
  check(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), "bind a netlink socket");
  return port();
}

// A batch goes to the kernel in one piece, and all of its answers wait in the queue before the first is read.
void NetlinkSocket::make_room(const NetlinkBatch& batch) {
  std::size_t wanted = std::max(batch.bytes_.size(), batch.count() * kAnswer);
  if (wanted <= std::max(room_, kUsualRoom)) return;
  auto size = static_cast<int>(wanted);
  for (int option : {SO_SNDBUFFORCE, SO_RCVBUFFORCE})
    check(::setsockopt(fd_.get(), SOL_SOCKET, option, &size, sizeof size), "make room for netlink messages");
  room_ = wanted;
}

void NetlinkSocket::send(NetlinkBatch& batch) {
  for (std::size_t start : batch.starts_) {
    std::uint32_t number = ++sequence_;
    std::memcpy(batch.bytes_.data() + start + offsetof(nlmsghdr, nlmsg_seq), &number, sizeof number);
  }
  make_room(batch);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  check(::sendto(fd_.get(), batch.bytes_.data(), batch.bytes_.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
                 sizeof kernel),
        "send to netlink");
}

std::string_view NetlinkSocket::receive(int flags) {
  buffer_.resize(kReceiveBuffer);
  for (;;) {
    ssize_t got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), flags);
    if (got >= 0) return {buffer_.data(), static_cast<std::size_t>(got)};
    if (errno == EAGAIN) return {};
    if (errno != EINTR) throw_errno("receive from netlink");
  }
}

std::vector<NetlinkSocket::Outcome> NetlinkSocket::try_execute(NetlinkBatch& batch, const OnReply& on_reply) {
  std::uint32_t first = sequence_ + 1;
  std::vector<Outcome> outcomes(batch.count());
  send(batch);
  // The kernel works inside sendmsg(2): every answer is in the queue by now.
  for (auto datagram = receive(MSG_DONTWAIT); !datagram.empty(); datagram = receive(MSG_DONTWAIT)) {
    for_each_message(datagram, [&](const nlmsghdr& message) {
      std::uint32_t index = message.nlmsg_seq - first;
      if (index >= outcomes.size()) return true;  // a late answer to an earlier batch
      if (message.nlmsg_type == NLMSG_ERROR) {
        outcomes[index] = outcome_of(message);
      } else if (on_reply && message.nlmsg_type != NLMSG_DONE) {
        on_reply(message);
      }
      return true;
    });
  }
  return outcomes;
}

void NetlinkSocket::execute(NetlinkBatch& batch, std::string_view operation, const OnReply& on_reply) {
  require(try_execute(batch, on_reply), operation);
}

void NetlinkSocket::require(const std::vector<Outcome>& outcomes, std::string_view operation) {
  for (const auto& outcome : outcomes) {
    if (outcome.code == 0) continue;
    std::string message = cat(operation, ": ", errno_text(outcome.code));
    if (!outcome.detail.empty()) message += cat(" (", outcome.detail, ")");
    throw Error(Kind::kInternal, std::move(message), outcome.code, std::string(operation));
  }
}

void NetlinkSocket::dump(NetlinkBatch& batch, std::string_view operation, const OnReply& on_reply) {
  std::uint32_t wanted = sequence_ + 1;
  send(batch);
  for (bool more = true; more;) {
    more = for_each_message(receive(0), [&](const nlmsghdr& message) {
      if (message.nlmsg_seq != wanted) return true;
      if (message.nlmsg_type == NLMSG_DONE) return false;
      if (message.nlmsg_type == NLMSG_ERROR) {
        int code = outcome_of(message).code;
        if (code) throw_errno(operation, {}, code);
        return false;
      }
      on_reply(message);
      return true;
    });
  }
}

void for_each_attribute(std::string_view bytes, const std::function<void(std::uint16_t, std::string_view)>& visit) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr head;
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > bytes.size()) return;
    visit(head.nla_type & NLA_TYPE_MASK, bytes.substr(sizeof head, head.nla_len - sizeof head));
    bytes.remove_prefix(std::min(bytes.size(), aligned(head.nla_len)));
  }
}

std::string_view attributes_of(const nlmsghdr& message, std::size_t header_size) {
  std::size_t fixed = NLMSG_HDRLEN + aligned(header_size);
  if (message.nlmsg_len <= fixed) return {};
  return {reinterpret_cast<const char*>(&message) + fixed, message.nlmsg_len - fixed};
}

std::uint32_t u32_of(std::string_view bytes) {
  std::uint32_t value = 0;
  if (bytes.size() >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::uint32_t be32_of(std::string_view bytes) { return ntohl(u32_of(bytes)); }

std::string text_of(std::string_view bytes) { return std::string(bytes.substr(0, bytes.find('\0'))); }

}  // namespace hull::linux
