// SPDX-License-Identifier: Apache-2.0
#pragma once

// One list of fields per struct, used by every codec.
//
// A struct that is written down somewhere (JSON of a specification, of Docker's API, the binary form that
// goes to the shim) says once, beside its declaration, what its fields are called:
//
//     struct Rlimit { std::string type; std::uint64_t soft = 0, hard = 0; };
//     template <class Visitor> void fields(Visitor& visit, Rlimit& r) {
//       visit("type", r.type);
//       visit("soft", r.soft);
//       visit("hard", r.hard);
//     }
//
// oci/json.h turns that into JSON and back, base/wire.h into the compact form of hull's own protocols.
namespace hull {

// How a JSON codec writes a field that holds its type's empty value (0, "", false, [], {}, no value).
// Reading is the same for all: a missing field or null leaves the empty value.
enum class WhenEmpty : unsigned char {
  kWrite,  // 0, "", false, [], {}; an optional without value is null
  kOmit,   // the key is left out, as Go's omitempty does
  kNull,   // null: what Go writes for a nil slice or map
};

}  // namespace hull
