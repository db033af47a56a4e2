// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hull::container {

struct PortRange {
  std::uint16_t first = 0, last = 0;
};
// "80" or "8000-8010"; "" is {0, 0}. Error{kInvalidArgument} naming `whole`, the text that it is a part of.
PortRange parse_port_range(std::string_view text, std::string_view whole);

struct ContainerPort {
  std::uint16_t number = 0;
  std::string protocol;     // "tcp", "udp", "sctp"
  std::string key() const;  // "80/tcp"
};
// "80", "80/tcp". Error{kInvalidArgument} in the words that Docker's decoder has for it.
ContainerPort parse_container_port(std::string_view text);

}  // namespace hull::container
