// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/unique_fd.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/key_values.h"
#include "cli/listing.h"
#include "cli/output_file.h"
#include "cli/prune.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace hull::cli {
namespace volume {

namespace {

// Flags of volumes that a swarm shares between its machines.
constexpr std::string_view kClusterFlags[] = {
    "availability", "group",   "limit-bytes",        "required-bytes",    "scope",
    "secret",       "sharing", "topology-preferred", "topology-required", "type"};

void refuse_cluster_flags(const Options& options, std::span<const std::string_view> flags) {
  for (std::string_view flag : flags)
    if (options.given(flag))
      throw Exit(1, cat("--", flag, " is for the volumes of a swarm, and hull runs on one machine: leave it out"));
}

}  // namespace

int create(Invocation& call) {
  const Options& options = call.options;
  refuse_cluster_flags(options, kClusterFlags);
  Value request = Value::Map{{"Name", call.arguments().empty() ? std::string() : call.argument(0)},
                             {"Driver", options.text("driver")},
                             {"DriverOpts", map_of(options.list("opt"))},
                             {"Labels", map_of(options.list("label"))}};
  print_line(call.client().post("/volumes/create", request).value()["Name"].text());
  return 0;
}

int list(Invocation& call) {
  const Options& options = call.options;
  if (options.is_set("cluster")) refuse_cluster_flags(options, std::array<std::string_view, 1>{"cluster"});
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
  bool quiet = options.is_set("quiet");
  std::string format = chosen_format(options, "volumesFormat", quiet);
  if (quiet && (format.empty() || format == "table")) format = "{{.Name}}";
  Listing listing{
      {{"Driver", "DRIVER"}, {"Name", "VOLUME NAME"}},
      {{"Scope", "SCOPE"}, {"Mountpoint", "MOUNTPOINT"}, {"Labels", "LABELS"}, {"Links", "LINKS"}, {"Size", "SIZE"}},
      "*formatter.volumeContext"};
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

int export_files(Invocation& call) {
  std::string query = call.options.is_set("zstd") ? "?compression=zstd" : "";
  save_stream(call, cat("/volumes/", percent_encoded(call.argument(0)), "/export", query));
  return 0;
}

// A volume that is made for it goes again when the archive turns out to be none.
int import(Invocation& call) {
  const std::string& name = call.argument(0);
  std::string file = call.arguments().size() > 1 ? call.argument(1) : "-";
  if (file == "-" && is_terminal(STDIN_FILENO))
    throw Exit(1, "the archive comes from standard input, which is a terminal");
  UniqueFd input(file == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!input) fail_invalid("open ", file, ": ", lower(errno_text(errno)));
  std::string path = cat("/volumes/", percent_encoded(name));
  bool is_new = false;
  try {
    call.client().get(path);
  } catch (const Refused& e) {
    if (e.status() != 404) throw;
    is_new = true;
    call.client().post("/volumes/create", Value::Map{{"Name", name}});
  }
  try {
    call.client().upload_with("POST", path + "/import", "application/x-tar", [&](const Client::Send& send) {
      std::string piece(64 * 1024, '\0');
      while (auto got = check(::read(input.get(), piece.data(), piece.size()), "read", file))
        send({piece.data(), static_cast<std::size_t>(got)});
    });
  } catch (const Error&) {
    if (is_new) call.client().remove(path);
    throw;
  }
  print_line(name);
  return 0;
}

int rename(Invocation& call) {
  Query query;
  query.add("name", call.argument(1));
  call.client().post(cat("/volumes/", percent_encoded(call.argument(0)), "/rename", query.text()));
  return 0;
}

int update(Invocation& call) {
  refuse_cluster_flags(call.options, std::array<std::string_view, 1>{"availability"});
  std::string path = cat("/volumes/", percent_encoded(call.argument(0)));
  Value present = call.client().get(path);
  const auto& gone = call.options.list("label-rm");
  Value labels = Value::empty_map();
  for (const auto& [key, value] : present["Labels"].map())
    if (std::ranges::find(gone, key) == gone.end()) labels.set(key, value);
  for (const auto& one : call.options.list("label-add")) {
    auto [key, value] = split_once(one, '=');
    labels.set(key, value.value_or(""));
  }
  Value request = Value::Map{{"Labels", labels}};
  call.client().call("PUT", path, &request);
  return 0;
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
