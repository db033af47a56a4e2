// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hull::dockerfile {

// One word of EXPOSE: port or range, with or without protocol: "80", "53/udp", "8000-8003/TCP". Docker also accepts
// what
// `--publish` does ("127.0.0.1:80:80") and drops address and host port, with a warning.
struct ExposedPort {
  std::vector<std::string> ports;      // "8000/tcp", "8001/tcp", …: keys of the configuration's ExposedPorts
  bool protocol_has_capitals = false;  // check ExposeProtoCasing
  bool maps_to_host = false;           // check ExposeInvalidFormat
};

// Throws Error{kInvalidArgument} in BuildKit's words: "invalid containerPort: 80a".
ExposedPort parse_exposed_port(std::string_view word);

}  // namespace hull::dockerfile
