// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
// What is said of an image, found by `reference`, that is for another platform than the wanted one.
std::string platform_mismatch(std::string_view reference, std::string_view found, std::string_view wanted);

// The platforms whose programs run on `platform` too, best first and itself included (image-spec, image-index.md,
// "Platform Variants"): on arm/v7 those of v6 and v5, on arm64 those of arm, on amd64 those of 386 and lower levels.
std::vector<Platform> runnable_on(const Platform& platform);
// The position of the best of `offered` for `platform`; nothing when none runs there. Versions of systems count not.
std::optional<std::size_t> best_match(const std::vector<Platform>& offered, const Platform& platform);

}  // namespace hull::oci
