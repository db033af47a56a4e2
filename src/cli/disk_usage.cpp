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

}  // namespace

int disk_usage(Invocation& call) {
  const Value usage = call.client().get("/system/df");
  std::vector<Value> rows = {row_of("Images", images_of(usage)), row_of("Containers", containers_of(usage)),
                             row_of("Local Volumes", volumes_of(usage)), row_of("Build Cache", cache_of(usage))};
  Listing listing{{{"Type", "TYPE"},
                   {"TotalCount", "TOTAL"},
                   {"Active", "ACTIVE"},
                   {"Size", "SIZE"},
                   {"Reclaimable", "RECLAIMABLE"}},
                  {}};
  print(listed(listing, rows, call.options.text("format")));
  return 0;
}

}  // namespace hull::cli::system
