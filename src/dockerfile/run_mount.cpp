// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/run_mount.h"

#include <array>

#include "base/error.h"
#include "base/size.h"
#include "dockerfile/source.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

using Type = RunMount::Type;
using Sharing = RunMount::Sharing;

constexpr std::array<std::string_view, 5> kTypes = {"bind", "cache", "tmpfs", "secret", "ssh"};
constexpr std::array<std::string_view, 3> kSharings = {"shared", "private", "locked"};

template <class Enum, std::size_t Count>
Enum parse_name(const std::array<std::string_view, Count>& names, std::string_view value, std::string_view what) {
  const std::string wanted = lower(value);
  for (std::size_t i = 0; i < Count; ++i)
    if (names[i] == wanted) return static_cast<Enum>(i);
  fail_invalid("unsupported ", what, " ", quoted(value), suggestion(value, {names.begin(), names.end()}));
}

bool boolean(std::string_view key, std::string_view value) {
  if (auto parsed = parse_bool(value)) return *parsed;
  fail_invalid("invalid value for ", key, ": ", value);
}

std::uint32_t number(std::string_view key, std::string_view value, int base) {
  if (auto parsed = parse_number<std::uint32_t>(value, base)) return *parsed;
  fail_invalid("invalid value ", value, " for ", key);
}

[[noreturn]] void unexpected(std::string_view key, Type type) {
  fail_invalid("unexpected key '", key, "' for mount type '", to_string(type), "'");
}

// What the options say, before it is checked as a whole. Options that come later win.
struct Options {
  RunMount mount;
  std::optional<bool> read_only;
  bool has_sharing = false;
};

void apply_flag(Options& options, std::string_view key, std::string_view field) {
  if (key == "readonly" || key == "ro") {
    options.read_only = true;
  } else if (key == "readwrite" || key == "rw") {
    options.read_only = false;
  } else if (key == "required") {
    if (options.mount.type != Type::kSecret && options.mount.type != Type::kSsh) unexpected(key, options.mount.type);
    options.mount.required = true;
  } else {
    fail_invalid("invalid field '", field, "' must be a key=value pair");
  }
}

void apply(Options& options, std::string_view key, std::string value, std::string_view field) {
  RunMount& mount = options.mount;
  auto is_any = [&](auto... names) { return ((key == names) || ...); };
  if (is_any("type")) {
    mount.type = parse_name<Type>(kTypes, value, "mount type");
  } else if (is_any("from")) {
    mount.from = std::move(value);
  } else if (is_any("source", "src")) {
    mount.source = std::move(value);
  } else if (is_any("target", "dst", "destination")) {
    mount.target = std::move(value);
  } else if (is_any("readonly", "ro")) {
    options.read_only = boolean(key, value);
  } else if (is_any("readwrite", "rw")) {
    options.read_only = !boolean(key, value);
  } else if (is_any("required")) {
    if (mount.type != Type::kSecret && mount.type != Type::kSsh) unexpected(key, mount.type);
    mount.required = boolean(key, value);
  } else if (is_any("size")) {
    if (mount.type != Type::kTmpfs) unexpected(key, mount.type);
    const auto size = parse_size(value);
    if (!size) fail_invalid("invalid value for ", key, ": ", value);
    mount.size = static_cast<std::uint64_t>(*size);
  } else if (is_any("id")) {
    mount.id = std::move(value);
  } else if (is_any("sharing")) {
    mount.sharing = parse_name<Sharing>(kSharings, value, "sharing value");
    options.has_sharing = true;
  } else if (is_any("mode")) {
    mount.mode = number(key, value, 8);
  } else if (is_any("uid")) {
    mount.uid = number(key, value, 10);
  } else if (is_any("gid")) {
    mount.gid = number(key, value, 10);
  } else if (is_any("env")) {
    mount.env = std::move(value);
  } else {
    fail_invalid("unexpected key '", key, "' in '", field, "'",
                 suggestion(key, {"type", "from", "source", "target", "readonly", "id", "sharing", "required", "size",
                                  "mode", "uid", "gid", "src", "dst", "destination", "ro", "rw", "readwrite", "env"}));
  }
}

void check_whole(const Options& options) {
  const RunMount& mount = options.mount;
  if (mount.type == Type::kBind || mount.type == Type::kTmpfs) {
    auto refuse = [&](std::string_view key) {
      fail_invalid(key, " not allowed for ", quoted(to_string(mount.type)), " type mounts");
    };
    if (mount.mode) refuse("mode");
    if (mount.uid) refuse("uid");
    if (mount.gid) refuse("gid");
  }
  if (mount.type == Type::kSecret) {
    if (!mount.from.empty()) fail_invalid("secret mount should not have a from");
    if (options.has_sharing) fail_invalid("secret mount should not define sharing");
    if (mount.source.empty() && mount.target.empty() && mount.id.empty())
      fail_invalid("invalid secret mount. one of source, target required");
    if (!mount.source.empty() && !mount.id.empty()) fail_invalid("both source and id can't be set");
  }
  if (options.has_sharing && mount.type != Type::kCache)
    fail_invalid("invalid cache sharing set for ", to_string(mount.type), " mount");
}

}  // namespace

std::string_view to_string(Type type) { return kTypes[static_cast<std::size_t>(type)]; }
std::string_view to_string(Sharing sharing) { return kSharings[static_cast<std::size_t>(sharing)]; }

RunMount parse_run_mount(std::string_view text, const Expander& expand) {
  Options options;
  options.mount.text = text;
  for (const std::string& field : split_csv(text)) {
    const auto [written_key, value] = split_once(field, '=');
    const std::string key = lower(written_key);
    if (!expand) {
      if (key != "from" || !value) continue;
      const std::size_t dollar = value->find('$');
      if (dollar != std::string_view::npos && dollar + 1 != value->size())
        fail_invalid("'from' doesn't support variable expansion, define alias stage instead");
      options.mount.from = *value;
    } else if (!value) {
      apply_flag(options, key, field);
    } else {
      apply(options, key, expand(*value), field);
    }
  }
  if (!expand) return options.mount;
  check_whole(options);
  const bool writable = options.mount.type == Type::kCache || options.mount.type == Type::kTmpfs;
  options.mount.read_only = options.read_only.value_or(!writable);
  return options.mount;
}

RunDevice parse_run_device(std::string_view text) {
  RunDevice out;
  for (const std::string& field : split_csv(text)) {
    const auto [written_key, value] = split_once(field, '=');
    const std::string key = lower(written_key);
    if (key == "required") {
      out.required = value ? boolean(key, *value) : true;
    } else if (key == "name" && value) {
      if (!out.name.empty()) fail_invalid("device name already set to ", out.name);
      out.name = *value;
    } else if (out.name.empty()) {
      out.name = field;  // "vendor.com/device=name": the equals sign is part of the name
    } else if (!value) {
      fail_invalid("invalid field '", field, "' must be a key=value pair");
    } else {
      fail_invalid("unexpected key '", key, "' in '", field, "'", suggestion(key, {"name", "required"}));
    }
  }
  return out;
}

}  // namespace hull::dockerfile
