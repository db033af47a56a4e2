// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/go_type.h"

namespace hull::cli {

// One directive of fmt: "%-8.3s". See https://pkg.go.dev/fmt.
struct GoFormat {
  char verb = 'v';
  bool names = false;  // of the fields of structures: "%+v"
  bool plus = false, minus = false, sharp = false, space = false, zero = false;
  int width = -1, precision = -1;

  // The term as this directive shows it. Lists, maps and structures apply it to what is in them.
  std::string text(const Term& term, int depth = 0) const;

 private:
  std::string scalar(const Term& term) const;
  std::string structure(const Term& term, int depth) const;
  std::string boolean(const Term& term) const;
  std::string integer(const Term& term) const;
  std::string real(const Term& term) const;
  std::string text_value(const Term& term, std::string_view value) const;
  std::string quoted_or_bad(const Term& term, std::string_view value) const;
  std::string nothing() const;                 // what a nil is
  std::string bad(const Term& term) const;     // "%!d(string=web)"
  std::string padded(std::string text) const;  // to the width
  std::string signed_text(bool negative, std::string digits) const;
};

// strconv.FormatFloat; `precision` -1 is the shortest text that is this very number.
std::string go_real(double number, char verb, int precision);

}  // namespace hull::cli
