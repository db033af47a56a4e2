// SPDX-License-Identifier: Apache-2.0
#include "oci/platform.h"

#include <sys/utsname.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace hull::oci {

namespace {

struct Alias {
  std::string_view name, architecture, variant;
};
constexpr Alias kArchitectures[] = {
    {"amd64", "amd64", ""},   {"x86_64", "amd64", ""},      {"x86-64", "amd64", ""},    {"386", "386", ""},
    {"i386", "386", ""},      {"i686", "386", ""},          {"arm64", "arm64", ""},     {"aarch64", "arm64", ""},
    {"arm", "arm", ""},       {"armhf", "arm", "v7"},       {"armv7l", "arm", "v7"},    {"armel", "arm", "v6"},
    {"armv6l", "arm", "v6"},  {"ppc64le", "ppc64le", ""},   {"s390x", "s390x", ""},     {"riscv64", "riscv64", ""},
    {"mips64", "mips64", ""}, {"mips64le", "mips64le", ""}, {"loong64", "loong64", ""}, {"loongarch64", "loong64", ""},
};
constexpr std::string_view kSystems[] = {"linux", "windows", "darwin", "freebsd", "wasip1"};

std::string system_of(std::string_view text) {
  std::string name = lower(text);
  return name == "macos" ? "darwin" : name;
}

const Alias* find_architecture(std::string_view name) {
  const auto* found = std::ranges::find_if(kArchitectures, [&](const Alias& a) { return a.name == name; });
  return found == std::end(kArchitectures) ? nullptr : found;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

void set_architecture(Platform& platform, std::string_view name) {
  const Alias* alias = find_architecture(lower(name));
  platform.architecture = alias ? std::string(alias->architecture) : std::string(name);
  platform.variant = alias ? std::string(alias->variant) : "";
}

}  // namespace

Platform host_platform() {
  static const Platform host = [] {
    utsname machine{};
    check(::uname(&machine), "uname");
    Platform platform;
    platform.os = "linux";
    set_architecture(platform, machine.machine);
    return platform;
  }();
  return host;
}

Platform parse_platform(std::string_view text) {
  Platform platform = host_platform();
  if (text.empty()) return platform;
  auto parts = split(text, '/');
  if (parts.size() > 3 || !std::ranges::all_of(parts, is_word))
    fail_invalid(quoted(text), " is an invalid OS component of platform specification: expected os[/arch[/variant]]");
  if (parts.size() == 1) {
    if (std::ranges::find(kSystems, system_of(parts[0])) != std::end(kSystems)) {
      platform.os = system_of(parts[0]);
    } else if (find_architecture(lower(parts[0]))) {
      set_architecture(platform, parts[0]);
    } else {
      fail_invalid(quoted(text), ": unknown operating system or architecture");
    }
    return platform;
  }
  platform.os = system_of(parts[0]);
  set_architecture(platform, parts[1]);
  if (parts.size() == 3) platform.variant = lower(parts[2]);
  // Every arm64 is v8 so far; the specification leaves it out.
  if (platform.architecture == "arm64" && platform.variant == "v8") platform.variant.clear();
  return platform;
}

namespace {

// What leaves its variant out means this one.
Platform with_variant(Platform platform) {
  platform.os_version.clear();
  if (const Alias* alias = find_architecture(platform.architecture)) {
    if (platform.variant.empty()) platform.variant = alias->variant;
    platform.architecture = alias->architecture;
  }
  if (platform.architecture == "arm64" && platform.variant == "v8") platform.variant.clear();
  if (platform.architecture == "amd64" && platform.variant == "v1") platform.variant.clear();
  if (platform.architecture == "arm" && platform.variant.empty()) platform.variant = "v7";
  return platform;
}

void add_levels(std::vector<Platform>& out, Platform platform, int from, int to) {
  for (int level = from; level >= to; --level) {
    platform.variant = cat("v", level);
    out.push_back(with_variant(platform));
  }
}

// The number in "v3". Variants have one digit; what a stranger writes there must not become a long list.
int level_of(std::string_view variant, int otherwise) {
  constexpr int kHighest = 9;
  auto level = variant.starts_with('v') ? parse_number<int>(variant.substr(1)) : std::nullopt;
  return std::min(level.value_or(otherwise), kHighest);
}

}  // namespace

std::vector<Platform> runnable_on(const Platform& platform) {
  Platform own = with_variant(platform);
  std::vector<Platform> out{own};
  Platform other = own;
  other.variant.clear();
  if (own.architecture == "amd64") {
    add_levels(out, own, level_of(own.variant, 1) - 1, 1);
    other.architecture = "386";
    out.push_back(other);
  } else if (own.architecture == "arm") {
    add_levels(out, own, level_of(own.variant, 7) - 1, 5);
  } else if (own.architecture == "arm64") {
    if (!own.variant.empty()) out.push_back(other);
    other.architecture = "arm";
    add_levels(out, other, 8, 5);
  }
  return out;
}

std::optional<std::size_t> best_match(const std::vector<Platform>& offered, const Platform& platform) {
  for (const Platform& wanted : runnable_on(platform))
    for (std::size_t at = 0; at < offered.size(); ++at)
      if (with_variant(offered[at]) == wanted) return at;
  return std::nullopt;
}

std::string platform_mismatch(std::string_view reference, std::string_view found, std::string_view wanted) {
  return cat("image with reference ", reference, " was found but its platform (", found,
             ") does not match the specified platform (", wanted, ")");
}

std::string to_string(const Platform& platform) {
  return cat(platform.os, "/", platform.architecture, platform.variant.empty() ? "" : "/", platform.variant);
}

}  // namespace hull::oci
