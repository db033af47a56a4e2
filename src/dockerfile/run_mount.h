// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hull::dockerfile {

// One `RUN --mount=…`. Its values may hold variables, so the parser fills in only `text` and `from`; the rest is there
// after StageScope::resolve() (or parse_run_mount()).
struct RunMount {
  enum class Type : unsigned char { kBind, kCache, kTmpfs, kSecret, kSsh };
  enum class Sharing : unsigned char { kShared, kPrivate, kLocked };

  std::string text;  // the option as written, "type=cache,target=/root/.cache"
  Type type = Type::kBind;
  std::string from;        // stage, image or named context; "": the build context (bind), an empty directory (cache)
  std::string source;      // path in `from`
  std::string target;      // may be relative to WORKDIR; "" is only allowed for secret and ssh
  std::string id;          // cache, secret, ssh; "" is the default: cache target, secret file name, "default"
  bool read_only = true;   // bind, secret, ssh: true unless rw; cache, tmpfs: false unless ro
  std::uint64_t size = 0;  // tmpfs: bytes; 0: no limit of its own
  Sharing sharing = Sharing::kShared;
  bool required = false;                        // secret, ssh
  std::optional<std::string> env;               // secret: the name of the variable; "" is the id's name
  std::optional<std::uint32_t> mode, uid, gid;  // cache (0755, 0, 0), secret (0400), ssh (0600)
};
std::string_view to_string(RunMount::Type type);
std::string_view to_string(RunMount::Sharing sharing);

// One `RUN --device=name[,required]`: a CDI device.
struct RunDevice {
  std::string name;
  bool required = false;
};

using Expander = std::function<std::string(std::string_view)>;

// Throws Error{kInvalidArgument} in BuildKit's words: "unsupported mount type "bnd" (did you mean bind?)". Without
// `expand` only `text` and `from` are looked at; a variable in `from` is refused then as well.
RunMount parse_run_mount(std::string_view text, const Expander& expand);
RunDevice parse_run_device(std::string_view text);

}  // namespace hull::dockerfile
