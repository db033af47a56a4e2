// SPDX-License-Identifier: Apache-2.0
#include "container/device_requests.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "cdi/devices.h"

namespace hull::container {

namespace {

// Whose GPUs "--gpus" gives, in the order in which they are looked for.
struct Vendor {
  std::string_view driver;  // in DeviceRequest.Driver and among the capabilities
  std::string_view kind;
};
constexpr std::array<Vendor, 3> kVendors = {
    {{"nvidia", "nvidia.com/gpu"}, {"amd", "amd.com/gpu"}, {"intel", "intel.com/gpu"}}};
// What a driver of GPUs is asked for besides. Which parts of it a container sees is up to the device's file.
constexpr std::array<std::string_view, 7> kCapabilities = {"gpu",     "compute", "compat32", "graphics",
                                                           "utility", "video",   "display"};

std::vector<Strings> groups_of(const DeviceRequest& request) {
  return request.capabilities.value_or(std::vector<Strings>{});
}

Strings ids_of(const DeviceRequest& request) { return request.device_ids.value_or(Strings{}); }

[[noreturn]] void refuse(const DeviceRequest& request) {
  Strings groups;
  for (const Strings& group : groups_of(request)) groups.push_back(cat("[", join(group, " "), "]"));
  fail_invalid("could not select device driver ", quoted(request.driver), " with capabilities: [", join(groups, " "),
               "]");
}

// One of the groups is had completely.
bool can(const Vendor& vendor, const DeviceRequest& request) {
  auto has = [&](const std::string& capability) {
    return capability == vendor.driver || std::ranges::find(kCapabilities, capability) != kCapabilities.end();
  };
  return std::ranges::any_of(groups_of(request), [&](const Strings& group) { return std::ranges::all_of(group, has); });
}

Strings devices_of(const Vendor& vendor, const cdi::Devices& known) {
  Strings names;
  for (const std::string& name : known.names())
    if (name.starts_with(cat(vendor.kind, "="))) names.push_back(name);
  return names;
}

Strings gpus(const DeviceRequest& request, const cdi::Devices& known) {
  for (const Vendor& vendor : kVendors) {
    if (!request.driver.empty() && request.driver != vendor.driver) continue;
    Strings all = devices_of(vendor, known);
    if (all.empty() || !can(vendor, request)) continue;
    const Strings ids = ids_of(request);
    if (request.count != 0 && !ids.empty()) fail_invalid("cannot set both Count and DeviceIDs on device request");
    auto named = [&](std::string_view id) { return cat(vendor.kind, "=", id); };
    Strings names;
    for (const std::string& id : ids) names.push_back(cdi::is_qualified_name(id) ? id : named(id));
    for (int number = 0; number < request.count; ++number) names.push_back(named(cat(number)));
    if (request.count >= 0) return names;
    return known.has(named("all")) ? Strings{named("all")} : all;
  }
  refuse(request);
}

Strings named_devices(const DeviceRequest& request) {
  if (request.count != 0) fail_invalid("unexpected count in CDI device request");
  if (request.options && !request.options->empty()) fail_invalid("unexpected options in CDI device request");
  return ids_of(request);
}

Strings requested(const HostConfig& host, const std::vector<std::string>& directories, const cdi::Devices& known) {
  Strings names;
  for (const DeviceRequest& request : *host.device_requests) {
    bool by_name = request.driver == "cdi" && !directories.empty();
    for (std::string& name : by_name ? named_devices(request) : gpus(request, known))
      if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

void inject(const cdi::Devices& known, const Strings& names, oci::RuntimeConfig& config) {
  try {
    known.inject(config, names);
  } catch (const Error& e) {
    throw e.within("CDI device injection failed");
  }
}

bool asks(const HostConfig& host) { return host.device_requests && !host.device_requests->empty(); }

}  // namespace

Strings requested_devices(const HostConfig& host, const std::vector<std::string>& directories) {
  if (!asks(host)) return {};
  cdi::Devices known(directories);
  Strings names = requested(host, directories, known);
  // What cannot be given is found by giving it to nobody.
  oci::RuntimeConfig nobody;
  nobody.process.emplace();
  inject(known, names, nobody);
  return names;
}

void add_requested_devices(const HostConfig& host, const std::vector<std::string>& directories,
                           oci::RuntimeConfig& config) {
  if (!asks(host)) return;
  cdi::Devices known(directories);
  inject(known, requested(host, directories, known), config);
}

DiscoveredDevices discovered_devices(const std::vector<std::string>& directories) {
  cdi::Devices known(directories);
  return {known.names(), known.problems()};
}

}  // namespace hull::container
