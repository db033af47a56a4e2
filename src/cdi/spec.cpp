// SPDX-License-Identifier: Apache-2.0
#include "cdi/spec.h"

#include <algorithm>
#include <array>
#include <compare>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "oci/yaml.h"

namespace hull::cdi {

namespace {

struct Version {
  int major = 0, minor = 0, patch = 0;
  auto operator<=>(const Version&) const = default;
};
constexpr Version kNewest{1, 1, 0};

std::string to_text(Version version) { return cat("v", version.major, ".", version.minor, ".", version.patch); }

// "0.5.0" of those that there have been; "v0.5.0" is written, too.
std::optional<Version> parse_version(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  auto parts = split(text, '.');
  if (parts.size() != 3) return std::nullopt;
  auto major = parse_number<int>(parts[0]), minor = parse_number<int>(parts[1]), patch = parse_number<int>(parts[2]);
  if (!major || !minor || !patch || *major < 0 || *minor < 0 || *patch < 0) return std::nullopt;
  Version version{*major, *minor, *patch};
  bool known = version >= Version{0, 1, 0} && version <= kNewest && (version.major > 0 || version.minor <= 8);
  return known ? std::optional(version) : std::nullopt;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Letters, digits and `inner`; a letter (or a digit) first, a letter or a digit last.
bool is_name(std::string_view text, std::string_view inner, bool digit_first) {
  if (text.empty() || !(is_letter(text.front()) || (digit_first && is_digit(text.front())))) return false;
  if (!is_letter(text.back()) && !is_digit(text.back())) return false;
  return std::ranges::all_of(text, [&](char c) { return is_letter(c) || is_digit(c) || inner.find(c) != inner.npos; });
}

bool is_vendor(std::string_view text) { return is_name(text, "_-.", false); }
bool is_class(std::string_view text) { return is_name(text, "_-.", false); }
bool is_device(std::string_view text) { return is_name(text, "_-.:", true); }

void check_variables(const std::vector<std::string>& env) {
  for (const auto& variable : env)
    if (variable.find('=') == variable.npos || variable.starts_with('='))
      fail_invalid("invalid environment variable ", quoted(variable));
}

void check_device_node(const DeviceNode& node) {
  constexpr std::array<std::string_view, 5> kTypes = {"", "b", "c", "u", "p"};
  if (node.path.empty()) fail_invalid("invalid (empty) device path");
  if (std::ranges::find(kTypes, node.type) == kTypes.end())
    fail_invalid("device ", quoted(node.path), ": invalid type ", quoted(node.type));
  if (node.major < 0 || node.minor < 0)
    fail_invalid("device ", quoted(node.path), ": invalid (negative) device number ", node.major, ":", node.minor);
  if (node.permissions != "none" && node.permissions.find_first_not_of("rwm") != std::string::npos)
    fail_invalid("device ", quoted(node.path), ": invalid permissions ", quoted(node.permissions));
}

void check_hook(const Hook& hook) {
  constexpr std::array<std::string_view, 6> kNames = {"prestart",       "createRuntime", "createContainer",
                                                      "startContainer", "poststart",     "poststop"};
  if (std::ranges::find(kNames, hook.name) == kNames.end()) fail_invalid("invalid hook name ", quoted(hook.name));
  if (hook.path.empty()) fail_invalid("invalid hook ", quoted(hook.name), " with empty path");
  check_variables(hook.env);
}

void check_edits(const ContainerEdits& edits) {
  check_variables(edits.env);
  for (const DeviceNode& node : edits.device_nodes) check_device_node(node);
  for (const Hook& hook : edits.hooks) check_hook(hook);
  for (const Mount& mount : edits.mounts) {
    if (mount.host_path.empty()) fail_invalid("invalid mount, empty host path");
    if (mount.container_path.empty()) fail_invalid("invalid mount, empty container path");
  }
  for (const NetDevice& device : edits.net_devices)
    if (device.host_interface.empty() || device.name.empty())
      fail_invalid("invalid network device: hostInterfaceName and name are both needed");
}

// The version that the first of these things came with that a specification uses.
Version needed_by(const ContainerEdits& edits) {
  Version needed;
  auto needs = [&](bool is, Version version) { needed = is ? std::max(needed, version) : needed; };
  needs(std::ranges::any_of(edits.mounts, [](const Mount& mount) { return !mount.type.empty(); }), {0, 4, 0});
  needs(std::ranges::any_of(edits.device_nodes, [](const DeviceNode& node) { return !node.host_path.empty(); }),
        {0, 5, 0});
  needs(edits.intel_rdt || !edits.additional_gids.empty(), {0, 7, 0});
  needs(!edits.net_devices.empty(), {1, 1, 0});
  return needed;
}

Version needed_by(const Spec& spec) {
  Version needed = needed_by(spec.edits);
  auto needs = [&](bool is, Version version) { needed = is ? std::max(needed, version) : needed; };
  needs(!spec.annotations.empty() || spec.kind.find('.', spec.kind.find('/')) != std::string::npos, {0, 6, 0});
  for (const Device& device : spec.devices) {
    needed = std::max(needed, needed_by(device.edits));
    needs(!device.annotations.empty(), {0, 6, 0});
    needs(!is_letter(device.name.front()), {0, 5, 0});
  }
  return needed;
}

void check_spec(const Spec& spec) {
  auto version = parse_version(spec.version);
  if (!version) fail_invalid("invalid version ", quoted(spec.version));
  auto [vendor, device_class] = split_once(spec.kind, '/');
  if (!is_vendor(vendor) || !device_class || !is_class(*device_class))
    fail_invalid("invalid kind ", quoted(spec.kind), ": it should be vendor.com/class");
  if (spec.devices.empty()) fail_invalid("invalid spec, no devices");
  check_edits(spec.edits);
  std::set<std::string> names;
  for (const Device& device : spec.devices) {
    if (!is_device(device.name)) fail_invalid("invalid device name ", quoted(device.name));
    if (!names.insert(device.name).second) fail_invalid("invalid spec, multiple device ", quoted(device.name));
    if (device.edits.empty()) fail_invalid("invalid device ", quoted(device.name), ", empty device edits");
    try {
      check_edits(device.edits);
    } catch (const Error& e) {
      throw e.within(cat("invalid device ", quoted(device.name)));
    }
  }
  if (Version needed = needed_by(spec); needed > *version)
    fail_invalid("the spec version must be at least ", to_text(needed));
}

}  // namespace

bool ContainerEdits::empty() const {
  return env.empty() && device_nodes.empty() && net_devices.empty() && mounts.empty() && hooks.empty() && !intel_rdt &&
         additional_gids.empty();
}

Spec parse_spec(std::string_view text, bool is_yaml) {
  Spec spec = from_json<Spec>(is_yaml ? parse_yaml(text) : parse_json(text));
  check_spec(spec);
  return spec;
}

bool is_qualified_name(std::string_view name) {
  auto [kind, device] = split_once(name, '=');
  auto [vendor, device_class] = split_once(kind, '/');
  return device && is_device(*device) && device_class && is_class(*device_class) && is_vendor(vendor);
}

}  // namespace hull::cdi
