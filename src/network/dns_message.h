// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linux/ip_address.h"

// Messages of the domain name system (RFC 1035, RFC 6891), as much as a resolver needs that answers for some names and
// passes all other questions on as they came. Everything read here was sent by somebody untrusted.
namespace hull::network {

enum class DnsType : std::uint16_t {
  kA = 1,
  kPointer = 12,
  kMailExchange = 15,
  kAaaa = 28,
  kOption = 41,
  kService = 33
};
enum class DnsCode : std::uint8_t { kNoError = 0, kFormatError = 1, kServerFailure = 2, kNoName = 3, kRefused = 5 };

struct DnsQuery {
  std::uint16_t id = 0, flags = 0;
  std::string name;  // lower case, labels joined by ".", without the last one; bytes that are not printed are "?"
  DnsType type{};
  std::uint16_t kind = 0;    // class; 1: internet
  std::string question;      // as it came, to be repeated in the answer
  bool has_options = false;  // EDNS
  std::size_t room = 512;    // how long a datagram the client takes
};

// Empty for what is no query with exactly one question.
std::optional<DnsQuery> parse_query(std::string_view packet);
// Whether `packet` answers `query` (same id, same question), and what it says. Empty when it does not.
std::optional<DnsCode> answer_code(std::string_view packet, const DnsQuery& query);

std::string address_answer(const DnsQuery& query, const std::vector<linux::IpAddress>& addresses, std::size_t room);
std::string pointer_answer(const DnsQuery& query, const std::string& name);
// Without records: "no such name", "no such record of it" (kNoError), "failed".
std::string empty_answer(const DnsQuery& query, DnsCode code);
// FORMERR for a packet that could not be read; empty when not even its id could.
std::string complaint(std::string_view packet);

// "4.3.2.1.in-addr.arpa" or "….ip6.arpa" to the address. Empty for other names.
std::optional<linux::IpAddress> address_of_pointer(std::string_view name);

}  // namespace hull::network
