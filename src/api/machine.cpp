// SPDX-License-Identifier: Apache-2.0
#include "api/machine.h"

#include "base/file.h"
#include "base/text.h"

namespace hull::api {

namespace {

std::string first_line(const std::string& path) {
  auto text = read_if_exists(path);
  return text ? std::string(trim(*text)) : "";
}

#if defined(__x86_64__)
constexpr std::string_view kMachine = "x86_64", kGo = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kMachine = "aarch64", kGo = "arm64";
#elif defined(__riscv)
constexpr std::string_view kMachine = "riscv64", kGo = "riscv64";
#elif defined(__s390x__)
constexpr std::string_view kMachine = "s390x", kGo = "s390x";
#elif defined(__powerpc64__)
constexpr std::string_view kMachine = "ppc64le", kGo = "ppc64le";
#else
#error "which architecture is this?"
#endif

}  // namespace

std::uint64_t total_memory() {
  static const std::uint64_t total = [] {
    auto text = read_if_exists("/proc/meminfo").value_or("");
    for (auto line : split(text, '\n')) {
      if (!line.starts_with("MemTotal:")) continue;
      auto number = split(trim(line.substr(9)), ' ').front();
      return parse_number<std::uint64_t>(number).value_or(0) * 1024;
    }
    return std::uint64_t{0};
  }();
  return total;
}

std::string kernel_version() { return first_line("/proc/sys/kernel/osrelease"); }
std::string host_name() { return first_line("/proc/sys/kernel/hostname"); }

OperatingSystem operating_system() {
  OperatingSystem system;
  auto text = read_if_exists("/etc/os-release");
  if (!text) text = read_if_exists("/usr/lib/os-release").value_or("");
  for (auto line : split(*text, '\n')) {
    auto [key, value] = split_once(line, '=');
    std::string_view plain = trim(value.value_or(""));
    if (plain.size() >= 2 && (plain.front() == '"' || plain.front() == '\'')) plain = plain.substr(1, plain.size() - 2);
    if (key == "PRETTY_NAME") system.name = plain;
    if (key == "VERSION_ID") system.version = plain;
  }
  if (system.name.empty()) system.name = "Linux";
  return system;
}

std::string_view machine_architecture() { return kMachine; }
std::string_view go_architecture() { return kGo; }

}  // namespace hull::api
