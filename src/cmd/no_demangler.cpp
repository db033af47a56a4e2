// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

// What std::terminate() calls when nothing else is set: libstdc++'s prints the type of an exception that nobody has
// caught, with a demangler that is 60 KiB of every static program. main() catches all that is thrown.
namespace __gnu_cxx {
void __verbose_terminate_handler() { std::abort(); }
}  // namespace __gnu_cxx
