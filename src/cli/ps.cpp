// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include <algorithm>
#include <map>

#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/container_path.h"
#include "cli/listing.h"
#include "cli/live_screen.h"
#include "cli/prune.h"
#include "cli/template.h"
#include "cli/units.h"
#include "cli/verbs.h"

namespace hull::cli::container {
namespace {

struct Mapping {
  std::string address, type;
  std::int64_t inside, outside;  // outside 0: exposed only
};

std::string shown_address(const std::string& address) {
  return address.find(':') == std::string::npos ? address : cat("[", address, "]");
}

std::string range(std::int64_t first, std::int64_t last) { return first == last ? cat(first) : cat(first, "-", last); }

// "0.0.0.0:80-81->80-81/tcp, 90/udp": neighbours that are mapped alike are one entry.
std::string ports_text(const Value& ports) {
  std::vector<Mapping> mappings;
  for (const Value& port : ports.list())
    mappings.push_back(
        {port["IP"].text(), port["Type"].text(), port["PrivatePort"].integer(), port["PublicPort"].integer()});
  std::ranges::sort(mappings, [](const Mapping& a, const Mapping& b) {
    return std::tie(a.inside, a.address, a.type, a.outside) < std::tie(b.inside, b.address, b.type, b.outside);
  });
  // One run for each address and type; a port mapped to itself may join the run before it.
  std::vector<std::string> exposed, published;
  std::map<std::pair<std::string, std::string>, std::pair<std::int64_t, std::int64_t>> runs;
  auto finish = [&](const auto& key, const auto& run) {
    std::string ports_in_run = range(run.first, run.second);
    if (key.first.empty())
      exposed.push_back(cat(ports_in_run, "/", key.second));
    else
      published.push_back(cat(shown_address(key.first), ":", ports_in_run, "->", ports_in_run, "/", key.second));
  };
  std::vector<std::string> unequal;
  for (const Mapping& one : mappings) {
    if (one.outside && one.outside != one.inside) {
      unequal.push_back(cat(shown_address(one.address), ":", one.outside, "->", one.inside, "/", one.type));
      continue;
    }
    auto key = std::pair(one.outside ? one.address : std::string(), one.type);
    auto found = runs.find(key);
    if (found != runs.end() && found->second.second + 1 == one.inside) {
      found->second.second = one.inside;
      continue;
    }
    if (found != runs.end()) finish(key, found->second);
    runs[key] = {one.inside, one.inside};
  }
  for (const auto& [key, run] : runs) finish(key, run);
  for (auto* part : {&published, &unequal}) exposed.insert(exposed.end(), part->begin(), part->end());
  return join(exposed, ", ");
}

std::string names_text(const Value& names, bool whole) {
  std::vector<std::string> out;
  for (const Value& name : names.list()) {
    std::string plain = name.text().starts_with('/') ? name.text().substr(1) : name.text();
    // "/web/db" is a link of web, not a name of its own.
    if (whole || plain.find('/') == std::string::npos) out.push_back(plain);
  }
  return join(out, ",");
}

std::string size_text(const Value& container) {
  std::string own = decimal_size(container["SizeRw"].real(), 3);
  if (container["SizeRootFs"].integer() <= 0) return own;
  return cat(own, " (virtual ", decimal_size(container["SizeRootFs"].real(), 3), ")");
}

std::string image_text(const Value& container, bool whole) {
  const std::string& image = container["Image"].text();
  if (image.empty()) return "<no image>";
  if (!whole && image.starts_with("sha256:")) return short_form(image);
  auto digest = image.find('@');
  return whole || digest == std::string::npos ? image : image.substr(0, digest);
}

std::string mounts_text(const Value& mounts, bool whole) {
  std::vector<std::string> names;
  for (const Value& mount : mounts.list()) {
    const std::string& name = mount["Name"].text().empty() ? mount["Source"].text() : mount["Name"].text();
    names.push_back(whole ? name : shortened(name, 15));
  }
  return join(names, ",");
}

std::string local_volumes(const Value& mounts) {
  return cat(
      std::ranges::count_if(mounts.list(), [](const Value& mount) { return mount["Driver"].text() == "local"; }));
}

std::string networks_text(const Value& networks) {
  std::vector<std::string> names;
  for (const auto& [name, endpoint] : networks.map()) names.push_back(name);
  return join(names, ",");
}

// The fields of a list's rows. Most of them are costly, and few are looked at.
struct Field {
  std::string_view name;
  Value (*of)(const Value& container, bool whole);
};
constexpr Field kFields[] = {
    {"ID", [](const Value& c, bool whole) -> Value { return whole ? c["Id"].text() : short_form(c["Id"].text()); }},
    {"Names", [](const Value& c, bool whole) -> Value { return names_text(c["Names"], whole); }},
    {"Image", [](const Value& c, bool whole) -> Value { return image_text(c, whole); }},
    {"Command",
     [](const Value& c, bool whole) -> Value {
       return to_json(Value(whole ? c["Command"].text() : shortened(c["Command"].text(), 20)));
     }},
    {"CreatedAt", [](const Value& c, bool) -> Value { return created_at(c["Created"].integer()); }},
    {"RunningFor", [](const Value& c, bool) -> Value { return ago(c["Created"].integer()); }},
    {"Ports", [](const Value& c, bool) -> Value { return ports_text(c["Ports"]); }},
    {"State", [](const Value& c, bool) -> Value { return c["State"]; }},
    {"Status", [](const Value& c, bool) -> Value { return c["Status"]; }},
    {"HealthStatus", [](const Value& c, bool) -> Value { return c["Health"]["Status"].text(); }},
    {"Size", [](const Value& c, bool) -> Value { return size_text(c); }},
    {"Labels", [](const Value& c, bool) -> Value { return joined_labels(c["Labels"]); }},
    {kHiddenLabels,
     [](const Value& c, bool) -> Value { return c["Labels"].is_map() ? c["Labels"] : Value::empty_map(); }},
    {"Mounts", [](const Value& c, bool whole) -> Value { return mounts_text(c["Mounts"], whole); }},
    {"LocalVolumes", [](const Value& c, bool) -> Value { return local_volumes(c["Mounts"]); }},
    {"Networks", [](const Value& c, bool) -> Value { return networks_text(c["NetworkSettings"]["Networks"]); }},
    {"Platform", [](const Value& c, bool) -> Value { return c["ImageManifestDescriptor"]["platform"]; }},
};

using Fields = std::vector<const Field*>;

Value row_of(const Value& container, bool whole, const Fields& fields) {
  Value::Map row;
  row.reserve(fields.size());
  for (const Field* field : fields) row.emplace_back(field->name, field->of(container, whole));
  return Value(std::move(row));
}

Fields all_fields() {
  Fields fields;
  for (const Field& field : kFields) fields.push_back(&field);
  return fields;
}

// Those that a format can show: the ones that it names, or all when it speaks of the row as a whole.
Fields fields_of(const Listing& listing, std::string_view format) {
  for (std::string_view whole : {"json", " .}", "{.}", " . ", " .)", " .|", "$"})
    if (format.find(whole) != format.npos) return all_fields();
  bool usual = format.empty() || format == "table";
  Fields fields;
  for (const Field& field : kFields) {
    bool shown = usual ? std::ranges::find(listing.shown, field.name, &Column::field) != listing.shown.end()
                       : format.find(field.name == kHiddenLabels ? "Label" : field.name) != format.npos;
    if (shown) fields.push_back(&field);
  }
  return fields.empty() ? all_fields() : fields;
}

Listing listing(bool with_size) {
  Listing out{{{"ID", "CONTAINER ID"},
               {"Image", "IMAGE"},
               {"Command", "COMMAND"},
               {"RunningFor", "CREATED"},
               {"Status", "STATUS"},
               {"Ports", "PORTS"},
               {"Names", "NAMES"}},
              {{"CreatedAt", "CREATED AT"},
               {"State", "STATE"},
               {"HealthStatus", "HEALTH STATUS"},
               {"Labels", "LABELS"},
               {"Mounts", "MOUNTS"},
               {"LocalVolumes", "LOCAL VOLUMES"},
               {"Networks", "NETWORKS"},
               {"Platform", "PLATFORM"}},
              "*formatter.ContainerContext"};
  (with_size ? out.shown : out.others).push_back({"Size", "SIZE"});
  return out;
}

// Sizes are costly: a template gets them when it shows them.
bool shows_size(std::string_view format) {
  return format.find(".Size") != format.npos || format.find("{{json .}}") != format.npos;
}

// The docker CLI tries a template before it asks the engine, and words its mistakes in its own way.
void check_template(const std::string& format) {
  constexpr std::string_view kPrefix = "template parsing error: ";
  try {
    const Template form(format);
    const Value row = row_of(Value::Map{{"State", ""}, {"Status", ""}}, true, all_fields());
    const GoType type = row_type(listing(false), row);
    try {
      form.run({&row, &type});
    } catch (const Error& e) {
      throw Exit(1, cat("failed to execute template: ", e.message()));
    }
  } catch (const Exit&) {
    throw;
  } catch (const Error& e) {
    throw Exit(1, cat("failed to parse template: ", e.message().substr(kPrefix.size())));
  }
}

// A line for each field: what --format raw means.
std::string raw_form(bool quiet, bool size) {
  if (quiet) return "container_id: {{.ID}}";
  return cat("container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\n",
             "state: {{.State}}\nstatus: {{.Status}}\nnames: {{.Names}}\nlabels:{{pad .Labels 1 0}}\n",
             "ports:{{pad .Ports 1 0}}\n", size ? "size: {{.Size}}\n" : "");
}

}  // namespace

namespace {

// What the list is asked for, and how it is shown.
struct Plan {
  std::string path, format;
  bool whole = false, size = false;
};

Plan plan_of(const Options& options) {
  Plan plan;
  const bool quiet = options.is_set("quiet"), latest = options.is_set("latest");
  plan.whole = options.is_set("no-trunc");
  plan.format = chosen_format(options, "psFormat", quiet);
  plan.size = options.is_set("size") || shows_size(plan.format);
  Query query;
  std::int64_t last = latest ? 1 : options.integer("last");
  if (options.is_set("all")) query.add("all", "1");
  if (last > 0) query.add("limit", cat(last));
  if (plan.size) query.add("size", "1");
  query.add_filters(options.list("filter"));
  plan.path = cat("/containers/json", query.text());
  if (!options.text("format").empty()) check_template(plan.format);
  if (plan.format == "raw") plan.format = raw_form(quiet, plan.size);
  if (quiet && (plan.format.empty() || plan.format == "table")) plan.format = "{{.ID}}";
  return plan;
}

std::string list_text(Client& client, const Plan& plan) {
  const Value answer = client.get(plan.path);
  std::vector<Value> rows;
  rows.reserve(answer.list().size());
  const Listing columns = listing(plan.size);
  const Fields fields = fields_of(columns, plan.format);
  for (const Value& container : answer.list()) rows.push_back(row_of(container, plan.whole, fields));
  return listed(columns, rows, plan.format);
}

// Draws the list when something happens to a container, and now and then because times go on.
[[noreturn]] void watch(Client& client, const Plan& plan) {
  constexpr int kOften = 200, kSeldom = 5'000;  // milliseconds
  client.negotiated_version();
  auto events = client.stream("GET", cat("/events?filters=", percent_encoded(R"({"type":{"container":true}})")));
  for (LiveScreen screen;;) {
    screen.draw(list_text(client, plan));
    pollfd waiting{events->fd(), POLLIN, 0};
    // What happens together is shown together.
    char piece[16 * 1024];
    for (int patience = screen.in_place() ? kSeldom : -1; events->has_body() || ::poll(&waiting, 1, patience) > 0;
         patience = kOften)
      if (events->read_some(piece, sizeof piece) == 0) throw Exit(1, "the engine has ended, and the list with it");
  }
}

}  // namespace

int list(Invocation& call) {
  Plan plan = plan_of(call.options);
  if (call.options.is_set("watch")) watch(call.client(), plan);
  print(list_text(call.client(), plan));
  return 0;
}

int prune(Invocation& call) {
  return prune_objects(call, "containers", "WARNING! This will remove all stopped containers.");
}

}  // namespace hull::cli::container
