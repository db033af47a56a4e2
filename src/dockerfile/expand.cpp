// SPDX-License-Identifier: Apache-2.0
// One pass from left to right. What a modifier's word may contain is again a text with quotes and variables, so that
// ${a:-${b:-"c d"}} nests; kDeepest keeps a hostile file from using up the stack.
#include "dockerfile/expand.h"

#include <algorithm>

#include "base/error.h"
#include "dockerfile/shell_pattern.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

Environment::Environment(const std::vector<std::string>& list) {
  for (const std::string& entry : list) {
    const auto [name, value] = split_once(entry, '=');
    set(name, value.value_or(""));
  }
}

const std::string* Environment::find(std::string_view name) const {
  for (const auto& [key, value] : variables_)
    if (key == name) return &value;
  return nullptr;
}

void Environment::set(std::string_view name, std::string_view value) {
  for (auto& [key, old] : variables_) {
    if (key != name) continue;
    old = value;
    return;
  }
  variables_.emplace_back(name, value);
}

void Environment::unset(std::string_view name) {
  std::erase_if(variables_, [&](const Variable& variable) { return variable.first == name; });
}

std::vector<std::string> Environment::list() const {
  std::vector<std::string> out;
  out.reserve(variables_.size());
  for (const auto& [name, value] : variables_) out.push_back(cat(name, "=", value));
  return out;
}

std::vector<std::string_view> Environment::names() const {
  std::vector<std::string_view> out;
  for (const auto& variable : variables_) out.emplace_back(variable.first);
  return out;
}

namespace {

constexpr int kDeepest = 100;
constexpr char kEnd = '\0';  // for stop characters: only the end of the text stops

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A letter outside ASCII may be part of a name. Which characters are letters is Unicode's business; here everything
// from U+00C0 on is one, without signs (× ÷), punctuation, symbols and fullwidth forms.
bool is_letter(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return (first | 0x20) >= 'a' && (first | 0x20) <= 'z';
  if (first < 0xC3 || character == "\xC3\x97" || character == "\xC3\xB7") return false;
  return first != 0xE2 && first != 0xEF && first < 0xF0 && !character.starts_with("\xE3\x80");
}

// The words that a text falls into: blanks of the text and of values divide, quoted ones do not.
class WordList {
 public:
  void add(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      if (const std::size_t width = blank_width(text, at)) {
        finish();
        at += width;
      } else {
        word_ += text[at++];
      }
    }
  }
  void add_raw(std::string_view text) { word_ += text; }
  std::vector<std::string> take() {
    finish();
    return std::move(words_);
  }

 private:
  void finish() {
    if (word_.empty()) return;
    words_.push_back(std::move(word_));
    word_.clear();
  }
  std::string word_;
  std::vector<std::string> words_;
};

// How escapes of a part of the text are treated.
struct Escapes {
  bool keep = false;     // the escape character stays
  bool pattern = false;  // what is quoted must mean itself when a pattern is made of it
};

class Expansion {
 public:
  Expansion(std::string_view text, const Environment& variables, const ExpandOptions& options, Lookups* lookups)
      : text_(text), variables_(variables), options_(options), lookups_(lookups) {}

  std::string run(WordList* words) { return part(kEnd, {options_.keep_escapes, false}, words); }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  std::string_view character() const { return text_.substr(at_, character_width(text_, at_)); }
  std::string_view take_character() {
    const std::string_view one = character();
    at_ += one.size();
    return one;
  }

