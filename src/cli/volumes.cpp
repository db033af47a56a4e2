// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/command.h"
#include "cli/key_values.h"
#include "cli/listing.h"
#include "cli/prune.h"
#include "cli/verbs.h"

namespace hull::cli {
namespace volume {

int create(Invocation& call) {
  const Options& options = call.options;
  Value request = Value::Map{{"Name", call.arguments().empty() ? std::string() : call.argument(0)},
                             {"Driver", options.text("driver")},
                             {"DriverOpts", map_of(options.list("opt"))},
                             {"Labels", map_of(options.list("label"))}};
  print_line(call.client().post("/volumes/create", request).value()["Name"].text());
  return 0;
}

int list(Invocation& call) {
  const Options& options = call.options;
  Query query;
  query.add_filters(options.list("filter"));
  Value answer = call.client().get(cat("/volumes", query.text()));
  std::vector<Value> rows;
  for (const Value& volume : answer["Volumes"].list()) {
    Value row = Value::Map{{"Name", volume["Name"]},   {"Driver", volume["Driver"]},
                           {"Scope", volume["Scope"]}, {"Mountpoint", volume["Mountpoint"]},
                           {"Links", "N/A"},           {"Size", "N/A"},
                           {"Availability", "N/A"},    {"Group", "N/A"},
                           {"Status", "N/A"}};
    set_labels(row, volume["Labels"]);
    rows.push_back(std::move(row));
  }
  std::ranges::sort(rows, {}, [](const Value& row) { return row["Name"].text(); });
  std::string format = options.text("format");
  if (options.is_set("quiet") && format.empty()) format = "{{.Name}}";
  Listing listing{
      {{"Driver", "DRIVER"}, {"Name", "VOLUME NAME"}},
      {{"Scope", "SCOPE"}, {"Mountpoint", "MOUNTPOINT"}, {"Labels", "LABELS"}, {"Links", "LINKS"}, {"Size", "SIZE"}}};
  print(listed(listing, rows, format));
  return 0;
}

int remove(Invocation& call) {
  std::string query = call.options.is_set("force") ? "?force=1" : "";
  return for_each_argument(call.arguments(), [&](const std::string& name) {
    call.client().remove(cat("/volumes/", percent_encoded(name), query));
    return name;
  });
}

int prune(Invocation& call) {
  bool all = call.options.is_set("all");
  std::vector<std::string> filters;
  if (all) filters.emplace_back("all=true");
  return prune_objects(call, "volumes",
                       all ? "WARNING! This will remove all local volumes not used by at least one container."
                           : "WARNING! This will remove anonymous local volumes not used by at least one container.",
                       filters);
}

}  // namespace volume

}  // namespace hull::cli
