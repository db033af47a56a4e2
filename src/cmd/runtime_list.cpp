// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "base/process.h"
#include "oci/json.h"
#include "runtime_files.h"
#include "runtime_state.h"

namespace hull::runtime_cli {

namespace {

// runc's JSON, which engines parse: the state of the specification, and root file system and time of creation.
Json state_of(const Globals& globals, const Container& container) {
  Json state = Json::object();
  std::string status = status_of(globals, container);
  state["ociVersion"] = container.config.oci_version;
  state["id"] = container.id;
  state["pid"] = status == "stopped" ? 0 : container.pid;
  state["status"] = status;
  state["bundle"] = container.bundle;
  state["rootfs"] = container.rootfs;
  state["created"] = container.created;
  if (!container.config.annotations.empty()) state["annotations"] = to_json(container.config.annotations);
  state["owner"] = "";
  return state;
}

std::string owner_of(const Globals& globals, const std::string& id) {
  struct stat info {};
  return ::stat(cat(globals.root, "/", id).c_str(), &info) == 0 ? user_name(info.st_uid) : "";
}

std::vector<Json> all_states(const Globals& globals) {
  std::vector<Json> all;
  for (const auto& id : list_directory(globals.root)) {
    if (!exists(cat(globals.root, "/", id, "/state.json"))) continue;
    try {
      Json state = state_of(globals, load(globals, id));
      state["owner"] = owner_of(globals, id);
      all.push_back(std::move(state));
    } catch (const Error& e) {
      // Somebody has deleted it just now; whatever else is wrong with one must not hide the others.
      if (e.kind() != Kind::kNotFound) write_all(STDERR_FILENO, cat("load container ", id, ": ", e.message(), "\n"));
    }
  }
  return all;
}

// Columns as wide as what is in them and three blanks, twelve at least.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 12);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + 3);
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size(), ' ');
    }
    print_line(line);
  }
}

std::vector<std::string_view> words_of(std::string_view line) {
  auto words = split(line, ' ');
  std::erase_if(words, [](std::string_view word) { return word.empty(); });
  return words;
}

// Of what ps(1) says the lines about `pids`.
void print_processes(std::vector<std::string> options, const std::vector<pid_t>& pids) {
  if (options.empty()) options = {"-ef"};
  options.insert(options.begin(), "ps");
  auto done = run_program(options);
  if (done.exit_code != 0) fail(Kind::kInternal, "exit status ", done.exit_code, ": ", trim(done.errors));
  auto lines = split(done.output, '\n');
  auto titles = words_of(lines.front());
  auto column = static_cast<std::size_t>(std::ranges::find(titles, "PID") - titles.begin());
  if (column == titles.size()) fail(Kind::kInternal, "couldn't find PID field in ps output");
  print_line(std::string(lines.front()));
  for (std::string_view line : lines) {
    auto words = words_of(line);
    auto pid = words.size() > column ? parse_number<pid_t>(words[column]) : std::nullopt;
    if (pid && std::ranges::find(pids, *pid) != pids.end()) print_line(std::string(line));
  }
}

std::string checked_format(const Arguments& arguments) {
  std::string format = arguments.get("format", "table");
  if (format != "table" && format != "json") fail_invalid("invalid format option");
  return format;
}

}  // namespace

int verb_state(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({}, std::move(words));
  arguments.expect_words("state", 1);
  print_line(state_of(globals, load(globals, arguments.words()[0])).dump(2));
  return 0;
}

int verb_list(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({{"format", "f", true}, {"quiet", "q", false}}, std::move(words));
  arguments.expect_words("list", 0);
  std::string format = checked_format(arguments);
  auto all = all_states(globals);
  if (arguments.has("quiet")) {
    for (const auto& item : all) print_line(item["id"].get<std::string>());
  } else if (format == "json") {
    print_line(all.empty() ? "null" : Json(all).dump());
  } else {
    std::vector<std::vector<std::string>> rows = {{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
    for (const auto& item : all)
      rows.push_back(
          {item["id"], cat(item["pid"].get<int>()), item["status"], item["bundle"], item["created"], item["owner"]});
    print_table(rows);
  }
  return 0;
}

int verb_ps(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({{"format", "f", true}}, std::move(words), Flags::kInFront);
  arguments.expect_words("ps", 1, SIZE_MAX);
  std::string format = checked_format(arguments);
  auto pids = load(globals, arguments.words()[0]).cgroup()->processes();
  if (format == "json")
    print_line(Json(pids).dump());
  else
    print_processes({arguments.words().begin() + 1, arguments.words().end()}, pids);
  return 0;
}

}  // namespace hull::runtime_cli
