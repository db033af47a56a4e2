// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Command lines in the grammar that Docker's users type: --name value, --name=value, -x value, -xvalue, -xyz for
// several booleans, "--" ends the flags. What a command takes is a constant table, so starting costs nothing.
namespace hull::cli {

enum class FlagKind : unsigned char { kBool, kText, kInteger, kDecimal, kDuration, kBytes, kList };

struct Flag {
  std::string_view name;
  char letter;  // 0: none
  FlagKind kind;
  std::string_view help;             // "" hides the flag from --help
  std::string_view fallback = {};    // the value when it is not given
  std::string_view type_name = {};   // in --help, instead of the name of the kind
  std::string_view other_name = {};  // an older spelling
  // Refuses a value at the time it is read, by throwing Error with the reason.
  void (*validate)(std::string_view value) = nullptr;
};

// A flag table may be put together from two (run is create and a little more).
struct FlagSet {
  std::span<const Flag> first, second = {};
  const Flag* find(std::string_view name) const;  // also by its older spelling
  const Flag* find(char letter) const;
};

// The flags and arguments of one command line.
class Options {
 public:
  explicit Options(FlagSet flags) : flags_(flags) {}

  // Reads `words`. With `interspersed`, flags may follow arguments; otherwise the first argument ends the flags.
  // Throws Error{kInvalidArgument} in pflag's words.
  void parse(std::span<const std::string_view> words, bool interspersed);

  bool given(std::string_view name) const;
  bool is_set(std::string_view name) const;       // of a boolean
  std::string text(std::string_view name) const;  // the last one given, or the fallback
  std::int64_t integer(std::string_view name) const;
  std::int64_t bytes(std::string_view name) const;             // 0 when not given, -1 for "-1"
  std::int64_t nanoseconds(std::string_view name) const;       // of a duration
  std::vector<std::string> list(std::string_view name) const;  // all that were given, in their order

  std::vector<std::string> arguments;

 private:
  struct Given {
    const Flag* flag;
    std::string value;
  };
  std::size_t parse_long(std::span<const std::string_view> words, std::size_t at);
  std::size_t parse_short(std::span<const std::string_view> words, std::size_t at);
  void add(const Flag& flag, std::string_view value);
  const Flag& declared(std::string_view name) const;

  FlagSet flags_;
  std::vector<Given> given_;
};

// "true", "1", "F": what Go's strconv.ParseBool takes.
std::optional<bool> parse_bool(std::string_view text);
// The number of edits (a character more, less or another one, two swapped) between two words: how far a mistyped one is
// from what was meant.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The name of a flag's type in --help: "list", "string", "" for booleans.
std::string_view type_name(const Flag& flag);

}  // namespace hull::cli
