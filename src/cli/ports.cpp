// SPDX-License-Identifier: Apache-2.0
#include "cli/ports.h"

#include <arpa/inet.h>

#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace hull::cli {
namespace {

struct Range {
  unsigned first = 0, last = 0;
  unsigned size() const { return last - first + 1; }
};

std::optional<Range> parse_range(std::string_view text) {
  auto [first, last] = split_once(text, '-');
  auto low = parse_number<std::uint16_t>(first);
  auto high = last ? parse_number<std::uint16_t>(*last) : low;
  if (!low || !high || *high < *low) return std::nullopt;
  return Range{*low, *high};
}

// "80/tcp" to "80" and "tcp".
std::pair<std::string_view, std::string> split_protocol(std::string_view text) {
  auto [port, protocol] = split_once(text, '/');
  std::string name = protocol && !protocol->empty() ? lower(*protocol) : std::string("tcp");
  if (name != "tcp" && name != "udp" && name != "sctp") fail_invalid("invalid proto: ", name);
  return {port, name};
}

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

std::string long_form(std::string_view specification) {
  std::string published, target, protocol = "tcp";
  for (std::string_view part : split(specification, ',')) {
    auto [key, value] = split_once(part, '=');
    if (!value || value->empty())
      fail_invalid("invalid publish opts format (should be name=value but got '", part, "')");
    if (key == "published")
      published = *value;
    else if (key == "target")
      target = *value;
    else if (key == "protocol" || key == "proto")
      protocol = *value;
    else if (key != "mode")
      fail_invalid("invalid field key ", key);
  }
  return cat(published, ":", target, "/", protocol);
}

}  // namespace

void add_published(Ports& ports, std::string_view specification) {
  std::string converted;
  if (specification.find('=') != specification.npos) specification = converted = long_form(specification);

  std::string_view container = specification, host, address;
  if (auto colon = container.rfind(':'); colon != container.npos) {
    host = container.substr(0, colon);
    container.remove_prefix(colon + 1);
    if (colon = host.rfind(':'); colon != host.npos) {
      address = host.substr(0, colon);
      host.remove_prefix(colon + 1);
    }
  }
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  if (!address.empty() && !is_address(std::string(address))) fail_invalid("invalid IP address: ", address);
  auto [port, protocol] = split_protocol(container);
  if (port.empty()) fail_invalid("no port specified: ", specification, "<empty>");
  auto inside = parse_range(port);
  if (!inside) fail_invalid("invalid containerPort: ", port);
  auto outside = host.empty() ? std::optional<Range>(Range{}) : parse_range(host);
  if (!outside) fail_invalid("invalid hostPort: ", host);
  // One port inside may take any of a range outside; otherwise the two ranges go together one by one.
  if (!host.empty() && outside->size() != inside->size() && inside->size() != 1)
    fail_invalid("invalid ranges specified for container and host Ports: ", port, " and ", host);
  for (unsigned i = 0; i < inside->size(); ++i) {
    std::string name = cat(inside->first + i, "/", protocol);
    std::string host_port;
    if (!host.empty()) host_port = outside->size() != inside->size() ? std::string(host) : cat(outside->first + i);
    ports.exposed.insert(name);
    ports.bindings[name].push_back({std::string(address), host_port});
  }
}

void add_exposed(Ports& ports, std::string_view specification) {
  if (specification.find(':') != specification.npos) fail_invalid("invalid port format for --expose: ", specification);
  auto [port, protocol] = split_protocol(specification);
  auto range = parse_range(port);
  if (!range) fail_invalid("invalid range format for --expose: ", specification, ", error: invalid port: ", port);
  for (unsigned i = 0; i < range->size(); ++i) ports.exposed.insert(cat(range->first + i, "/", protocol));
}

// Built as lists: set() would compare each of thousands of names with all before it.
Value exposed_json(const Ports& ports) {
  Value::Map out;
  for (const std::string& name : ports.exposed) out.emplace_back(name, Value::empty_map());
  return Value(std::move(out));
}

Value bindings_json(const Ports& ports) {
  Value::Map out;
  for (const auto& [name, bindings] : ports.bindings) {
    Value list = Value::empty_list();
    for (const HostPort& one : bindings) list.push(Value::Map{{"HostIp", one.address}, {"HostPort", one.port}});
    out.emplace_back(name, std::move(list));
  }
  return Value(std::move(out));
}

}  // namespace hull::cli
