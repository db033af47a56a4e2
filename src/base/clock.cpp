// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/text.h"

namespace hull {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

std::string padded(std::int64_t number, std::size_t width) {
  std::string digits = cat(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

std::string fraction_digits(Timestamp time) { return padded(time.nanoseconds % kSecond, 9); }

// The two ways between days since the epoch and a date in the proleptic Gregorian calendar (Howard Hinnant's
// algorithms). By hand, because the C library's come with time zones and locales, which the small static programs do
// without.
struct Date {
  std::int64_t year;
  unsigned month, day;
};
Date civil_from_days(std::int64_t days) {
  days += 719468;
  std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  auto day_of_era = static_cast<unsigned>(days - era * 146097);
  unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  unsigned shifted = (5 * day_of_year + 2) / 153;  // months from March on
  unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1};
}

std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  auto year_of_era = static_cast<unsigned>(year - era * 400);
  unsigned day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<std::int64_t>(day_of_era) - 719468;
}

std::string seconds_part(Timestamp time) {
  constexpr std::int64_t kDay = 86400;
  std::int64_t seconds = time.nanoseconds / kSecond, days = seconds / kDay, rest = seconds % kDay;
  Date date = civil_from_days(days);
  return cat(padded(date.year, 4), "-", padded(date.month, 2), "-", padded(date.day, 2), "T", padded(rest / 3600, 2),
             ":", padded(rest / 60 % 60, 2), ":", padded(rest % 60, 2));
}

// Takes a number like "30", "30.5" or ".5" off the front of a text.
std::optional<double> take_decimal(std::string_view& text) {
  double value = 0, unit = 0;  // of the next digit behind the point; 0: no point yet
  bool digits = false;
  while (!text.empty() && ((text[0] >= '0' && text[0] <= '9') || (text[0] == '.' && unit == 0))) {
    if (text[0] == '.') {
      unit = 0.1;
    } else if (unit == 0) {
      value = value * 10 + (text[0] - '0');
    } else {
      value += (text[0] - '0') * unit;
      unit /= 10;
    }
    digits |= text[0] != '.';
    text.remove_prefix(1);
  }
  return digits ? std::optional(value) : std::nullopt;
}

}  // namespace

Timestamp now() { return {read_clock(CLOCK_REALTIME)}; }
std::int64_t monotonic_nanoseconds() { return read_clock(CLOCK_MONOTONIC); }

std::string format_rfc3339(Timestamp time) {
  if (time.never()) return "0001-01-01T00:00:00Z";
  std::string digits = fraction_digits(time);
  digits.erase(digits.find_last_not_of('0') + 1);
  return seconds_part(time) + (digits.empty() ? "" : "." + digits) + "Z";
}

std::string format_rfc3339_fixed(Timestamp time) { return cat(seconds_part(time), ".", fraction_digits(time), "Z"); }

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
  // 0123456789012345678
  // yyyy-mm-ddThh:mm:ss[.fraction](Z|+hh:mm|-hh:mm)
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':')
    return std::nullopt;
  auto number = [&](std::size_t at, std::size_t size) { return parse_number<unsigned>(text.substr(at, size)); };
  auto year = number(0, 4), month = number(5, 2), day = number(8, 2);
  auto hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!year || !month || !day || !hour || !minute || !second || *month < 1 || *month > 12 || *day < 1 || *day > 31 ||
      *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  if (*year == 1 && *month == 1 && *day == 1) return Timestamp{};

  std::size_t at = 19;
  std::int64_t fraction = 0;
  if (text[at] == '.') {
    std::int64_t unit = kSecond / 10;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
      fraction += (text[at] - '0') * unit;
  }
  std::int64_t offset = 0;
  std::string_view zone = text.substr(at);
  if (zone != "Z" && zone != "z") {
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
    auto hours = parse_number<int>(zone.substr(1, 2)), minutes = parse_number<int>(zone.substr(4, 2));
    if (!hours || !minutes) return std::nullopt;
    offset = (*hours * 60 + *minutes) * 60 * (zone[0] == '-' ? -1 : 1);
  }
  std::int64_t days = days_from_civil(*year, *month, *day);
  std::int64_t seconds = days * 86400 + *hour * 3600 + *minute * 60 + *second - offset;
  return Timestamp{seconds * kSecond + fraction};
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double nanoseconds;
  };
  // Longer names first where one starts with another.
  constexpr Unit kUnits[] = {{"ns", 1},  {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"ms", 1e6},
                             {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    auto value = take_decimal(text);
    if (!value) return std::nullopt;
    const Unit* found = nullptr;
    for (const Unit& unit : kUnits)
      if (text.starts_with(unit.name) && (!found || unit.name.size() > found->name.size())) found = &unit;
    if (!found) return std::nullopt;
    text.remove_prefix(found->name.size());
    total += *value * found->nanoseconds;
  }
  if (total > 9.2e18) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(negative ? -total : total));
}

}  // namespace hull
