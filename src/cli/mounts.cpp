// SPDX-License-Identifier: Apache-2.0
#include "cli/mounts.h"

#include <unistd.h>
#include <climits>
#include <cstdlib>

#include "base/error.h"
#include "base/size.h"
#include "base/text.h"

namespace hull::cli {
namespace {

bool parse_switch(std::string_view key, std::optional<std::string_view> value) {
  if (!value || *value == "true" || *value == "1") return true;
  if (*value == "false" || *value == "0") return false;
  fail_invalid("invalid value for ", key, ": ", *value);
}

Value size_value(std::string_view key, std::string_view value) {
  auto bytes = parse_size(value);
  if (!bytes) fail_invalid("invalid value for ", key, ": ", value);
  return *bytes;
}

Value parse_mode(std::string_view key, std::string_view value) {
  auto mode = parse_number<std::uint32_t>(value, 8);
  if (!mode) fail_invalid("invalid value for ", key, ": ", value);
  return static_cast<std::int64_t>(*mode);
}

// The parts of a mount while its fields are read, each an object of the API.
struct Mount {
  Value top = Value::empty_map(), bind, volume, image, tmpfs, labels, driver, driver_options;
};

void set_bind_recursion(Mount& mount, std::string_view value) {
  if (value == "enabled") return;
  if (value == "disabled")
    mount.bind.set("NonRecursive", true);
  else if (value == "writable")
    mount.bind.set("ReadOnlyNonRecursive", true);
  else if (value == "readonly")
    mount.bind.set("ReadOnlyForceRecursive", true);
  else
    fail_invalid("invalid value for bind-recursive: ", value,
                 " (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")");
}

void set_pair(Value& map, std::string_view value) {
  auto [name, content] = split_once(value, '=');
  map.set(name, content.value_or(""));
}

void set_type(Mount& mount, std::string_view value) { mount.top.set("Type", lower(value)); }
void set_source(Mount& mount, std::string_view value) {
  mount.top.set("Source", value.starts_with('.') ? absolute_path(value) : std::string(value));
}

struct Key {
  std::string_view name;
  void (*set)(Mount& mount, std::string_view value);
};
constexpr Key kKeys[] = {
    {"type", set_type},
    {"source", set_source},
    {"src", set_source},
    {"target", [](Mount& m, std::string_view v) { m.top.set("Target", v); }},
    {"dst", [](Mount& m, std::string_view v) { m.top.set("Target", v); }},
    {"destination", [](Mount& m, std::string_view v) { m.top.set("Target", v); }},
    {"consistency", [](Mount& m, std::string_view v) { m.top.set("Consistency", lower(v)); }},
    {"bind-propagation", [](Mount& m, std::string_view v) { m.bind.set("Propagation", lower(v)); }},
    {"bind-recursive", set_bind_recursion},
    {"volume-subpath", [](Mount& m, std::string_view v) { m.volume.set("Subpath", v); }},
    {"volume-label", [](Mount& m, std::string_view v) { set_pair(m.labels, v); }},
    {"volume-driver", [](Mount& m, std::string_view v) { m.driver.set("Name", v); }},
    {"volume-opt", [](Mount& m, std::string_view v) { set_pair(m.driver_options, v); }},
    {"idmap", [](Mount& m, std::string_view v) { m.top.set("IDMap", v); }},
    {"image-subpath", [](Mount& m, std::string_view v) { m.image.set("Subpath", v); }},
    {"tmpfs-size", [](Mount& m, std::string_view v) { m.tmpfs.set("SizeBytes", size_value("tmpfs-size", v)); }},
    {"tmpfs-mode", [](Mount& m, std::string_view v) { m.tmpfs.set("Mode", parse_mode("tmpfs-mode", v)); }},
};

// Fields that stand for "true" when they have no value. True when `key` is one.
bool set_switch(Mount& mount, std::string_view key, std::optional<std::string_view> value) {
  if (key == "readonly" || key == "ro") {
    mount.top.set("ReadOnly", parse_switch(key, value));
  } else if (key == "volume-nocopy") {
    mount.volume.set("NoCopy", parse_switch(key, value));
  } else if (key == "bind-nonrecursive") {
    mount.bind.set("NonRecursive", parse_switch(key, value));
  } else if (key == "bind-create-src") {
    mount.bind.set("CreateMountpoint", parse_switch(key, value));
  } else {
    return false;
  }
  return true;
}

void set_field(Mount& mount, std::string_view field) {
  auto [name, value] = split_once(field, '=');
  std::string key = lower(name);
  if (set_switch(mount, key, value)) return;
  if (!value) fail_invalid("invalid field '", field, "' must be a key=value pair");
  for (const Key& one : kKeys)
    if (one.name == key) return one.set(mount, *value);
  fail_invalid("unexpected key '", key, "' in '", field, "'");
}

void keep_options(Mount& mount, const std::string& type, std::string_view of, std::string_view member, Value& options) {
  if (options.is_null()) return;
  if (type != of) fail_invalid("cannot mix '", of, "-*' options with mount type '", type, "'");
  mount.top.set(member, std::move(options));
}

}  // namespace

void add_volume(Volumes& volumes, std::string_view specification) {
  if (specification.empty()) fail_invalid("invalid empty volume spec");
  auto [source, rest] = split_once(specification, ':');
  if (!rest) {
    volumes.anonymous.emplace_back(specification);
    return;
  }
  if (source.empty() || rest->empty() || rest->starts_with(':'))
    fail_invalid("invalid spec: ", specification, ": empty section between colons");
  std::string from = source.starts_with('.') ? absolute_path(source) : std::string(source);
  volumes.binds.push_back(cat(from, ":", *rest));
}

std::vector<std::string> parse_csv(std::string_view line) {
  std::vector<std::string> fields(1);
  bool in_quotes = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (in_quotes) {
      if (c != '"')
        fields.back() += c;
      else if (i + 1 < line.size() && line[i + 1] == '"')
        fields.back() += line[++i];
      else
        in_quotes = false;
    } else if (c == '"' && fields.back().empty()) {
      in_quotes = true;
    } else if (c == '"') {
      fail_invalid("parse error on line 1, column ", i + 1, ": bare \" in non-quoted-field");
    } else if (c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (in_quotes)
    fail_invalid("parse error on line 1, column ", line.size() + 1, ": extraneous or missing \" in quoted-field");
  return fields;
}

Value parse_mount(std::string_view specification) {
  Mount mount;
  for (const std::string& field : parse_csv(specification)) set_field(mount, field);
  std::string type = mount.top["Type"].text();
  if (type.empty()) mount.top.set("Type", type = "volume");
  if (mount.top["Target"].text().empty()) fail_invalid("target is required");
  if (!mount.driver_options.is_null()) mount.driver.set("Options", std::move(mount.driver_options));
  if (!mount.labels.is_null()) mount.volume.set("Labels", std::move(mount.labels));
  if (!mount.driver.is_null()) mount.volume.set("DriverConfig", std::move(mount.driver));
  keep_options(mount, type, "volume", "VolumeOptions", mount.volume);
  keep_options(mount, type, "image", "ImageOptions", mount.image);
  keep_options(mount, type, "bind", "BindOptions", mount.bind);
  keep_options(mount, type, "tmpfs", "TmpfsOptions", mount.tmpfs);
  return mount.top;
}

std::string absolute_path(std::string_view path) {
  std::string whole(path);
  if (!whole.starts_with('/')) {
    char folder[PATH_MAX];
    if (!::getcwd(folder, sizeof folder)) throw_errno("getcwd");
    whole = cat(std::string_view(folder), "/", path);
  }
  std::vector<std::string_view> parts;
  for (std::string_view part : split(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..")
      parts.push_back(part);
    else if (!parts.empty())
      parts.pop_back();
  }
  std::string out;
  for (std::string_view part : parts) out += cat("/", part);
  return out.empty() ? "/" : out;
}

}  // namespace hull::cli
