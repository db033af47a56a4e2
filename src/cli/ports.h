// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/value.h"

// The grammar of -p and --expose.
namespace hull::cli {

struct HostPort {
  std::string address, port;  // "" or a range is for the engine to choose from
  bool operator==(const HostPort&) const = default;
};

struct Ports {
  std::set<std::string> exposed;                          // "80/tcp"
  std::map<std::string, std::vector<HostPort>> bindings;  // by "80/tcp"
};

// Adds "[[address:]host]:container[/protocol]" or its long form "published=…,target=…[,protocol=…]"; ports may be
// ranges. Throws Error{kInvalidArgument}.
void add_published(Ports& ports, std::string_view specification);
// Adds "port[-port][/protocol]".
void add_exposed(Ports& ports, std::string_view specification);

Value exposed_json(const Ports& ports);   // {"80/tcp":{}}
Value bindings_json(const Ports& ports);  // {"80/tcp":[{"HostIp":"","HostPort":"8080"}]}

}  // namespace hull::cli
