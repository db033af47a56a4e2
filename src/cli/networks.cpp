// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/key_values.h"
#include "cli/listing.h"
#include "cli/prune.h"
#include "cli/verbs.h"

namespace hull::cli {
namespace {

std::string network_path(const std::string& name) { return cat("/networks/", percent_encoded(name)); }

// The bits of an address, most significant first; empty when it is none.
std::vector<bool> bits_of(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  bool is_v6 = text.find(':') != std::string::npos;
  if (::inet_pton(is_v6 ? AF_INET6 : AF_INET, text.c_str(), bytes) != 1) return {};
  std::vector<bool> bits;
  for (std::size_t i = 0; i < (is_v6 ? 128u : 32u); ++i) bits.push_back(bytes[i / 8] >> (7 - i % 8) & 1);
  return bits;
}

// Whether `address` lies in `subnet`. Texts that are none do not.
bool subnet_has(const std::string& subnet, const std::string& address) {
  auto [first, length] = split_once(subnet, '/');
  auto network = bits_of(std::string(first)), inside = bits_of(address);
  std::size_t prefix = parse_number<std::size_t>(length.value_or("")).value_or(network.size() + 1);
  if (network.empty() || network.size() != inside.size() || prefix > network.size()) return false;
  return std::equal(network.begin(), network.begin() + static_cast<std::ptrdiff_t>(prefix), inside.begin());
}

// Ranges, gateways and reserved addresses belong to the subnet that they lie in.
Value ipam_configs(const Options& options) {
  std::vector<Value> configs;
  auto subnets = options.list("subnet");
  for (const auto& subnet : subnets) configs.push_back(Value::Map{{"Subnet", subnet}});
  auto place = [&](std::string_view what, const std::string& given, const std::string& address, auto put) {
    for (std::size_t i = 0; i < subnets.size(); ++i) {
      if (!subnet_has(subnets[i], address)) continue;
      put(configs[i]);
      return;
    }
    fail_invalid("no matching subnet for ", what, " ", given);
  };
  for (const auto& range : options.list("ip-range"))
    place("range", range, std::string(split_once(range, '/').first), [&](Value& config) {
      if (config.find("IPRange")) fail_invalid("cannot configure multiple ranges (", range, ") on the same subnet");
      config.set("IPRange", range);
    });
  for (const auto& gateway : options.list("gateway"))
    place("gateway", gateway, gateway, [&](Value& config) {
      if (config.find("Gateway"))
        fail_invalid("cannot configure multiple gateways (", gateway, ") for the same subnet");
      config.set("Gateway", gateway);
    });
  for (const auto& pair : options.list("aux-address")) {
    auto [name, text] = split_once(pair, '=');
    std::string address(text.value_or(""));
    place("aux-address", address, address, [key = name, &address](Value& config) {
      Value all = config["AuxiliaryAddresses"];
      all.set(key, address);
      config.set("AuxiliaryAddresses", all);
    });
  }
  return configs.empty() ? Value::empty_list() : Value(Value::List(configs.begin(), configs.end()));
}

}  // namespace

namespace network {

int create(Invocation& call) {
  const Options& options = call.options;
  if (options.is_set("config-only") && !options.text("config-from").empty())
    fail_invalid("cannot specify both --config-only and --config-from");
  Value request = Value::Map{{"Name", call.argument(0)},
                             {"Driver", options.text("driver")},
                             {"Scope", options.text("scope")},
                             {"IPAM", Value::Map{{"Driver", options.text("ipam-driver")},
                                                 {"Options", map_of(options.list("ipam-opt"))},
                                                 {"Config", ipam_configs(options)}}},
                             {"Internal", options.is_set("internal")},
                             {"Attachable", options.is_set("attachable")},
                             {"Ingress", options.is_set("ingress")},
                             {"ConfigOnly", options.is_set("config-only")},
                             {"Options", map_of(options.list("opt"))},
                             {"Labels", map_of(options.list("label"))}};
  if (options.given("ipv4")) request.set("EnableIPv4", options.is_set("ipv4"));
  if (options.given("ipv6")) request.set("EnableIPv6", options.is_set("ipv6"));
  if (std::string from = options.text("config-from"); !from.empty())
    request.set("ConfigFrom", Value::Map{{"Network", from}});
  print_line(call.client().post("/networks/create", request).value()["Id"].text());
  return 0;
}

int connect(Invocation& call) {
  const Options& options = call.options;
  NetworkChoice choice;
  choice.target = call.argument(0);
  choice.aliases = options.list("alias");
  choice.ipv4 = options.text("ip");
  choice.ipv6 = options.text("ip6");
  choice.link_local = options.list("link-local-ip");
  choice.links = options.list("link");
  choice.driver_options = map_of(options.list("driver-opt"));
  choice.gateway_priority = options.integer("gw-priority");
  Value request = Value::Map{{"Container", call.argument(1)}, {"EndpointConfig", endpoint_json(choice)}};
  call.client().post(cat(network_path(call.argument(0)), "/connect"), request);
  return 0;
}

int disconnect(Invocation& call) {
  Value request = Value::Map{{"Container", call.argument(1)}, {"Force", call.options.is_set("force")}};
  call.client().post(cat(network_path(call.argument(0)), "/disconnect"), request);
  return 0;
}

int remove(Invocation& call) {
  bool force = call.options.is_set("force");
  return for_each_argument(call.arguments(), [&](const std::string& name) {
    try {
      call.client().remove(network_path(name));
    } catch (const Refused& e) {
      if (!force || e.status() != 404) throw;
    }
    return name;
  });
}

int prune(Invocation& call) {
  if (!confirmed(call.options, "WARNING! This will remove all custom networks not used by at least one container."))
    return 0;
  prune_quietly(call.client(), "networks", call.options.list("filter"));
  return 0;
}

int list(Invocation& call) {
  const Options& options = call.options;
  Query query;
  query.add_filters(options.list("filter"));
  Value answer = call.client().get(cat("/networks", query.text()));
  std::vector<Value> rows;
  auto flag = [](const Value& value) { return std::string(value.boolean() ? "true" : "false"); };
  for (const Value& network : answer.list()) {
    const std::string& id = network["Id"].text();
    Value row = Value::Map{{"ID", options.is_set("no-trunc") ? id : short_form(id)},
                           {"Name", network["Name"]},
                           {"Driver", network["Driver"]},
                           {"Scope", network["Scope"]},
                           {"IPv4", flag(network["EnableIPv4"])},
                           {"IPv6", flag(network["EnableIPv6"])},
                           {"Internal", flag(network["Internal"])},
                           {"CreatedAt", go_time(network["Created"].text())}};
    set_labels(row, network["Labels"]);
    rows.push_back(std::move(row));
  }
  std::ranges::sort(rows, {}, [](const Value& row) { return row["Name"].text(); });
  bool quiet = options.is_set("quiet");
  std::string format = chosen_format(options, "networksFormat", quiet);
  if (quiet && (format.empty() || format == "table")) format = "{{.ID}}";
  Listing listing{
      {{"ID", "NETWORK ID"}, {"Name", "NAME"}, {"Driver", "DRIVER"}, {"Scope", "SCOPE"}},
      {{"IPv4", "IPV4"}, {"IPv6", "IPV6"}, {"Internal", "INTERNAL"}, {"Labels", "LABELS"}, {"CreatedAt", "CREATED AT"}},
      "*network.networkContext"};
  print(listed(listing, rows, format));
  return 0;
}

}  // namespace network
}  // namespace hull::cli
