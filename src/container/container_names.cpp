// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <random>

#include "base/error.h"
#include "base/id.h"
#include "container/normalize.h"

namespace hull::container {

namespace {

constexpr std::array<std::string_view, 64> kAdjectives = {
    "agile",  "amber",  "ample",  "arctic", "autumn", "balmy",   "blithe",  "bold",   "breezy",   "brisk",  "bronze",
    "calm",   "candid", "cedar",  "cheery", "civil",  "clever",  "coastal", "cobalt", "copper",   "crisp",  "curious",
    "dapper", "daring", "deft",   "dewy",   "eager",  "earnest", "elated",  "fair",   "fleet",    "floral", "fond",
    "frosty", "gentle", "gilded", "glad",   "golden", "hardy",   "hazel",   "humble", "ivory",    "jolly",  "keen",
    "kindly", "limber", "lively", "lunar",  "mellow", "merry",   "nimble",  "placid", "polished", "quiet",  "rapid",
    "serene", "silver", "spry",   "steady", "sunny",  "tidal",   "upbeat",  "vivid",  "willing"};
// Shipbuilders, seafarers, oceanographers and the people who taught machines to compute.
constexpr std::array<std::string_view, 64> kSurnames = {
    "amundsen",  "babbage",   "bartholomew", "beaufort",  "bering",   "bowditch",  "brunel",     "cabot",
    "carson",    "champlain", "chapman",     "church",    "coleman",  "cook",      "cousteau",   "curie",
    "dijkstra",  "drake",     "earle",       "ericson",   "estridge", "faraday",   "fitzroy",    "franklin",
    "frobisher", "germain",   "goldberg",    "hamilton",  "harrison", "hollerith", "hopper",     "hudson",
    "humboldt",  "hypatia",   "johnson",     "kernighan", "knuth",    "lamarr",    "leavitt",    "liskov",
    "lovelace",  "magellan",  "maury",       "meitner",   "mercator", "nansen",    "naur",       "noether",
    "perlman",   "piccard",   "pytheas",     "ritchie",   "ross",     "scoresby",  "shackleton", "slocum",
    "tasman",    "tharp",     "turing",      "vaughan",   "vespucci", "weddell",   "wilkins",    "zuse"};
constexpr int kTries = 6;

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

std::string checked_name(std::string_view name) {
  std::string_view bare = name;
  if (bare.starts_with('/')) bare.remove_prefix(1);
  bool valid = bare.size() >= 2 && is_alphanumeric(bare[0]) &&
               std::ranges::all_of(bare, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
  if (!valid) fail_invalid("Invalid container name (", bare, "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
  return std::string(bare);
}

std::string generate_name(const std::string& id, const std::function<bool(const std::string&)>& taken) {
  // The id is random already; std::random_device asks for it by instructions that a virtual machine is slow at.
  std::minstd_rand random{static_cast<unsigned>(std::hash<std::string>{}(id))};
  for (int attempt = 0; attempt < kTries; ++attempt) {
    std::string name = cat(kAdjectives[random() % kAdjectives.size()], "_", kSurnames[random() % kSurnames.size()]);
    if (attempt > 0) name += static_cast<char>('0' + random() % 10);
    if (!taken(name)) return name;
  }
  return short_id(id);
}

}  // namespace hull::container
