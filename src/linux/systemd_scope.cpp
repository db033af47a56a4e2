// SPDX-License-Identifier: Apache-2.0
#include "linux/systemd_scope.h"

#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "linux/cgroup_v2.h"
#include "linux/dbus.h"
#include "linux/number_list.h"

namespace hull::linux {

namespace {

constexpr const char* kSocket = "/run/systemd/private";  // the manager itself, no bus daemon between
constexpr const char* kManager = "/org/freedesktop/systemd1";
constexpr const char* kInterface = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnitExists = "org.freedesktop.systemd1.UnitExists";
constexpr const char* kNoSuchUnit = "org.freedesktop.systemd1.NoSuchUnit";
constexpr std::uint64_t kInfinity = std::numeric_limits<std::uint64_t>::max();

std::uint64_t or_infinity(std::int64_t value) { return value < 0 ? kInfinity : static_cast<std::uint64_t>(value); }

// "0-2,5" as bits, the lowest first.
std::string bits_of(std::string_view list) {
  std::string bits;
  for (unsigned number : parse_number_list(list, "linux.resources.cpu")) {
    if (bits.size() <= number / 8) bits.resize(number / 8 + 1);
    bits[number / 8] = static_cast<char>(static_cast<unsigned char>(bits[number / 8]) | 1U << (number % 8));
  }
  return bits;
}

// CPUQuotaPerSecUSec: microseconds of processor time in a second; systemd wants whole hundredths.
std::optional<std::uint64_t> quota_per_second(const oci::CpuLimits& cpu) {
  constexpr std::uint64_t kSecond = 1'000'000, kHundredth = 10'000, kUsualPeriod = 100'000;
  if (!cpu.quota || *cpu.quota == 0) return std::nullopt;
  if (*cpu.quota < 0) return kInfinity;
  std::uint64_t period = cpu.period.value_or(0) ? *cpu.period : kUsualPeriod;
  std::uint64_t quota = static_cast<std::uint64_t>(*cpu.quota) * kSecond / period;
  return (quota + kHundredth - 1) / kHundredth * kHundredth;
}

void append(DbusWriter& out, const UnitProperty& property) {
  out.structure().text(property.name).variant(property.type);
  if (property.type == "t") out.number64(property.number);
  if (property.type == "b") out.boolean(property.number != 0);
  if (property.type == "s") out.text(property.bytes);
  if (property.type == "ay")
    out.array(1, [&](DbusWriter& bytes) {
      for (char byte : property.bytes) bytes.byte(static_cast<std::uint8_t>(byte));
    });
}

void append_devices(DbusWriter& out, const std::vector<DeviceProperty>& devices) {
  out.structure().text("DeviceAllow").variant("a(ss)").array(8, [&](DbusWriter& list) {
    for (const DeviceProperty& device : devices) list.structure().text(device.node).text(device.access);
  });
}

void append_all(DbusWriter& out, const oci::Resources& resources) {
  for (const UnitProperty& property : limit_properties(resources, cgroup_facts().version == CgroupVersion::kV2))
    append(out, property);
  auto devices = device_properties(resources.devices, read_if_exists("/proc/devices").value_or(""));
  if (devices.empty()) return;
  append(out, {"DevicePolicy", "s", 0, "strict"});
  append_devices(out, devices);
}

DbusConnection connect_manager() {
  if (!systemd_runs())
    fail(Kind::kUnavailable,
         "the systemd cgroup driver needs systemd as process 1 of this machine: use native.cgroupdriver=cgroupfs");
  return DbusConnection(kSocket);
}

}  // namespace

bool systemd_runs() { return exists("/run/systemd/system"); }

Scope parse_scope(const std::string& path) {
  auto parts = split(path, ':');
  if (parts.size() != 3 || parts[2].empty())
    fail_invalid("the cgroup path ", quoted(path), " is not of the systemd driver's form slice:prefix:name");
  Scope scope;
  scope.slice = parts[0].empty() ? "system.slice" : std::string(parts[0]);
  scope.unit = parts[1].empty() ? cat(parts[2], ".scope") : cat(parts[1], "-", parts[2], ".scope");
  bool dashes =
      scope.slice.find("--") != std::string::npos || scope.slice.starts_with("-") || scope.slice.ends_with("-.slice");
  if (scope.slice != "-.slice" && (!scope.slice.ends_with(".slice") || scope.slice == ".slice" || dashes))
    fail_invalid(quoted(scope.slice), " is not the name of a systemd slice");
  for (char c : scope.slice + scope.unit)
    if (c == '/') fail_invalid("the cgroup path ", quoted(path), " has a slash in the name of a unit");
  return scope;
}

// Each dash in a slice's name is one level (systemd.slice(5)).
std::string scope_path(const Scope& scope) {
  std::string path;
  if (scope.slice != "-.slice") {
    std::string_view name =
        std::string_view(scope.slice).substr(0, scope.slice.size() - std::string_view(".slice").size());
    for (std::size_t dash = name.find('-'); dash != name.npos; dash = name.find('-', dash + 1))
      path += cat("/", name.substr(0, dash), ".slice");
    path += cat("/", scope.slice);
  }
  return cat(path, "/", scope.unit);
}

std::vector<UnitProperty> limit_properties(const oci::Resources& resources, bool unified) {
  std::vector<UnitProperty> out;
  auto number = [&](const char* name, std::uint64_t value) { out.push_back({name, "t", value, {}}); };
  if (resources.memory) {
    const auto& memory = *resources.memory;
    if (memory.limit.value_or(0)) number(unified ? "MemoryMax" : "MemoryLimit", or_infinity(*memory.limit));
    if (unified && memory.reservation.value_or(0)) number("MemoryLow", or_infinity(*memory.reservation));
    if (auto swap = swap_of(memory.swap, memory.limit); unified && swap) number("MemorySwapMax", or_infinity(*swap));
  }
  if (resources.cpu) {
    const auto& cpu = *resources.cpu;
    if (cpu.shares.value_or(0))
      number(unified ? "CPUWeight" : "CPUShares", unified ? weight_of_shares(*cpu.shares) : *cpu.shares);
    if (auto quota = quota_per_second(cpu)) number("CPUQuotaPerSecUSec", *quota);
    if (cpu.period.value_or(0)) number("CPUQuotaPeriodUSec", *cpu.period);
    if (unified && !cpu.cpus.empty()) out.push_back({"AllowedCPUs", "ay", 0, bits_of(cpu.cpus)});
    if (unified && !cpu.mems.empty()) out.push_back({"AllowedMemoryNodes", "ay", 0, bits_of(cpu.mems)});
  }
  if (resources.pids && resources.pids->limit)
    number("TasksMax", or_infinity(*resources.pids->limit == 0 ? 1 : *resources.pids->limit));
  if (resources.block_io && resources.block_io->weight.value_or(0))
    number(unified ? "IOWeight" : "BlockIOWeight",
           unified ? io_weight_of(*resources.block_io->weight) : *resources.block_io->weight);
  return out;
}

namespace {

// What /proc/devices calls the drivers with this major number.
std::vector<std::string> group_names(std::string_view devices, bool block, std::int64_t major) {
  std::vector<std::string> names;
  bool in_block = false;
  for (std::string_view line : split(devices, '\n')) {
    if (line.starts_with("Block")) in_block = true;
    auto [number, name] = split_once(trim(line), ' ');
    if (in_block == block && name && parse_number<std::int64_t>(number) == major)
      names.push_back(cat(block ? "block-" : "char-", *name));
  }
  return names;
}

}  // namespace

std::vector<DeviceProperty> device_properties(const std::vector<oci::DeviceRule>& rules, std::string_view groups) {
  std::vector<DeviceProperty> out;
  for (const oci::DeviceRule& rule : rules) {
    if (!rule.allow) {
      if (!rule.major && !rule.minor && (rule.type.empty() || rule.type == "a")) out.clear();
      continue;
    }
    if (rule.type.empty() || rule.type == "a") return {};
    bool block = rule.type == "b";
    auto add = [&](std::string node) { out.push_back({std::move(node), rule.access}); };
    if (!rule.major) {
      add(block ? "block-*" : "char-*");
    } else if (!rule.minor) {
      for (std::string& name : group_names(groups, block, *rule.major)) add(std::move(name));
    } else {
      add(cat(block ? "/dev/block/" : "/dev/char/", *rule.major, ":", *rule.minor));
    }
  }
  return out;
}

void start_scope(const Scope& scope, pid_t first, const oci::Resources& resources,
                 const std::vector<UnitSetting>& settings) {
  DbusConnection manager = connect_manager();
  DbusWriter arguments;
  arguments.text(scope.unit).text("fail");
  arguments.array(8, [&](DbusWriter& properties) {
    append(properties, {"Description", "s", 0, cat("container ", scope.unit)});
    append(properties, {"Slice", "s", 0, scope.slice});
    append(properties, {"Delegate", "b", 1, {}});
    append(properties, {"DefaultDependencies", "b", 0, {}});  // a shutdown ends the engine's service first
    append(properties, {"CollectMode", "s", 0, "inactive-or-failed"});
    for (const char* account : {"MemoryAccounting", "CPUAccounting", "TasksAccounting"})
      append(properties, {account, "b", 1, {}});
    properties.structure().text("PIDs").variant("au").array(
        4, [&](DbusWriter& pids) { pids.number32(static_cast<std::uint32_t>(first)); });
    append_all(properties, resources);
    for (const UnitSetting& setting : settings)
      setting.value(properties.structure().text(setting.name).variant(setting.signature));
  });
  arguments.array(8, [](DbusWriter&) {});  // auxiliary units
  DbusRefusal refusal;
  std::string answer =
      manager.call(kManager, kInterface, "StartTransientUnit", "ssa(sv)a(sa(sv))", arguments, &refusal);
  if (!refusal.name.empty())
    fail(refusal.name == kUnitExists ? Kind::kConflict : Kind::kInternal, "systemd cannot start ", scope.unit, ": ",
         refusal.words);
  std::string job = DbusReader(answer).text(), result;
  manager.wait_for("JobRemoved", [&](DbusReader& body) {  // u id, o job, s unit, s result
    body.number32();
    bool ours = body.text() == job;
    body.text();
    result = body.text();
    return ours;
  });
  if (result != "done") fail(Kind::kInternal, "systemd could not start ", scope.unit, ": the job ended with ", result);
}

void update_scope(const Scope& scope, const oci::Resources& resources) {
  DbusWriter arguments;
  arguments.text(scope.unit).boolean(true);  // until the next boot
  arguments.array(8, [&](DbusWriter& properties) { append_all(properties, resources); });
  connect_manager().call(kManager, kInterface, "SetUnitProperties", "sba(sv)", arguments);
}

void stop_scope(const Scope& scope) {
  DbusWriter arguments;
  arguments.text(scope.unit).text("replace");
  DbusRefusal refusal;
  connect_manager().call(kManager, kInterface, "StopUnit", "ss", arguments, &refusal);
  if (!refusal.name.empty() && refusal.name != kNoSuchUnit)
    fail(Kind::kInternal, "systemd cannot stop ", scope.unit, ": ", refusal.words);
}

}  // namespace hull::linux
