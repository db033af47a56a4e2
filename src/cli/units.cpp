// SPDX-License-Identifier: Apache-2.0
#include "cli/units.h"

#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace hull::cli {
namespace {

std::string scaled(double bytes, double base, const char* const* units, int count, int digits) {
  int unit = 0;
  while (bytes >= base && unit < count - 1) {
    bytes /= base;
    ++unit;
  }
  return significant(bytes, digits) + units[unit];
}

}  // namespace

std::string significant(double number, int digits) {
  char out[64];
  std::snprintf(out, sizeof out, "%.*g", digits, number);
  return out;
}

std::string fixed(double number, int decimals) {
  char out[400];
  std::snprintf(out, sizeof out, "%.*f", decimals, number);
  return out;
}

std::string decimal_size(double bytes, int digits) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
  return scaled(bytes, 1000.0, kUnits, 9, digits);
}

std::string binary_size(double bytes, int digits) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"};
  return scaled(bytes, 1024.0, kUnits, 9, digits);
}

std::string human_duration(std::int64_t seconds) {
  constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 24 * kHour;
  // Go rounds hours to the nearest one, and derives everything longer from that.
  std::int64_t minutes = seconds / kMinute;
  std::int64_t hours = (seconds + kHour / 2) / kHour;
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < kMinute) return cat(seconds, " seconds");
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return cat(minutes, " minutes");
  if (hours == 1) return "About an hour";
  if (hours < 48) return cat(hours, " hours");
  if (hours < 24 * 7 * 2) return cat(hours / 24, " days");
  if (hours < 24 * 30 * 2) return cat(hours / 24 / 7, " weeks");
  if (hours < 24 * 365 * 2) return cat(hours / 24 / 30, " months");
  return cat(seconds / kDay / 365, " years");
}

}  // namespace hull::cli
