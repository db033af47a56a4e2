// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "cli/command.h"
#include "cli/container_path.h"
#include "cli/container_request.h"
#include "cli/live_screen.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/verbs.h"

namespace hull::cli::container {
namespace {

// POST …/<verb> for every argument.
int post_each(Invocation& call, std::string_view verb, const std::string& query = {}) {
  return for_each_argument(call.arguments(), [&](const std::string& name) {
    call.client().post(container_path(name, verb, query));
    return name;
  });
}

std::string stop_query(const Options& options) {
  Query query;
  if (options.given("signal")) query.add("signal", options.text("signal"));
  if (options.given("timeout")) query.add("t", options.text("timeout"));
  return query.text();
}

}  // namespace

int stop(Invocation& call) { return post_each(call, "/stop", stop_query(call.options)); }
int restart(Invocation& call) { return post_each(call, "/restart", stop_query(call.options)); }
int pause(Invocation& call) { return post_each(call, "/pause"); }
int unpause(Invocation& call) { return post_each(call, "/unpause"); }

int kill(Invocation& call) {
  Query query;
  if (call.options.given("signal")) query.add("signal", call.options.text("signal"));
  return post_each(call, "/kill", query.text());
}

int wait(Invocation& call) {
  return for_each_argument(call.arguments(), [&](const std::string& name) {
    Value answer = call.client().post(container_path(name, "/wait")).value();
    return cat(answer["StatusCode"].integer());
  });
}

int remove(Invocation& call) {
  Query query;
  for (auto [flag, parameter] : {std::pair{"force", "force"}, {"volumes", "v"}, {"link", "link"}})
    if (call.options.is_set(flag)) query.add(parameter, "1");
  bool force = call.options.is_set("force");
  return for_each_argument(call.arguments(), [&](const std::string& name) {
    try {
      std::string plain = name.starts_with('/') ? name.substr(1) : name;
      call.client().remove(container_path(plain, "", query.text()));
    } catch (const Refused& refused) {
      // --force asks for it to be gone, and gone it is.
      if (!force || refused.status() != 404) throw;
      complain(refused.what());
      return std::string();
    }
    return name;
  });
}

int rename(Invocation& call) {
  Query query;
  query.add("name", call.argument(1));
  try {
    call.client().post(container_path(call.argument(0), "/rename", query.text()));
  } catch (const Refused& refused) {
    throw Exit(1, cat(refused.what(), "\nError: failed to rename container named ", call.argument(0)));
  }
  return 0;
}

int update(Invocation& call) {
  Value request = update_request(call.options);
  std::vector<std::string> warnings;
  int code = for_each_argument(call.arguments(), [&](const std::string& name) {
    Value answer = call.client().post(container_path(name, "/update"), request).value();
    for (const Value& warning : answer["Warnings"].list()) warnings.push_back(warning.text());
    return name;
  });
  for (const std::string& warning : warnings) complain(warning);
  return code;
}

int port(Invocation& call) {
  Value container = call.client().get(container_path(call.argument(0), "/json"));
  const std::string asked = call.arguments().size() > 1 ? call.argument(1) : "";
  std::string wanted = asked;
  if (!wanted.empty() && wanted.find('/') == std::string::npos) wanted += "/tcp";
  std::vector<std::string> lines;
  for (const auto& [name, bindings] : container["NetworkSettings"]["Ports"].map()) {
    if (!wanted.empty() && name != wanted) continue;
    for (const Value& binding : bindings.list()) {
      const std::string& address = binding["HostIp"].text();
      std::string shown = address.find(':') == std::string::npos ? address : cat("[", address, "]");
      std::string target = cat(shown, ":", binding["HostPort"].text());
      lines.push_back(wanted.empty() ? cat(name, " -> ", target) : target);
    }
  }
  if (lines.empty() && !wanted.empty())
    throw Exit(1, cat("Error: No public port '", asked, "' published for ", call.argument(0)));
  for (const std::string& line : lines) print_line(line);
  return 0;
}

namespace {

std::string processes_text(Invocation& call, Columns columns) {
  Query query;
  std::vector<std::string> rest(call.arguments().begin() + 1, call.arguments().end());
  if (!rest.empty()) query.add("ps_args", join(rest, " "));
  Value answer = call.client().get(container_path(call.argument(0), "/top", query.text()));
  auto line_of = [](const Value& row) {
    std::vector<std::string> cells;
    for (const Value& cell : row.list()) cells.push_back(cell.text());
    return join(cells, "\t");
  };
  std::string text = line_of(answer["Titles"]) + "\n";
  for (const Value& process : answer["Processes"].list()) text += line_of(process) + "\n";
  return aligned(text, columns);
}

}  // namespace

int top(Invocation& call) {
  constexpr unsigned kSeconds = 2;
  if (!call.options.is_set("watch")) {
    print(processes_text(call, {.least = 20, .gap = 3}));
    return 0;
  }
  for (LiveScreen screen;;) {
    screen.draw(processes_text(call, {.least = 0, .gap = 2}));
    ::sleep(kSeconds);
  }
}

}  // namespace hull::cli::container
