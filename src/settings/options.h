// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "settings/settings.h"

namespace hull::settings {

using JsonValue = nlohmann::ordered_json;

template <class... Types>
using PlaceOf = std::variant<Types Settings::*...>;
// Where a value is kept; its type says how it is written.
using Place = PlaceOf<bool, int, std::int64_t, std::string, Size, Strings, StringMap, std::map<std::string, bool>,
                      std::map<std::string, Runtime>, std::map<std::string, Ulimit>, std::vector<AddressPool>,
                      std::map<std::string, StringMap>>;

enum class Effect : unsigned char {
  kWorks,
  kReloads,  // works, and SIGHUP makes a change of it effective
  kNone,     // accepted, because configurations have it; `note` says why it does nothing
  kRefused,  // doing nothing would be dangerous; `note` says what is missing
};

// A line of the table of options.
struct Option {
  std::string_view key;   // in daemon.json
  std::string_view flag;  // of hulld, without dashes; "": none
  char letter;            // 0: none
  Place place;
  Effect effect;
  std::string_view help;
  std::string_view note = {};
};
std::span<const Option> options();
const Option* find_key(std::string_view key);

// One value in JSON. Throws Error{kInvalidArgument} that names the key.
void read_json(const JsonValue& json, const Option& option, Settings& into);
JsonValue to_json(const Settings& settings, const Option& option);
// One flag's text, as dockerd's flags have it; lists and maps grow. Throws Error{kInvalidArgument}.
void read_flag(std::string_view text, const Option& option, Settings& into);
bool is_switch(const Option& option);  // a flag that needs no value

}  // namespace hull::settings
