// SPDX-License-Identifier: Apache-2.0
#include "container/machine_facts.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"

namespace hull::container {

namespace {

constexpr int kHighestNumber = 8191;  // of a cpu or a memory node, as the kernel is built

std::string trimmed_file(const std::string& path) { return std::string(trim(read_if_exists(path).value_or(""))); }

// The value behind "Name:" in the text of /proc/self/status.
std::string_view status_field(std::string_view status, std::string_view name) {
  for (std::string_view line : split(status, '\n'))
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) return trim(line.substr(name.size() + 1));
  return {};
}

bool kernel_at_least(int wanted_major, int wanted_minor) {
  std::string release = trimmed_file("/proc/sys/kernel/osrelease");
  auto [major, rest] = split_once(release, '.');
  std::string_view minor = rest.value_or("0");
  minor = minor.substr(0, minor.find_first_not_of("0123456789"));
  std::pair running(parse_number<int>(major).value_or(0), parse_number<int>(minor).value_or(0));
  return running >= std::pair(wanted_major, wanted_minor);
}

MachineFacts read_facts() {
  MachineFacts facts;
  std::string status = read_file("/proc/self/status");
  facts.cpu_list = status_field(status, "Cpus_allowed_list");
  facts.memory_nodes = status_field(status, "Mems_allowed_list");
  facts.cpus = std::max<int>(1, static_cast<int>(parse_number_list(facts.cpu_list).size()));
  facts.capabilities = parse_number<std::uint64_t>(status_field(status, "CapBnd"), 16).value_or(0);
  facts.apparmor = trimmed_file("/sys/module/apparmor/parameters/enabled") == "Y";
  if (facts.apparmor) {
    std::string profiles = read_if_exists("/sys/kernel/security/apparmor/profiles").value_or("");
    facts.apparmor_default_profile = ("\n" + profiles).find("\ndocker-default ") != std::string::npos;
  }
  facts.recursive_read_only = kernel_at_least(5, 12);
  for (int cpu : parse_number_list(trimmed_file("/sys/devices/system/cpu/possible"))) {
    std::string path = cat("/sys/devices/system/cpu/cpu", cpu, "/thermal_throttle");
    if (exists(path)) facts.thermal_throttle_paths.push_back(std::move(path));
  }
  return facts;
}

}  // namespace

const MachineFacts& machine_facts() {
  static const MachineFacts facts = read_facts();
  return facts;
}

std::vector<int> parse_number_list(std::string_view text) {
  std::vector<int> numbers;
  if (text.empty()) return numbers;
  for (std::string_view part : split(text, ',')) {
    auto [first_text, last_text] = split_once(part, '-');
    auto first = parse_number<int>(first_text);
    auto last = last_text ? parse_number<int>(*last_text) : first;
    if (!first || !last || *first < 0 || *last < *first || *last > kHighestNumber)
      fail_invalid("invalid format: ", part);
    for (int number = *first; number <= *last; ++number) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

}  // namespace hull::container
