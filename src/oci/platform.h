// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/fields.h"

namespace hull::oci {

// What a program runs on, in the words of the image specification (GOOS, GOARCH and a variant).
struct Platform {
  std::string architecture, os, os_version, variant;
  bool operator==(const Platform&) const = default;
};
template <class Visitor>
void fields(Visitor& visit, Platform& value) {
  visit("architecture", value.architecture);
  visit("os", value.os);
  visit("os.version", value.os_version, WhenEmpty::kOmit);
  visit("variant", value.variant, WhenEmpty::kOmit);
}

// This machine's: "amd64" on x86-64, as Go names architectures.
Platform host_platform();

// "linux", "arm64", "linux/arm64", "linux/arm/v7", also with the kernel's names ("x86_64", "aarch64"); what is
// missing is this machine's. "" is this machine's platform. Throws Error{kInvalidArgument} for anything else.
Platform parse_platform(std::string_view text);
std::string to_string(const Platform& platform);  // os/architecture[/variant]

}  // namespace hull::oci
