// SPDX-License-Identifier: Apache-2.0
#include "network/dns_message.h"

#include <algorithm>

#include "base/text.h"

namespace hull::network {

namespace {

constexpr std::size_t kHeader = 12, kLongestName = 255, kLongestLabel = 63;
constexpr std::uint16_t kIsAnswer = 0x8000, kOpcode = 0x7800, kTruncated = 0x0200, kRecursionDesired = 0x0100,
                        kRecursionAvailable = 0x0080;
constexpr std::uint16_t kInternet = 1, kToQuestion = 0xc00c;  // a compressed name: the one at offset 12
constexpr std::uint32_t kTimeToLive = 600;                    // seconds
constexpr std::size_t kOwnRoom = 1232;                        // what passes everywhere in one piece
constexpr std::size_t kOptionRecord = 11;

std::uint16_t u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}
void put16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 255);
}
void put32(std::string& out, std::uint32_t value) {
  put16(out, static_cast<std::uint16_t>(value >> 16));
  put16(out, static_cast<std::uint16_t>(value));
}

// Reads front to back; every step fails for good once the packet ends too early.
class Cursor {
 public:
  explicit Cursor(std::string_view packet) : packet_(packet), at_(kHeader) {}
  bool skip(std::size_t size) {
    if (packet_.size() - at_ < size) return false;
    at_ += size;
    return true;
  }
  std::optional<std::uint16_t> number() {
    if (packet_.size() - at_ < 2) return std::nullopt;
    at_ += 2;
    return u16(packet_, at_ - 2);
  }
  // A name of plain labels. Questions are not compressed: they come first.
  bool name(std::string& text) {
    std::size_t length = 0;
    for (;;) {
      if (at_ >= packet_.size()) return false;
      auto size = static_cast<unsigned char>(packet_[at_]);
      if (size > kLongestLabel || packet_.size() - at_ <= size) return false;
      if ((length += size + 1u) > kLongestName) return false;
      std::string_view label = packet_.substr(at_ + 1, size);
      at_ += size + 1u;
      if (size == 0) return true;
      if (!text.empty()) text += '.';
      for (char c : label) text += c > ' ' && c < 127 && c != '.' ? c : '?';
    }
  }
  // The name of a record, which may end in a pointer: its content does not matter here.
  bool skip_name() {
    for (;;) {
      if (at_ >= packet_.size()) return false;
      auto size = static_cast<unsigned char>(packet_[at_]);
      if ((size & 0xc0) == 0xc0) return skip(2);
      if (size > kLongestLabel || !skip(size + 1u)) return false;
      if (size == 0) return true;
    }
  }
  std::size_t at() const { return at_; }

 private:
  std::string_view packet_;
  std::size_t at_;
};

// Looks for the client's OPT record among the additional ones.
void read_options(Cursor& cursor, std::string_view packet, DnsQuery& query) {
  int records = u16(packet, 6) + u16(packet, 8) + u16(packet, 10);
  for (int i = 0; i < records; ++i) {
    if (!cursor.skip_name()) return;
    auto type = cursor.number(), kind = cursor.number();
    if (!type || !kind || !cursor.skip(4)) return;
    auto length = cursor.number();
    if (!length || !cursor.skip(*length)) return;
    if (static_cast<DnsType>(*type) != DnsType::kOption) continue;
    query.has_options = true;
    query.room = std::clamp<std::size_t>(*kind, 512, 4096);
    return;
  }
}

std::string begin_answer(const DnsQuery& query, DnsCode code, std::size_t answers, bool truncated = false) {
  std::string out;
  put16(out, query.id);
  auto kept = static_cast<std::uint16_t>(query.flags & (kOpcode | kRecursionDesired));
  put16(out, static_cast<std::uint16_t>(kIsAnswer | kept | kRecursionAvailable | (truncated ? kTruncated : 0) |
                                        static_cast<unsigned>(code)));
  put16(out, 1);
  put16(out, static_cast<std::uint16_t>(answers));
  put16(out, 0);
  put16(out, query.has_options ? 1 : 0);
  return out + query.question;
}

void add_record(std::string& out, DnsType type, std::string_view data) {
  put16(out, kToQuestion);
  put16(out, static_cast<std::uint16_t>(type));
  put16(out, kInternet);
  put32(out, kTimeToLive);
  put16(out, static_cast<std::uint16_t>(data.size()));
  out += data;
}

