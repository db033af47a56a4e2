// SPDX-License-Identifier: Apache-2.0
#include "runtime/device_rules.h"

namespace hull::runtime {

namespace {

constexpr int kAny = -1;
constexpr struct {
  const char* type;
  int major, minor;
  const char* access;
} kAlwaysAllowed[] = {
    {"c", kAny, kAny, "m"},  {"b", kAny, kAny, "m"}, {"c", 1, 3, "rwm"},  // null
    {"c", 1, 5, "rwm"},                                                   // zero
    {"c", 1, 7, "rwm"},                                                   // full
    {"c", 1, 8, "rwm"},                                                   // random
    {"c", 1, 9, "rwm"},                                                   // urandom
    {"c", 5, 0, "rwm"},                                                   // tty
    {"c", 5, 1, "rwm"},                                                   // console
    {"c", 5, 2, "rwm"},                                                   // ptmx
    {"c", 136, kAny, "rwm"},                                              // pts/*
};

std::optional<std::int64_t> number(int value) {
  return value == kAny ? std::nullopt : std::optional<std::int64_t>(value);
}

}  // namespace

oci::Resources with_default_devices(oci::Resources resources) {
  if (resources.devices.empty()) return resources;
  for (const auto& rule : kAlwaysAllowed)
    resources.devices.push_back({true, rule.type, number(rule.major), number(rule.minor), rule.access});
  return resources;
}

}  // namespace hull::runtime
