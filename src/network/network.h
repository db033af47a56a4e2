// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"

namespace hull::network {

using StringMap = std::map<std::string, std::string>;

// One line of a network's address management. Texts as the user wrote them; "" : chosen by create().
struct IpamConfig {
  std::string subnet, ip_range, gateway;
  StringMap auxiliary;  // addresses that somebody else has, by any name
};
template <class Visitor>
void fields(Visitor& visit, IpamConfig& value) {
  visit("Subnet", value.subnet, WhenEmpty::kOmit);
  visit("IPRange", value.ip_range, WhenEmpty::kOmit);
  visit("Gateway", value.gateway, WhenEmpty::kOmit);
  visit("AuxiliaryAddresses", value.auxiliary, WhenEmpty::kOmit);
}

// What a network has of a family that was asked for in as many words. Where it was not, options say (enable_ipv6).
struct FamiliesAsked {
  bool ipv4 = false, ipv6 = false;
};

struct Network {
  std::string id, name, driver = "bridge";
  std::string bridge;  // device name, "" where there is none
  bool internal = false, attachable = false, ipv4 = true, ipv6 = false, config_only = false;
  std::string config_from;
  std::string ipam_driver = "default";
  std::optional<StringMap> ipam_options;  // shown as they were given
  std::vector<IpamConfig> ipam;           // what was asked for, completed by what create() chose
  StringMap options, labels;
  std::int64_t created = 0;  // nanoseconds
  bool predefined = false;   // bridge, host, none
};
template <class Visitor>
void fields(Visitor& visit, Network& value) {
  visit("id", value.id);
  visit("name", value.name);
  visit("driver", value.driver);
  visit("bridge", value.bridge);
  visit("internal", value.internal);
  visit("attachable", value.attachable);
  visit("ipv4", value.ipv4);
  visit("ipv6", value.ipv6);
  visit("configOnly", value.config_only);
  visit("configFrom", value.config_from);
  visit("ipamDriver", value.ipam_driver);
  visit("ipamOptions", value.ipam_options);
  visit("ipam", value.ipam);
  visit("options", value.options);
  visit("labels", value.labels);
  visit("created", value.created);
}

}  // namespace hull::network