std::string finished(std::string out, const DnsQuery& query) {
  if (!query.has_options) return out;
  out += '\0';  // the root
  put16(out, static_cast<std::uint16_t>(DnsType::kOption));
  put16(out, kOwnRoom);
  put32(out, 0);
  put16(out, 0);
  return out;
}

std::optional<std::uint8_t> hex_digit(std::string_view label) {
  return label.size() == 1 ? parse_number<std::uint8_t>(label, 16) : std::nullopt;
}

}  // namespace

std::optional<DnsQuery> parse_query(std::string_view packet) {
  if (packet.size() < kHeader) return std::nullopt;
  DnsQuery query;
  query.id = u16(packet, 0);
  query.flags = u16(packet, 2);
  if (query.flags & kIsAnswer || u16(packet, 4) != 1) return std::nullopt;
  Cursor cursor(packet);
  if (!cursor.name(query.name)) return std::nullopt;
  auto type = cursor.number(), kind = cursor.number();
  if (!type || !kind) return std::nullopt;
  query.name = lower(query.name);
  query.type = static_cast<DnsType>(*type);
  query.kind = *kind;
  query.question = packet.substr(kHeader, cursor.at() - kHeader);
  read_options(cursor, packet, query);
  return query;
}

std::optional<DnsCode> answer_code(std::string_view packet, const DnsQuery& query) {
  if (packet.size() < kHeader + query.question.size() || u16(packet, 0) != query.id) return std::nullopt;
  std::uint16_t flags = u16(packet, 2);
  if (!(flags & kIsAnswer) || u16(packet, 4) != 1) return std::nullopt;
  if (!equals_ignoring_case(packet.substr(kHeader, query.question.size()), query.question)) return std::nullopt;
  return static_cast<DnsCode>(flags & 15);
}

std::string address_answer(const DnsQuery& query, const std::vector<linux::IpAddress>& addresses, std::size_t room) {
  std::size_t used = kHeader + query.question.size() + (query.has_options ? kOptionRecord : 0);
  std::size_t each = 12 + (query.type == DnsType::kAaaa ? 16 : 4);
  std::size_t fitting = room > used ? (room - used) / each : 0;
  std::size_t count = std::min(addresses.size(), fitting);
  std::string out = begin_answer(query, DnsCode::kNoError, count, count < addresses.size());
  for (std::size_t i = 0; i < count; ++i) add_record(out, query.type, addresses[i].bytes());
  return finished(std::move(out), query);
}

std::string pointer_answer(const DnsQuery& query, const std::string& name) {
  std::string data;
  for (auto label : split(name, '.')) {
    if (label.empty() || label.size() > kLongestLabel) return empty_answer(query, DnsCode::kServerFailure);
    data += static_cast<char>(label.size());
    data += label;
  }
  data += '\0';
  if (data.size() > kLongestName) return empty_answer(query, DnsCode::kServerFailure);
  std::string out = begin_answer(query, DnsCode::kNoError, 1);
  add_record(out, DnsType::kPointer, data);
  return finished(std::move(out), query);
}

std::string empty_answer(const DnsQuery& query, DnsCode code) { return finished(begin_answer(query, code, 0), query); }

std::string complaint(std::string_view packet) {
  if (packet.size() < kHeader || u16(packet, 2) & kIsAnswer) return {};
  std::string out(packet.substr(0, 2));
  put16(out,
        static_cast<std::uint16_t>(kIsAnswer | kRecursionAvailable | (u16(packet, 2) & (kOpcode | kRecursionDesired)) |
                                   static_cast<unsigned>(DnsCode::kFormatError)));
  out.append(8, '\0');
  return out;
}

std::optional<linux::IpAddress> address_of_pointer(std::string_view name) {
  constexpr std::string_view kV4 = ".in-addr.arpa", kV6 = ".ip6.arpa";
  if (name.ends_with(kV4)) {
    auto labels = split(name.substr(0, name.size() - kV4.size()), '.');
    if (labels.size() != 4) return std::nullopt;
    return linux::IpAddress::parse(cat(labels[3], ".", labels[2], ".", labels[1], ".", labels[0]));
  }
  if (!name.ends_with(kV6)) return std::nullopt;
  auto labels = split(name.substr(0, name.size() - kV6.size()), '.');
  if (labels.size() != 32) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 32; i > 0; i -= 2) {
    auto high = hex_digit(labels[i - 1]), low = hex_digit(labels[i - 2]);
    if (!high || !low) return std::nullopt;
    bytes += static_cast<char>(*high << 4 | *low);
  }
  return linux::IpAddress::of_bytes(bytes);
}

}  // namespace hull::network
