// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "cli/command.h"
#include "cli/container_path.h"
#include "cli/tar.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

// `hull debug`: a shell with tools beside a container whose image has none. It is a container of its own, which shares
// the other one's processes, network and, where that is allowed, IPC; the other one's files are below /proc/1/root. So
// nothing is ever mounted into it or written to it, and all that is left of the shell goes with it.
namespace hull::cli::container {
namespace {

constexpr const char* kToolsImage = "hull-debug-tools:latest";
constexpr const char* kBusybox[] = {"/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"};

std::string busybox_of_host() {
  for (const char* path : kBusybox)
    if (::access(path, X_OK) == 0) return path;
  return {};
}

void add_entry(TarOutput& tar, const std::string& name, char type, const std::string& link, std::string_view content) {
  TarEntry entry;
  entry.name = name;
  entry.type = type;
  entry.link = link;
  entry.mode = 0755;
  entry.size = static_cast<std::int64_t>(content.size());
  tar.add(entry);
  if (type != '0') return;
  tar.content(content);
  tar.end_content();
}

// The host's busybox, a link for each of its programs, and /target, which leads to the container's files.
void import_tools(Client& client, const std::string& busybox) {
  std::string program = read_file(busybox);
  ProcessOutput list = run_program({busybox, "--list"});
  Query query;
  query.add("fromSrc", "-")
      .add("repo", kToolsImage)
      .add("changes", "ENV PATH=/bin")
      .add("message", "tools of hull debug");
  client.upload_with("POST", cat("/images/create", query.text()), "application/x-tar", [&](const Client::Send& send) {
    TarOutput tar(send);
    for (const char* directory : {"bin", "etc", "tmp", "root"}) add_entry(tar, directory, '5', "", "");
    add_entry(tar, "bin/busybox", '0', "", program);
    for (std::string_view applet : split(trim(list.output), '\n'))
      if (applet != "busybox" && !applet.empty()) add_entry(tar, cat("bin/", trim(applet)), '2', "busybox", "");
    add_entry(tar, "target", '2', "/proc/1/root", "");
    tar.finish();
  });
}

std::string tools_image(Client& client) {
  try {
    client.get(cat("/images/", percent_encoded(kToolsImage), "/json"));
    return kToolsImage;
  } catch (const Refused& refused) {
    if (refused.status() != 404) throw;
  }
  std::string busybox = busybox_of_host();
  if (busybox.empty())
    throw Exit(1,
               "hull: there is no busybox on this machine to take tools from: install the package busybox-static, or "
               "name an image that has tools (--image alpine)");
  import_tools(client, busybox);
  return kToolsImage;
}

}  // namespace

int debug(Invocation& call) {
  const Options& options = call.options;
  const Value container = call.client().get(container_path(call.argument(0), "/json"));
  const std::string id = container["Id"].text(), name = container["Name"].text().substr(1);
  if (!container["State"]["Running"].boolean())
    throw Exit(
        1, cat("hull: the container ", name,
               " does not run, so it has no processes and no network to look at. "
               "'hull why ",
               name, "' says why, 'hull start ", name, "' starts it, 'hull cp ", name, ":/path -' reads its files"));
  std::string image = options.text("image");
  if (image.empty()) image = tools_image(call.client());
  std::string mode = container["HostConfig"]["IpcMode"].text();
  std::vector<std::string> words{"--rm",      "--interactive",   "--pid",          "container:" + id,
                                 "--network", "container:" + id, "--label",        cat("hull.debug=", name),
                                 "--cap-add", "SYS_PTRACE",      "--security-opt", "apparmor=unconfined"};
  if (is_terminal(STDIN_FILENO)) words.emplace_back("--tty");
  if (mode == "shareable" || mode == "host") words.insert(words.end(), {"--ipc", "container:" + id});
  if (options.is_set("privileged")) words.emplace_back("--privileged");
  if (std::string user = options.text("user"); !user.empty()) words.insert(words.end(), {"--user", user});
  // The directory is a matter of the shell: it is there when the shell is.
  words.insert(words.end(), {"--entrypoint", "", image, "sh", "-c", "cd /proc/1/root; exec \"$@\"", "sh"});
  if (call.arguments().size() > 1)
    words.insert(words.end(), call.arguments().begin() + 1, call.arguments().end());
  else
    words.emplace_back("sh");
  if (is_terminal(STDOUT_FILENO))
    complain(cat("The processes and the network are those of ", name, "; its files are here, in /proc/1/root."));
  const Command& run_command = *find_command("run");
  Invocation run(run_command, "hull debug", call.endpoint());
  std::vector<std::string_view> views(words.begin(), words.end());
  run.options.parse(views, false);
  return container::run(run);
}

}  // namespace hull::cli::container
