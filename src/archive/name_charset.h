// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <locale.h>

namespace hull::archive {

// libarchive converts between the UTF-8 names of PAX headers and the thread's character set, and would turn them
// into question marks in the C locale. While one of these is alive they stay as they are.
class Utf8Names {
 public:
  Utf8Names() : before_(::uselocale(locale())) {}
  ~Utf8Names() { ::uselocale(before_); }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  static locale_t locale() {
    static locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return utf8;
  }
  locale_t before_;
};

}  // namespace hull::archive