  // Up to `stop`, which is taken, or the end of the text.
  std::string part(char stop, Escapes escapes, WordList* words = nullptr) {
    if (++depth_ > kDeepest) fail_invalid("syntax error: substitutions are nested too deeply");
    std::string out;
    auto emit = [&](std::string_view text, bool divides) {
      out += text;
      if (words) divides ? words->add(text) : words->add_raw(text);
    };
    while (!at_end()) {
      const char c = peek();
      if (stop != kEnd && c == stop) {
        ++at_;
        --depth_;
        return out;
      }
      if (c == '$') {
        emit(dollar(escapes), true);
      } else if (c == '\'' && !options_.quotes_are_plain) {
        emit(single_quoted(escapes), false);
      } else if (c == '"' && !options_.quotes_are_plain) {
        emit(double_quoted(escapes), false);
      } else if (c == '<') {
        emit(angle(), false);
      } else if (c == options_.escape) {
        ++at_;
        if (escapes.keep) emit(std::string_view(&options_.escape, 1), false);
        if (!at_end()) emit(take_character(), false);
      } else {
        emit(take_character(), true);
      }
    }
    if (stop != kEnd) fail_invalid("unexpected end of statement while looking for matching ", stop);
    --depth_;
    return out;
  }

  // `<<` and the blanks behind it belong to the delimiter that follows.
  std::string angle() {
    ++at_;
    if (peek() != '<' || at_end()) return "<";
    ++at_;
    std::string out = "<<";
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\r')) out += text_[at_++];
    return out;
  }

