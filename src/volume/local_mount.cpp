// SPDX-License-Identifier: Apache-2.0
#include "volume/local_mount.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "base/size.h"
#include "linux/client_socket.h"
#include "linux/fd_path.h"
#include "linux/ip_address.h"
#include "linux/mount_options.h"
#include "linux/mount_table.h"
#include "linux/mounts.h"

namespace hull::volume {

namespace {

constexpr std::string_view kOptions[] = {"type", "o", "device", "size"};
struct Requirement {
  std::string_view option, needs;
};
constexpr Requirement kRequirements[] = {{"o", "device"}, {"o", "type"}, {"type", "device"}, {"device", "type"}};

std::string option_of(const StringMap& options, std::string_view name) {
  auto found = options.find(std::string(name));
  return found == options.end() ? "" : found->second;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (auto word : split(text, ','))
    if (!word.empty()) words.emplace_back(word);
  return words;
}

std::string without_brackets(const std::string& host) {
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

// The server that "host:/path" (nfs) or "//host/share" (cifs) names; "" for other types, and for none.
std::string server_of(const std::string& type, const std::string& device) {
  if (type == "nfs" || type == "nfs4") {
    auto end = device.find(":/");
    return end == device.npos ? "" : without_brackets(device.substr(0, end));
  }
  if ((type == "cifs" || type == "smb3") && device.starts_with("//")) return device.substr(2, device.find('/', 2) - 2);
  return "";
}

std::string address_of(const std::string& server) {
  if (linux::is_ip_address(server)) return server;
  std::string endpoint = linux::resolve_endpoint(server + ":0");
  return without_brackets(endpoint.substr(0, endpoint.rfind(':')));
}

// The kernel's clients for network file systems take addresses only, no names: what mount.nfs and mount.cifs do.
void resolve_server(const std::string& type, const std::string& device, linux::FilesystemParameters& parameters) {
  bool given = false;
  for (auto& [key, value] : parameters) {
    if (key != "addr" && key != "ip") continue;
    value = address_of(value);
    given = true;
  }
  std::string server = server_of(type, device);
  if (!given && !server.empty()) parameters.emplace_back("addr", address_of(server));
}

linux::DetachedMount open_volume(const std::string& type, const std::string& device, linux::MountOptions& options) {
  if (options.bind || type == "bind") return linux::clone_mount(device, options.recursive);
  resolve_server(type, device, options.parameters);
  // Read-only is also the file system's own business: its device may be.
  if (options.read_only() && type != "tmpfs") options.parameters.emplace_back("ro", "");
  return linux::mount_filesystem(type, device, options.parameters, options.attributes.set);
}

// The options without what nobody else may read: messages end up in logs.
std::string without_secrets(const std::string& o) {
  std::vector<std::string> words = words_of(o);
  for (auto& word : words)
    if (auto [key, value] = split_once(word, '='); value && (key.starts_with("pass") || key == "pw"))
      word = cat(key, "=…");
  return join(words, ",");
}

std::string explanation(const Error& error, const std::string& type, const std::string& device) {
  switch (error.code()) {
    case ENODEV: return cat("this kernel has no file system of the type ", quoted(type), " (is its module loaded?)");
    case ENOENT: return cat("there is no ", device, " here");
    case ENOTBLK: return cat(device, " is no block device");
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ECONNREFUSED: return cat("the server does not answer: ", lower(errno_text(error.code())));
    default: return error.message();
  }
}

}  // namespace

void check_options(const std::string& name, const StringMap& options) {
  for (const auto& [key, value] : options)
    if (std::ranges::find(kOptions, key) == std::end(kOptions))
      fail_invalid("create ", name, ": invalid option: ", quoted(key));
  for (const Requirement& rule : kRequirements)
    if (!option_of(options, rule.option).empty() && option_of(options, rule.needs).empty())
      fail_invalid("create ", name, ": missing required option: ", quoted(rule.needs));
  std::string size = option_of(options, "size");
  if (size.empty()) return;
  if (!parse_size(size) || *parse_size(size) == 0) fail_invalid("create ", name, ": invalid size ", quoted(size));
  if (!option_of(options, "device").empty())
    fail_invalid("create ", name,
                 ": size is a limit for the engine's own file system, and this volume is mounted from ",
                 option_of(options, "device"), ": the size of a tmpfs is given as o=size=…");
}

std::uint64_t size_limit(const Volume& volume) {
  return static_cast<std::uint64_t>(parse_size(option_of(volume.options, "size")).value_or(0));
}

bool has_mount(const Volume& volume) { return !option_of(volume.options, "device").empty(); }

bool is_mounted(const Volume& volume) {
  if (!exists(volume.mountpoint)) return false;
  std::string real = linux::fd_path(open_file(volume.mountpoint, O_PATH).get());
  return linux::mount_of(real).point == real;
}

void mount_volume(const Volume& volume) {
  std::string type = option_of(volume.options, "type"), device = option_of(volume.options, "device");
  std::string o = option_of(volume.options, "o");
  try {
    auto options = linux::parse_mount_options(words_of(o));
    if (type.empty()) options.bind = true;
    auto mount = open_volume(type, device, options);
    linux::attach_mount(mount.get(), volume.mountpoint);
    linux::set_mount_attributes(mount.get(),
                                {options.attributes.set, options.attributes.clear, options.attributes.propagation});
    linux::set_mount_attributes(mount.get(), options.tree, true);
  } catch (const Error& e) {
    unmount_volume(volume);
    throw Error(Kind::kInternal,
                cat("failed to mount local volume ", volume.name, ": mount ", device, " (type ", quoted(type),
                    o.empty() ? "" : cat(", options ", quoted(without_secrets(o))), ") at ", volume.mountpoint, ": ",
                    explanation(e, type, device)),
                e.code(), "mount");
  }
}

void unmount_volume(const Volume& volume) {
  if (is_mounted(volume)) linux::unmount_lazily(volume.mountpoint);
}

}  // namespace hull::volume
