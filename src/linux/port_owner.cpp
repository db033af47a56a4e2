// SPDX-License-Identifier: Apache-2.0
#include "linux/port_owner.h"

#include <algorithm>
#include <set>

#include "base/file.h"

namespace hull::linux {

namespace {

constexpr std::string_view kListening = "0A";  // state of TCP in /proc/net/tcp

// "0100007F:1F90": the address as numbers of the machine's byte order, 4 bytes each, and the port.
std::optional<std::pair<IpAddress, std::uint16_t>> parse_place(std::string_view text) {
  auto [digits, port] = split_once(text, ':');
  auto number = parse_number<std::uint16_t>(port.value_or(""), 16);
  if (!number || (digits.size() != 8 && digits.size() != 32)) return std::nullopt;
  std::string bytes;
  for (std::size_t at = 0; at < digits.size(); at += 8) {
    auto word = parse_number<std::uint32_t>(digits.substr(at, 8), 16);
    if (!word) return std::nullopt;
    bytes.append(reinterpret_cast<const char*>(&*word), sizeof *word);
  }
  return std::pair(IpAddress::of_bytes(bytes), *number);
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (auto word : split(line, ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

// "socket:[4711]" of the sockets in the way. A socket of IPv6 at :: may have the port of IPv4 too.
std::set<std::string> sockets_at(std::string_view protocol, const IpAddress& address, std::uint16_t port) {
  std::set<std::string> found;
  for (std::string_view family : {"", "6"}) {
    auto text = read_if_exists(cat("/proc/net/", protocol, family)).value_or("");
    for (auto line : split(text, '\n')) {
      auto words = words_of(line);
      if (words.size() < 10 || (protocol == "tcp" && words[3] != kListening)) continue;
      auto place = parse_place(words[1]);
      if (!place || place->second != port) continue;
      if (place->first.is_any() || address.is_any() || place->first == address)
        found.insert(cat("socket:[", words[9], "]"));
    }
  }
  return found;
}

bool holds_one(const std::string& process, const std::set<std::string>& sockets) {
  std::string directory = cat("/proc/", process, "/fd");
  for (const auto& number : list_directory(directory)) {
    char link[64];
    ssize_t size = ::readlink(cat(directory, "/", number).c_str(), link, sizeof link);
    if (size > 0 && sockets.contains(std::string(link, static_cast<std::size_t>(size)))) return true;
  }
  return false;
}

}  // namespace

std::string port_owner(std::string_view protocol, const IpAddress& address, std::uint16_t port) {
  if (protocol != "tcp" && protocol != "udp") return "";
  auto sockets = sockets_at(protocol, address, port);
  if (sockets.empty()) return "";
  for (const auto& process : list_directory("/proc")) {
    if (!parse_number<int>(process)) continue;
    try {
      if (!holds_one(process, sockets)) continue;
    } catch (const Error&) {
      continue;  // it has ended meanwhile
    }
    std::string name(trim(read_if_exists(cat("/proc/", process, "/comm")).value_or("")));
    return cat(name, " (process ", process, ")");
  }
  return "";
}

}  // namespace hull::linux
