// SPDX-License-Identifier: Apache-2.0
#include "cli/go_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "cli/table.h"

namespace hull::cli {
namespace {

std::string in_base(std::uint64_t number, int base) {
  char digits[66];
  return {digits, std::to_chars(digits, digits + sizeof digits, number, base).ptr};
}

// A character by its code point.
std::string character(std::uint64_t point) {
  std::string out;
  if (point < 0x80) return std::string(1, static_cast<char>(point));
  auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    tail(6);
  } else if (point < 0x110000) {
    out += static_cast<char>(0xF0 | (point >> 18));
    tail(12);
    tail(6);
  } else {
    return "\xEF\xBF\xBD";
  }
  tail(0);
  return out;
}

// "1h0m30s", "1.5ms", "0s", of nanoseconds.
std::string duration_text(std::int64_t nanoseconds) {
  if (nanoseconds == 0) return "0s";
  std::string sign = nanoseconds < 0 ? "-" : "";
  std::uint64_t left =
      nanoseconds < 0 ? 0 - static_cast<std::uint64_t>(nanoseconds) : static_cast<std::uint64_t>(nanoseconds);
  constexpr std::pair<std::uint64_t, const char*> kSmall[] = {{1, "ns"}, {1'000, "µs"}, {1'000'000, "ms"}};
  if (left < 1'000'000'000) {
    auto unit = left < 1'000 ? kSmall[0] : left < 1'000'000 ? kSmall[1] : kSmall[2];
    return cat(sign, go_real(static_cast<double>(left) / static_cast<double>(unit.first), 'f', -1),
               std::string_view(unit.second));
  }
  std::uint64_t minutes = left / 60'000'000'000, hours = minutes / 60;
  std::string seconds = go_real(static_cast<double>(left % 60'000'000'000) / 1e9, 'f', -1) + "s";
  if (hours) return cat(sign, hours, "h", minutes % 60, "m", seconds);
  return cat(sign, minutes ? cat(minutes, "m") : std::string(), seconds);
}

}  // namespace

std::string GoFormat::nothing() const { return padded(verb == 'v' ? "<nil>" : cat("%!", verb, "(<nil>)")); }

std::string GoFormat::bad(const Term& term) const {
  return cat("%!", verb, "(", term.type->name, "=", GoFormat{}.text(term), ")");
}

std::string GoFormat::padded(std::string text) const {
  std::size_t have = text_columns(text), want = width < 0 ? 0 : static_cast<std::size_t>(width);
  if (have >= want) return text;
  if (minus) return text + std::string(want - have, ' ');
  return std::string(want - have, zero ? '0' : ' ') + text;
}

std::string GoFormat::signed_text(bool negative, std::string digits) const {
  std::string sign = negative ? "-" : plus ? "+" : space ? " " : "";
  // Zeros stand between the sign and the digits.
  if (zero && !minus && precision < 0 && width > static_cast<int>(sign.size() + digits.size()))
    digits.insert(0, static_cast<std::size_t>(width) - sign.size() - digits.size(), '0');
  GoFormat blanks = *this;
  blanks.zero = false;
  return blanks.padded(sign + digits);
}

std::string GoFormat::boolean(const Term& term) const {
  if (verb != 'v' && verb != 't') return bad(term);
  return padded(term.value->boolean() ? "true" : "false");
}

std::string GoFormat::integer(const Term& term) const {
  std::int64_t number = term.value->integer();
  if (term.type->name == "time.Duration" && (verb == 'v' || verb == 's')) return padded(duration_text(number));
  bool negative = number < 0;
  std::uint64_t size = negative ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
  std::string digits;
  switch (verb) {
    case 'v':
    case 'd': digits = in_base(size, 10); break;
    case 'b': digits = (sharp ? "0b" : "") + in_base(size, 2); break;
    case 'o': digits = (sharp ? "0" : "") + in_base(size, 8); break;
    case 'O': digits = "0o" + in_base(size, 8); break;
    case 'x': digits = (sharp ? "0x" : "") + in_base(size, 16); break;
    case 'X': digits = (sharp ? "0X" : "") + upper(in_base(size, 16)); break;
    case 'c': return padded(character(size));
    case 'q': return padded(size == '\'' ? "'\\''" : cat("'", character(size), "'"));
    case 'U': {
      digits = upper(in_base(size, 16));
      digits.insert(0, digits.size() < 4 ? 4 - digits.size() : 0, '0');
      return padded("U+" + digits);
    }
    default: return bad(term);
  }
  if (precision > static_cast<int>(digits.size()))
    digits.insert(0, static_cast<std::size_t>(precision) - digits.size(), '0');
  return signed_text(negative, digits);
}

std::string GoFormat::real(const Term& term) const {
  double number = term.value->real();
  std::string digits;
  switch (verb) {
    case 'v': digits = go_real(std::fabs(number), 'g', precision); break;
    case 'e':
    case 'E':
    case 'f':
    case 'F': digits = go_real(std::fabs(number), verb, precision < 0 ? 6 : precision); break;
    case 'g':
    case 'G': digits = go_real(std::fabs(number), verb, precision); break;
    default: return bad(term);
  }
  GoFormat form = *this;
  form.precision = -1;
  return form.signed_text(std::signbit(number), digits);
}

std::string GoFormat::text_value(const Term& term, std::string_view value) const {
  std::string text(value);
  if (precision >= 0 && (verb == 'v' || verb == 's' || verb == 'q')) {
    std::size_t end = 0;
    for (int count = 0; end < text.size(); ++end)
      if ((text[end] & 0xC0) != 0x80 && count++ == precision) break;
    text.resize(end);
  }
  switch (verb) {
    case 'v': return padded(sharp ? go_quoted(text) : text);
    case 's': return padded(text);
    case 'q': return padded(sharp && text.find('`') == text.npos ? cat("`", text, "`") : go_quoted(text));
    case 'x': return padded(to_hex(text.data(), text.size()));
    case 'X': return padded(upper(to_hex(text.data(), text.size())));
    default: return bad(term);
  }
}

std::string GoFormat::quoted_or_bad(const Term& term, std::string_view value) const {
  return verb == 'q' ? padded(go_quoted(value)) : bad(term);
}

namespace {

class Sprintf {
 public:
  Sprintf(std::string_view format, const std::vector<Term>& arguments) : format_(format), arguments_(arguments) {}

  std::string run() {
    while (at_ < format_.size()) {
      auto percent = format_.find('%', at_);
      out_ += format_.substr(at_, percent == format_.npos ? format_.npos : percent - at_);
      if (percent == format_.npos) break;
      at_ = percent + 1;
      directive();
    }
    add_unused();
    return std::move(out_);
  }

 private:
  char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }

  void directive() {
    GoFormat form;
    for (;; ++at_) {
      char c = peek();
      if (c == '+')
        form.plus = true;
      else if (c == '-')
        form.minus = true;
      else if (c == '#')
        form.sharp = true;
      else if (c == ' ')
        form.space = true;
      else if (c == '0')
        form.zero = true;
      else
        break;
    }
    if (form.minus) form.zero = false;
    take_index();
    form.width = number();
    if (form.width < -1) {
      form.minus = true;
      form.zero = false;
      form.width = -form.width;
    }
    if (peek() == '.') {
      ++at_;
      take_index();
      form.precision = std::max(number(), 0);
    }
    take_index();
    if (at_ >= format_.size()) {
      out_ += "%!(NOVERB)";
      return;
    }
    form.verb = format_[at_++];
    if (form.verb == 'v') form.names = std::exchange(form.plus, false);
    show(form);
  }

  void show(const GoFormat& form) {
    if (form.verb == '%') {
      out_ += '%';
    } else if (bad_index_) {
      out_ += cat("%!", form.verb, "(BADINDEX)");
    } else if (next_ >= arguments_.size()) {
      out_ += cat("%!", form.verb, "(MISSING)");
    } else {
      const Term& term = arguments_[next_++];
      if (form.verb == 'T') {
        GoFormat name = form;
        name.verb = 's';
        Value type(term.valid() ? term.type->name : std::string("<nil>"));
        out_ += name.text({&type, go_type("string")});
      } else {
        out_ += form.text(term);
      }
    }
    bad_index_ = false;
  }

  // "[3]": the argument that comes next.
  void take_index() {
    if (peek() != '[') return;
    auto end = format_.find(']', at_);
    if (end == format_.npos) return;
    auto index = parse_number<std::size_t>(format_.substr(at_ + 1, end - at_ - 1));
    bad_index_ = !index || *index == 0 || *index > arguments_.size();
    if (!bad_index_) next_ = *index - 1;
    reordered_ = true;
    at_ = end + 1;
  }

  // Digits, or "*" which takes an argument; -1 when there is none.
  int number() {
    if (peek() == '*') {
      ++at_;
      if (next_ >= arguments_.size() || !arguments_[next_].valid() || !arguments_[next_].value->is_integer()) {
        out_ += "%!(BADWIDTH)";
        return -1;
      }
      return static_cast<int>(arguments_[next_++].value->integer());
    }
    auto end = std::min(format_.find_first_not_of("0123456789", at_), format_.size());
    auto value = parse_number<int>(format_.substr(at_, end - at_));
    at_ = end;
    return value.value_or(-1);
  }

  void add_unused() {
    if (reordered_ || next_ >= arguments_.size()) return;
    out_ += "%!(EXTRA ";
    for (std::size_t i = next_; i < arguments_.size(); ++i) {
      const Term& term = arguments_[i];
      out_ +=
          cat(i > next_ ? ", " : "", term.valid() ? cat(term.type->name, "=", go_text(term)) : std::string("<nil>"));
    }
    out_ += ')';
  }

  std::string_view format_;
  const std::vector<Term>& arguments_;
  std::size_t at_ = 0, next_ = 0;
  bool reordered_ = false, bad_index_ = false;
  std::string out_;
};

}  // namespace

std::string go_sprintf(std::string_view format, const std::vector<Term>& arguments) {
  return Sprintf(format, arguments).run();
}

}  // namespace hull::cli
