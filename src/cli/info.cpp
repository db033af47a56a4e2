// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/command.h"
#include "cli/listing.h"
#include "cli/plugins.h"
#include "cli/template.h"
#include "cli/units.h"
#include "cli/verbs.h"

namespace hull::cli::system {
namespace {

#if defined(__x86_64__)
constexpr std::string_view kArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#else
constexpr std::string_view kArchitecture = "unknown";
#endif

Value client_info(const std::string& context) {
  return Value::Map{{"Platform", Value::Map{{"Name", "hull"}}},
                    {"Version", client_version()},
                    {"ApiVersion", kClientApiVersion},
                    {"DefaultAPIVersion", kClientApiVersion},
                    {"Os", "linux"},
                    {"Arch", kArchitecture},
                    {"Context", context}};
}

std::string field(std::string_view indent, std::string_view name, std::string_view value) {
  std::string heading = cat(name, ":");
  heading.resize(std::max<std::size_t>(heading.size() + 1, 20 - indent.size()), ' ');
  return cat(indent, heading, value, "\n");
}

std::string shown(const Value& value) { return value.is_null() ? "" : go_text(dynamic_term(value)); }

std::string server_text(const Value& server) {
  std::string text = cat("\nServer:", server["Platform"]["Name"].text().empty() ? "" : " ",
                         server["Platform"]["Name"].text(), "\n Engine:\n");
  text += field("  ", "Version", server["Version"].text());
  text += field("  ", "API version",
                cat(server["ApiVersion"].text(), " (minimum version ", server["MinAPIVersion"].text(), ")"));
  text += field("  ", "Git commit", server["GitCommit"].text());
  text += field("  ", "Built", server["BuildTime"].text());
  text += field("  ", "OS/Arch", cat(server["Os"].text(), "/", server["Arch"].text()));
  text += field("  ", "Experimental", server["Experimental"].boolean() ? "true" : "false");
  for (const Value& component : server["Components"].list()) {
    if (component["Name"].text() == "Engine") continue;
    text += cat(" ", component["Name"].text(), ":\n", field("  ", "Version", component["Version"].text()));
    if (const Value* commit = component["Details"].find("GitCommit")) text += field("  ", "GitCommit", commit->text());
  }
  return text;
}

struct Line {
  std::string_view name, field;
};

std::string lines(const Value& info, std::initializer_list<Line> rows, std::string_view indent = " ") {
  std::string text;
  for (const Line& row : rows)
    if (const Value* value = info.find(row.field)) text += cat(indent, row.name, ": ", shown(*value), "\n");
  return text;
}

std::string joined(const Value& list) {
  std::vector<std::string> parts;
  for (const Value& one : list.list()) parts.push_back(one.text());
  return join(parts, " ");
}

std::string driver_text(const Value& info) {
  std::string text;
  for (const Value& pair : info["DriverStatus"].list())
    if (pair.list().size() == 2) text += cat("  ", pair.list()[0].text(), ": ", pair.list()[1].text(), "\n");
  return text;
}

// "name=seccomp,profile=default" as a name and, below it, its properties.
std::string security_text(const Value& options) {
  if (options.list().empty()) return {};
  std::string text = " Security Options:\n";
  for (const Value& option : options.list()) {
    for (std::string_view part : split(option.text(), ',')) {
      auto [key, value] = split_once(part, '=');
      if (key == "name")
        text += cat("  ", value.value_or(""), "\n");
      else if (key == "profile")
        text += cat("   Profile: ", value.value_or(""), "\n");
    }
  }
  return text;
}

std::string runtimes_text(const Value& runtimes) {
  std::string text = " Runtimes:";
  for (const auto& [name, runtime] : runtimes.map()) text += cat(" ", name);
  return text + "\n";
}

std::string devices_text(const Value& info) {
  std::string text;
  if (const auto& directories = info["CDISpecDirs"].list(); !directories.empty()) {
    text += " CDI spec directories:\n";
    for (const Value& directory : directories) text += cat("  ", directory.text(), "\n");
  }
  if (const auto& devices = info["DiscoveredDevices"].list(); !devices.empty()) {
    text += " Discovered Devices:\n";
    for (const Value& device : devices) text += cat("  ", device["Source"].text(), ": ", device["ID"].text(), "\n");
  }
  return text;
}

// Plug-ins of the command line, and why some cannot be used.
std::string plugins_text() {
  std::string fine, broken;
  for (const Plugin& plugin : all_plugins()) {
    if (!plugin.problem.empty()) {
      broken += cat("WARNING: Plugin ", quoted(plugin.path), " is not valid: ", plugin.problem, "\n");
      continue;
    }
    fine += cat("  ", plugin.name, ": ", plugin.summary, " (", plugin.vendor, ")\n");
    if (!plugin.version.empty()) fine += cat("    Version:  ", plugin.version, "\n");
    fine += cat("    Path:     ", plugin.path, "\n");
  }
  if (!broken.empty()) complain(trim(broken));
  return fine.empty() ? fine : " Plugins:\n" + fine;
}

std::string info_text(const Value& info, const std::string& context) {
  std::string text = cat("Client: hull\n Version:    ", client_version(), "\n Context:    ", context,
                         "\n Debug Mode: false\n", plugins_text(), "\nServer:\n");
  text += lines(info, {{"Containers", "Containers"}});
  text += lines(
      info, {{"Running", "ContainersRunning"}, {"Paused", "ContainersPaused"}, {"Stopped", "ContainersStopped"}}, "  ");
  text += lines(info, {{"Images", "Images"}, {"Server Version", "ServerVersion"}, {"Storage Driver", "Driver"}});
  text += driver_text(info);
  text += lines(
      info,
      {{"Logging Driver", "LoggingDriver"}, {"Cgroup Driver", "CgroupDriver"}, {"Cgroup Version", "CgroupVersion"}});
  text += " Plugins:\n";
  for (std::string_view kind : {"Volume", "Network", "Log"})
    text += cat("  ", kind, ": ", joined(info["Plugins"][kind]), "\n");
  text += devices_text(info);
  text += cat(" Swarm: ", info["Swarm"]["LocalNodeState"].text(), "\n", runtimes_text(info["Runtimes"]));
  text += lines(info, {{"Default Runtime", "DefaultRuntime"}, {"Init Binary", "InitBinary"}});
  for (auto [name, member] :
       {std::pair{"containerd", "ContainerdCommit"}, {"runc", "RuncCommit"}, {"init", "InitCommit"}})
    text += cat(" ", std::string_view(name), " version: ", info[member]["ID"].text(), "\n");
  text += security_text(info["SecurityOptions"]);
  text += lines(info, {{"Kernel Version", "KernelVersion"},
                       {"Operating System", "OperatingSystem"},
                       {"OSType", "OSType"},
                       {"Architecture", "Architecture"},
                       {"CPUs", "NCPU"}});
  text += cat(" Total Memory: ", binary_size(info["MemTotal"].real()), "\n");
  text += lines(info, {{"Name", "Name"},
                       {"ID", "ID"},
                       {"Docker Root Dir", "DockerRootDir"},
                       {"Debug Mode", "Debug"},
                       {"Experimental", "ExperimentalBuild"}});
  if (const auto& networks = info["RegistryConfig"]["InsecureRegistryCIDRs"].list(); !networks.empty()) {
    text += " Insecure Registries:\n";
    for (const Value& network : networks) text += cat("  ", network.text(), "\n");
  }
  return text + lines(info, {{"Live Restore Enabled", "LiveRestoreEnabled"}}) + "\n";
}

// `name` is what messages call the template.
void print_formatted(const Value& data, std::string_view type, const std::string& format, std::string_view name) {
  std::optional<Template> form;
  try {
    form.emplace(format == "json" ? "{{json .}}" : format, name);
  } catch (const Error& e) {
    throw Exit(64, e.message());
  }
  try {
    print_line(form->run({&data, go_type(type)}));
  } catch (const Error&) {
    print("\n");
    throw;
  }
}

}  // namespace

int version(Invocation& call) {
  Value both = Value::Map{{"Client", client_info(call.context())}, {"Server", nullptr}};
  std::string failure;
  try {
    both.set("Server", call.client().get("/version"));
  } catch (const Error& e) {
    failure = e.message();
  }
  if (std::string format = call.options.text("format"); !format.empty()) {
    print_formatted(both, "system.versionInfo", format, "version");
  } else {
    std::string text = "Client: hull\n";
    text += field(" ", "Version", client_version());
    text += field(" ", "API version", kClientApiVersion);
    text += field(" ", "OS/Arch", cat("linux/", kArchitecture));
    text += field(" ", "Context", call.context());
    if (failure.empty()) text += server_text(both["Server"]);
    print(text);
  }
  if (!failure.empty()) throw Exit(1, failure);
  return 0;
}

int info(Invocation& call) {
  Value answer = call.client().get("/info");
  if (std::string format = call.options.text("format"); !format.empty()) {
    Value client = client_info(call.context()), plugins = Value::empty_list();
    for (const Plugin& plugin : all_plugins()) plugins.push(plugin.json());
    client.set("Plugins", plugins);
    answer.set("ClientInfo", client);
    print_formatted(answer, "system.dockerInfo", format, "");
    return 0;
  }
  print(info_text(answer, call.context()));
  for (const Value& warning : answer["Warnings"].list()) complain(warning.text());
  return 0;
}

}  // namespace hull::cli::system
