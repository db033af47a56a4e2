// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/command.h"
#include "cli/listing.h"
#include "cli/units.h"
#include "cli/verbs.h"

namespace hull::cli::system {
namespace {

struct Sum {
  std::int64_t total = 0, active = 0, bytes = 0, used = 0;
};

Value row_of(std::string_view type, const Sum& sum) {
  std::int64_t free = std::max<std::int64_t>(sum.bytes - sum.used, 0);
  std::string reclaimable = decimal_size(static_cast<double>(free), 4);
  if (sum.bytes > 0) reclaimable += cat(" (", free * 100 / sum.bytes, "%)");
  return Value::Map{{"Type", type},
                    {"TotalCount", cat(sum.total)},
                    {"Active", cat(sum.active)},
                    {"Size", decimal_size(static_cast<double>(sum.bytes), 4)},
                    {"Reclaimable", reclaimable}};
}

Sum images_of(const Value& usage) {
  Sum sum;
  sum.bytes = usage["LayersSize"].integer();
  for (const Value& image : usage["Images"].list()) {
    ++sum.total;
    if (image["Containers"].integer() <= 0) continue;
    ++sum.active;
    sum.used += image["Size"].integer() - std::max<std::int64_t>(image["SharedSize"].integer(), 0);
  }
  return sum;
}

Sum containers_of(const Value& usage) {
  Sum sum;
  for (const Value& container : usage["Containers"].list()) {
    const std::string& state = container["State"].text();
    bool active = state == "running" || state == "paused" || state == "restarting";
    ++sum.total;
    sum.active += active;
    sum.bytes += container["SizeRw"].integer();
    if (active) sum.used += container["SizeRw"].integer();
  }
  return sum;
}

Sum volumes_of(const Value& usage) {
  Sum sum;
  for (const Value& volume : usage["Volumes"].list()) {
    const Value& data = volume["UsageData"];
    std::int64_t size = std::max<std::int64_t>(data["Size"].integer(), 0);
    ++sum.total;
    sum.bytes += size;
    if (data["RefCount"].integer() <= 0) continue;
    ++sum.active;
    sum.used += size;
  }
  return sum;
}

Sum cache_of(const Value& usage) {
  Sum sum;
  for (const Value& entry : usage["BuildCache"].list()) {
    std::int64_t size = entry["Size"].integer();
    bool used = entry["InUse"].boolean();
    ++sum.total;
    sum.active += used;
    sum.bytes += entry["Shared"].boolean() ? 0 : size;
    if (used) sum.used += size;
  }
  return sum;
}

std::string size_text(const Value& bytes) { return decimal_size(bytes.real(), 3); }
std::string exact_size_text(const Value& bytes) { return decimal_size(bytes.real(), 4); }

std::vector<Value> image_rows(const Value& usage) {
  std::vector<Value> rows;
  for (const Value& image : usage["Images"].list()) {
    std::string name = image["RepoTags"].list().empty() ? "<none>:<none>" : image["RepoTags"].list().front().text();
    auto colon = name.rfind(':');
    std::int64_t size = image["Size"].integer(), shared = std::max<std::int64_t>(image["SharedSize"].integer(), 0);
    rows.push_back(Value::Map{{"Repository", name.substr(0, colon)},
                              {"Tag", name.substr(colon + 1)},
                              {"ID", short_form(image["Id"].text())},
                              {"CreatedSince", ago(image["Created"].integer())},
                              {"Size", size_text(size)},
                              {"SharedSize", exact_size_text(shared)},
                              {"UniqueSize", exact_size_text(size - shared)},
                              {"Containers", cat(image["Containers"].integer())}});
  }
  return rows;
}

std::vector<Value> container_rows(const Value& usage) {
  std::vector<Value> rows;
  for (const Value& container : usage["Containers"].list()) {
    std::string name = container["Names"].list().empty() ? "" : container["Names"].list().front().text();
    std::int64_t volumes = 0;
    for (const Value& mount : container["Mounts"].list()) volumes += mount["Type"].text() == "volume";
    rows.push_back(Value::Map{{"ID", short_form(container["Id"].text())},
                              {"Image", container["Image"]},
                              {"Command", quoted(shortened(container["Command"].text(), 20))},
                              {"LocalVolumes", cat(volumes)},
                              {"Size", size_text(container["SizeRw"])},
                              {"CreatedSince", ago(container["Created"].integer())},
                              {"Status", container["Status"]},
                              {"Names", name.starts_with('/') ? name.substr(1) : name}});
  }
  return rows;
}

std::vector<Value> volume_rows(const Value& usage) {
  std::vector<Value> rows;
  for (const Value& volume : usage["Volumes"].list()) {
    const Value& data = volume["UsageData"];
    rows.push_back(Value::Map{{"Availability", "N/A"},
                              {"Driver", volume["Driver"]},
                              {"Group", "N/A"},
                              {"Labels", joined_labels(volume["Labels"])},
                              {"Mountpoint", volume["Mountpoint"]},
                              {"Name", volume["Name"]},
                              {"Scope", volume["Scope"]},
                              {"Status", "N/A"},
                              {"Links", cat(data["RefCount"].integer())},
                              {"Size", exact_size_text(std::max<std::int64_t>(data["Size"].integer(), 0))}});
  }
  return rows;
}

std::vector<Value> cache_rows(const Value& usage) {
  std::vector<Value> rows;
  for (const Value& entry : usage["BuildCache"].list())
    rows.push_back(Value::Map{{"ID", short_form(entry["ID"].text())},
                              {"CacheType", entry["Type"]},
                              {"Size", size_text(entry["Size"])},
                              {"CreatedSince", entry["CreatedAt"]},
                              {"LastUsedSince", entry["LastUsedAt"]},
                              {"UsageCount", cat(entry["UsageCount"].integer())},
                              {"Shared", entry["Shared"].boolean() ? "true" : "false"}});
  return rows;
}

// Each kind of object in a table of its own.
int verbose_usage(const Value& usage, const std::string& format) {
  if (!format.empty() && format != "table") {
    Value all = Value::Map{{"Images", Value(image_rows(usage))},
                           {"Containers", Value(container_rows(usage))},
                           {"Volumes", Value(volume_rows(usage))},
                           {"BuildCache", Value(cache_rows(usage))}};
    std::string text = listed({}, {all}, format);
    print(text.substr(0, text.size() - 1));  // without a line break, as docker does
    return 0;
  }
  static const Listing kImages{{{"Repository", "REPOSITORY"},
                                {"Tag", "TAG"},
                                {"ID", "IMAGE ID"},
                                {"CreatedSince", "CREATED"},
                                {"Size", "SIZE"},
                                {"SharedSize", "SHARED SIZE"},
                                {"UniqueSize", "UNIQUE SIZE"},
                                {"Containers", "CONTAINERS"}},
                               {}};
  static const Listing kContainers{{{"ID", "CONTAINER ID"},
                                    {"Image", "IMAGE"},
                                    {"Command", "COMMAND"},
                                    {"LocalVolumes", "LOCAL VOLUMES"},
                                    {"Size", "SIZE"},
                                    {"CreatedSince", "CREATED"},
                                    {"Status", "STATUS"},
                                    {"Names", "NAMES"}},
                                   {}};
  static const Listing kVolumes{{{"Name", "VOLUME NAME"}, {"Links", "LINKS"}, {"Size", "SIZE"}}, {}};
  static const Listing kCache{{{"ID", "CACHE ID"},
                               {"CacheType", "CACHE TYPE"},
                               {"Size", "SIZE"},
                               {"CreatedSince", "CREATED"},
                               {"LastUsedSince", "LAST USED"},
                               {"UsageCount", "USAGE"},
                               {"Shared", "SHARED"}},
                              {}};
  print(cat("Images space usage:\n\n", listed(kImages, image_rows(usage), ""), "\nContainers space usage:\n\n",
            listed(kContainers, container_rows(usage), ""), "\nLocal Volumes space usage:\n\n",
            listed(kVolumes, volume_rows(usage), ""),
            "\nBuild cache usage: ", decimal_size(static_cast<double>(cache_of(usage).bytes), 3), "\n\n",
            listed(kCache, cache_rows(usage), "")));
  return 0;
}

}  // namespace

int disk_usage(Invocation& call) {
  const Value usage = call.client().get("/system/df");
  if (call.options.is_set("verbose")) return verbose_usage(usage, call.options.text("format"));
  std::vector<Value> rows = {row_of("Images", images_of(usage)), row_of("Containers", containers_of(usage)),
                             row_of("Local Volumes", volumes_of(usage)), row_of("Build Cache", cache_of(usage))};
  Listing listing{{{"Type", "TYPE"},
                   {"TotalCount", "TOTAL"},
                   {"Active", "ACTIVE"},
                   {"Size", "SIZE"},
                   {"Reclaimable", "RECLAIMABLE"}},
                  {},
                  "*formatter.diskUsageImagesContext"};
  print(listed(listing, rows, call.options.text("format")));
  return 0;
}

}  // namespace hull::cli::system
