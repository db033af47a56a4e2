// SPDX-License-Identifier: Apache-2.0
#include "runtime_arguments.h"

#include <algorithm>

#include "base/error.h"

namespace hull::runtime_cli {

Arguments::Arguments(const std::vector<Flag>& flags, std::vector<std::string> words, Flags where) {
  for (std::size_t next = 0; next < words.size(); ++next) {
    bool in_front = words_.empty();
    bool ends = words[next] == "--";
    if (ends || (!in_front && where == Flags::kInFront)) {
      words_.insert(words_.end(), words.begin() + static_cast<std::ptrdiff_t>(next + (ends && in_front ? 1 : 0)),
                    words.end());
      return;
    }
    if (take_flag(flags, words, next)) continue;
    if (in_front && words[next].size() > 1 && words[next][0] == '-')
      fail_invalid("flag provided but not defined: -", words[next].substr(words[next].starts_with("--") ? 2 : 1));
    words_.push_back(words[next]);
  }
}

bool Arguments::take_flag(const std::vector<Flag>& flags, const std::vector<std::string>& words, std::size_t& next) {
  std::string_view word = words[next];
  if (word.size() < 2 || word[0] != '-') return false;
  word.remove_prefix(word.starts_with("--") ? 2 : 1);
  auto [name, value] = split_once(word, '=');
  auto flag = std::ranges::find_if(flags, [name = name](const Flag& known) {
    return known.name == name || (!known.short_name.empty() && known.short_name == name);
  });
  if (flag == flags.end()) return false;
  std::string text(value.value_or("true"));
  if (flag->takes_value && !value) {
    if (++next == words.size()) fail_invalid("flag needs an argument: -", name);
    text = words[next];
  }
  if (flag->takes_value || text != "false") values_[std::string(flag->name)].push_back(std::move(text));
  return true;
}

std::string Arguments::get(std::string_view flag, std::string fallback) const {
  auto found = values_.find(flag);
  return found == values_.end() ? std::move(fallback) : found->second.back();
}

std::vector<std::string> Arguments::all(std::string_view flag) const {
  auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

void Arguments::expect_words(std::string_view verb, std::size_t least, std::size_t most) const {
  std::size_t count = words_.size();
  if (count >= least && count <= most) return;
  std::string_view how = least == most ? "exactly " : count < least ? "a minimum of " : "a maximum of ";
  fail_invalid(quoted(verb), " requires ", how, count < least ? least : most, " argument(s)");
}

const std::string& Arguments::word(std::size_t index, std::string_view what) const {
  if (index >= words_.size()) fail_invalid(what, " is missing");
  return words_[index];
}

}  // namespace hull::runtime_cli
