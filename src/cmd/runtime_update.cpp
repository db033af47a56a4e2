// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "base/log.h"
#include "linux/resctrl.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"
#include "runtime_state.h"

namespace hull::runtime_cli {

namespace {

// "512m", "1.5GiB", "1048576": units of 1024, as Docker's tools read them. -1: unlimited.
std::optional<std::int64_t> parse_bytes(std::string_view text) {
  if (text == "-1") return -1;
  std::size_t digits = text.find_first_not_of("0123456789");
  auto whole = parse_number<std::int64_t>(text.substr(0, digits));
  if (!whole) return std::nullopt;
  if (digits == std::string_view::npos) return whole;
  std::string unit = lower(trim(text.substr(digits)));
  if (unit.ends_with("ib")) unit.erase(unit.size() - 2);
  if (unit.ends_with('b')) unit.pop_back();
  constexpr std::string_view kUnits = "kmgtp";
  if (unit.empty()) return whole;
  std::size_t power = unit.size() == 1 ? kUnits.find(unit[0]) : std::string_view::npos;
  if (power == std::string_view::npos) return std::nullopt;
  std::int64_t factor = std::int64_t{1} << (10 * (power + 1));
  if (*whole > INT64_MAX / factor) return std::nullopt;
  return *whole * factor;
}

std::optional<std::int64_t> parse_plain(std::string_view text) { return parse_number<std::int64_t>(text); }

struct Limit {
  std::string_view flag;
  std::optional<std::int64_t> (*parse)(std::string_view);
  void (*set)(oci::Resources&, std::int64_t);
};
constexpr Limit kLimits[] = {
    {"blkio-weight", parse_plain,
     [](oci::Resources& to, std::int64_t n) { to.block_io->weight = static_cast<std::uint16_t>(n); }},
    {"cpu-period", parse_plain,
     [](oci::Resources& to, std::int64_t n) { to.cpu->period = static_cast<std::uint64_t>(n); }},
    {"cpu-quota", parse_plain, [](oci::Resources& to, std::int64_t n) { to.cpu->quota = n; }},
    {"cpu-burst", parse_plain,
     [](oci::Resources& to, std::int64_t n) { to.cpu->burst = static_cast<std::uint64_t>(n); }},
    {"cpu-share", parse_plain,
     [](oci::Resources& to, std::int64_t n) { to.cpu->shares = static_cast<std::uint64_t>(n); }},
    {"cpu-rt-period", parse_plain,
     [](oci::Resources& to, std::int64_t n) { to.cpu->realtime_period = static_cast<std::uint64_t>(n); }},
    {"cpu-rt-runtime", parse_plain, [](oci::Resources& to, std::int64_t n) { to.cpu->realtime_runtime = n; }},
    {"cpu-idle", parse_plain, [](oci::Resources& to, std::int64_t n) { to.cpu->idle = n; }},
    {"memory", parse_bytes, [](oci::Resources& to, std::int64_t n) { to.memory->limit = n; }},
    {"memory-reservation", parse_bytes, [](oci::Resources& to, std::int64_t n) { to.memory->reservation = n; }},
    {"memory-swap", parse_bytes, [](oci::Resources& to, std::int64_t n) { to.memory->swap = n; }},
    {"pids-limit", parse_plain, [](oci::Resources& to, std::int64_t n) { to.pids = oci::PidsLimits{n}; }},
    // The kernel has no such limits any more.
    {"kernel-memory", parse_bytes, [](oci::Resources&, std::int64_t) {}},
    {"kernel-memory-tcp", parse_bytes, [](oci::Resources&, std::int64_t) {}},
};
constexpr std::string_view kTexts[] = {"resources", "cpuset-cpus", "cpuset-mems", "l3-cache-schema", "mem-bw-schema"};

std::vector<Flag> update_flags() {
  std::vector<Flag> flags;
  for (const auto& limit : kLimits) flags.push_back({limit.flag, "", true});
  for (std::string_view name : kTexts) flags.push_back({name, name == "resources" ? "r" : "", true});
  return flags;
}

oci::Resources limits_of(const Arguments& arguments) {
  oci::Resources wanted;
  wanted.memory.emplace();
  wanted.cpu.emplace();
  wanted.block_io.emplace();
  for (const auto& limit : kLimits) {
    const std::string text = arguments.get(limit.flag);
    if (text.empty()) continue;
    auto value = limit.parse(text);
    if (!value) fail_invalid("invalid value for ", limit.flag, ": ", quoted(text));
    limit.set(wanted, *value);
  }
  wanted.cpu->cpus = arguments.get("cpuset-cpus");
  wanted.cpu->mems = arguments.get("cpuset-mems");
  return wanted;
}

void update_cache_schema(const Container& container, const Arguments& arguments) {
  if (!arguments.has("l3-cache-schema") && !arguments.has("mem-bw-schema")) return;
  if (!container.config.linux.intel_rdt)
    fail(Kind::kConflict, "updating a non-existent Intel RDT configuration is not supported");
  oci::IntelRdt changed = *container.config.linux.intel_rdt;
  changed.schemata.clear();
  changed.l3_cache_schema = arguments.get("l3-cache-schema");
  changed.memory_bandwidth_schema = arguments.get("mem-bw-schema");
  linux::ResctrlGroup(changed, container.id).update();
}

}  // namespace

int verb_update(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments(update_flags(), std::move(words));
  arguments.expect_words("update", 1);
  std::string file = arguments.get("resources");
  oci::Resources wanted =
      file.empty() ? limits_of(arguments)
                   : from_json<oci::Resources>(parse_json(file == "-" ? read_all(STDIN_FILENO) : read_file(file)));
  // What other programs have changed about devices since is not ours to undo.
  wanted.devices.clear();
  const std::string& id = arguments.words()[0];
  linux::ProcessLock lock = lock_group(globals, id);
  Container container = load(globals, id);
  container.cgroup()->update(wanted);
  update_cache_schema(container, arguments);
  return 0;
}

}  // namespace hull::runtime_cli
