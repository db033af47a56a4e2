// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/fields.h"

namespace hull::shim {

// kRelay. Descriptors: the listeners that are announced.
struct RelayPort {
  std::string host, target;
  bool has_listener = false;
};
template <class Visitor>
void fields(Visitor& visit, RelayPort& value) {
  visit("host", value.host);
  visit("target", value.target);
  visit("hasListener", value.has_listener);
}
struct RelayMessage {
  std::vector<RelayPort> relays;
};
template <class Visitor>
void fields(Visitor& visit, RelayMessage& value) {
  visit("relays", value.relays);
}

}  // namespace hull::shim
