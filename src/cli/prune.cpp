// SPDX-License-Identifier: Apache-2.0
#include "cli/prune.h"

#include <unistd.h>

#include "cli/config_file.h"
#include "cli/units.h"
#include "cli/verbs.h"

namespace hull::cli {
namespace {

struct Kind {
  std::string_view objects, field, title;
};
constexpr Kind kKinds[] = {{"containers", "ContainersDeleted", "Deleted Containers:"},
                           {"images", "ImagesDeleted", "Deleted Images:"},
                           {"volumes", "VolumesDeleted", "Deleted Volumes:"},
                           {"networks", "NetworksDeleted", "Deleted Networks:"}};

std::string total(std::int64_t bytes) {
  return cat("Total reclaimed space: ", decimal_size(static_cast<double>(bytes), 4), "\n");
}

}  // namespace

bool confirmed(const Options& options, std::string_view warning) {
  if (options.is_set("force")) return true;
  print(cat(warning, "\nAre you sure you want to continue? [y/N] "));
  std::string answer;
  for (char c; ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n';) answer += c;
  return equals_ignoring_case(trim(answer), "y");
}

std::int64_t prune_quietly(Client& client, std::string_view objects, const std::vector<std::string>& filters) {
  Query query;
  query.add_filters(filters);
  Value answer = client.post(cat("/", objects, "/prune", query.text())).value();
  for (const Kind& kind : kKinds) {
    if (kind.objects != objects || answer[kind.field].list().empty()) continue;
    print_line(kind.title);
    for (const Value& one : answer[kind.field].list()) {
      if (const Value* name = one.find("Untagged")) print_line("untagged: ", name->text());
      if (const Value* id = one.find("Deleted")) print_line("deleted: ", id->text());
      if (one.is_text()) print_line(one.text());
    }
    print("\n");
  }
  return answer["SpaceReclaimed"].integer();
}

int prune_objects(Invocation& call, std::string_view objects, std::string_view warning,
                  std::vector<std::string> filters) {
  if (!confirmed(call.options, warning)) return 0;
  auto chosen = call.options.list("filter");
  add_prune_filters(chosen);
  filters.insert(filters.end(), chosen.begin(), chosen.end());
  print(total(prune_quietly(call.client(), objects, filters)));
  return 0;
}

namespace system {

int prune(Invocation& call) {
  const Options& options = call.options;
  bool all = options.is_set("all"), volumes = options.is_set("volumes");
  std::string warning =
      "WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least one container\n";
  if (volumes) warning += "  - all anonymous volumes not used by at least one container\n";
  warning += all ? "  - all images without at least one container associated to them\n" : "  - all dangling images\n";
  if (!confirmed(options, warning)) return 0;
  auto filters = options.list("filter");
  add_prune_filters(filters);
  std::int64_t bytes = 0;
  for (std::string_view objects : {"containers", "networks", "volumes", "images"}) {
    if (objects == "volumes" && !volumes) continue;
    auto own = filters;
    if (objects == "images" && all) own.push_back("dangling=false");
    try {
      bytes += prune_quietly(call.client(), objects, own);
    } catch (const Refused& refused) {
      if (refused.status() != 501) throw;  // an engine without this kind of object has nothing to prune
    }
  }
  print(total(bytes));
  return 0;
}

}  // namespace system
}  // namespace hull::cli
