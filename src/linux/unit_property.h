// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// Properties of a container's scope that its annotations ask for, "org.systemd.property.<name>": "<value>", as runc and
// crun have them: the value is a GVariant in its text form (docs.gtk.org/glib/gvariant-text-format.html).
namespace hull::linux {

class DbusWriter;

struct UnitSetting {
  std::string name;
  std::string signature;                     // of the value: "t", "as"
  std::function<void(DbusWriter&)> value{};  // appends it
};

// `text`: true, 'text', 12, uint64 12, 1.5, ['a.service', 'b.service']. A name that ends in Sec has a value in seconds,
// which goes out as the microseconds of the property in USec. Throws Error{kInvalidArgument} that names the property.
UnitSetting parse_unit_setting(std::string_view name, std::string_view text);

// Those among a container's annotations. Throws as parse_unit_setting() does.
std::vector<UnitSetting> unit_settings(const std::map<std::string, std::string>& annotations);

}  // namespace hull::linux