  std::string single_quoted(Escapes escapes) {
    const std::size_t end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) {
      at_ = text_.size();
      fail_invalid("unexpected end of statement while looking for matching single-quote");
    }
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    std::string out;
    if (options_.keep_quotes) out += '\'';
    for (char c : inside) {
      if (escapes.pattern && c == options_.escape) out += c;
      out += c;
    }
    if (options_.keep_quotes) out += '\'';
    return out;
  }

  std::string double_quoted(Escapes escapes) {
    std::string out;
    ++at_;
    if (options_.keep_quotes) out += '"';
    while (!at_end()) {
      const char c = peek();
      if (c == '"') {
        ++at_;
        if (options_.keep_quotes) out += '"';
        return out;
      }
      if (c == '$') {
        out += dollar(escapes);
        continue;
      }
      if (c != options_.escape) {
        out += take_character();
        continue;
      }
      ++at_;
      if (at_end()) break;
      // Inside double quotes only these can be escaped; in front of everything else the escape character is plain.
      if (peek() == '"' || peek() == '$' || peek() == options_.escape) {
        if (escapes.keep) out += c;
        out += text_[at_++];
      } else {
        if (escapes.keep && (!options_.keep_quotes || escapes.pattern)) out += c;
        out += c;
      }
    }
    fail_invalid("unexpected end of statement while looking for matching double-quote");
  }

  std::string_view name() {
    const std::size_t start = at_;
    if (is_digit(peek())) {
      while (is_digit(peek())) ++at_;
    } else if (!at_end() && std::string_view("@*#?-$!").find(peek()) != std::string_view::npos) {
      ++at_;
    } else {
      while (!at_end() && (peek() == '_' || is_digit(peek()) || is_letter(character()))) at_ += character().size();
    }
    return text_.substr(start, at_ - start);
  }

  const std::string* look_up(std::string_view name) {
    const std::string* value = variables_.find(name);
    if (lookups_) {
      auto& names = value ? lookups_->set : lookups_->unset;
      if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
    }
    return value;
  }

  std::string dollar(Escapes) {
    ++at_;
    if (at_end() || peek() != '{') {
      const std::string_view variable = name();
      if (variable.empty()) return "$";
      const std::string* value = look_up(variable);
      if (!value && options_.keep_unset) return cat("$", variable);
      return value ? *value : std::string();
    }
    ++at_;
    if (at_end()) fail_invalid("syntax error: missing '}'");
    if (peek() == '{' || peek() == '}' || peek() == ':') fail_invalid("syntax error: bad substitution");
    const std::string_view variable = name();
    if (at_end()) fail_invalid("syntax error: missing '}'");
    std::string modifier(take_character());
    if (modifier == "}") {
      const std::string* value = look_up(variable);
      if (!value && options_.keep_unset) return cat("${", variable, "}");
      return value ? *value : std::string();
    }
    if (modifier == "/") return replacement(variable);
    const bool or_empty = modifier == ":";
    if (or_empty) {
      if (at_end()) fail_invalid("syntax error: missing '}'");
      modifier += take_character();
    } else if (std::string_view("+-?#%").find(modifier) == std::string_view::npos) {
      fail_invalid("unsupported modifier (", modifier, ") in substitution");
    }
    return modified(variable, modifier, or_empty);
  }

  // A modifier's word; the end of the text in it is the brace's fault.
  std::string word_until(char stop, Escapes escapes, std::string_view missing) {
    try {
      return part(stop, escapes);
    } catch (const Error&) {
      if (at_end()) fail_invalid("syntax error: missing ", missing);
      throw;
    }
  }

  std::string modified(std::string_view variable, const std::string& modifier, bool or_empty) {
    const char kind = modifier.back();
    const bool pattern = kind == '#' || kind == '%';
    if (or_empty && pattern) fail_invalid("unsupported modifier (", modifier, ") in substitution");
    std::string word = word_until('}', {pattern, pattern}, "'}'");
    const std::string* value = look_up(variable);
    if (!value && options_.keep_unset) return cat("${", variable, modifier, word, "}");
    const bool missing = !value || (or_empty && value->empty());
    switch (kind) {
      case '-': return missing ? word : *value;
      case '+': return missing ? std::string() : word;
      case '?':
        if (!missing) return *value;
        if (word.empty()) word = value ? "is not allowed to be empty" : "is not allowed to be unset";
        fail_invalid(variable, ": ", word);
      case '#':
      case '%': {
        const bool longest = word.starts_with(kind);
        const std::string_view shape = std::string_view(word).substr(longest ? 1 : 0);
        const std::string_view text = value ? std::string_view(*value) : std::string_view();
        return with_pattern(shape, [&] {
          return kind == '#' ? without_prefix(text, shape, longest) : without_suffix(text, shape, longest);
        });
      }
      default: fail_invalid("unsupported modifier (", modifier, ") in substitution");
    }
  }

  std::string replacement(std::string_view variable) {
    const bool all = peek() == '/' && !at_end();
    if (all) ++at_;
    const std::string shape = word_until('/', {true, true}, "'/' in ${}");
    const std::string word = word_until('}', {true, false}, "'}'");
    const std::string* value = look_up(variable);
    if (!value && options_.keep_unset) return cat("${", variable, "/", shape, "/", word, "}");
    return with_pattern(shape, [&] { return replaced(value ? *value : std::string(), shape, word, all); });
  }

  template <class Action>
  std::string with_pattern(std::string_view shape, Action action) {
    try {
      return action();
    } catch (const Error& error) {
      fail_invalid("invalid pattern (", shape, ") in substitution: ", error.message());
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  const Environment& variables_;
  const ExpandOptions& options_;
  Lookups* lookups_;
};

std::string run(std::string_view text, const Environment& variables, const ExpandOptions& options, Lookups* lookups,
                WordList* words) {
  try {
    return Expansion(text, variables, options, lookups).run(words);
  } catch (const Error& error) {
    throw error.within(cat("failed to process ", quoted(text)));
  }
}

}  // namespace

std::string expand(std::string_view text, const Environment& variables, const ExpandOptions& options,
                   Lookups* lookups) {
  // Most words have nothing to expand.
  const char special[] = {'$', '\'', '"', options.escape};
  if (text.find_first_of(std::string_view(special, sizeof special)) == std::string_view::npos) return std::string(text);
  return run(text, variables, options, lookups, nullptr);
}

std::vector<std::string> expand_words(std::string_view text, const Environment& variables, const ExpandOptions& options,
                                      Lookups* lookups) {
  WordList words;
  run(text, variables, options, lookups, &words);
  return words.take();
}

}  // namespace hull::dockerfile
