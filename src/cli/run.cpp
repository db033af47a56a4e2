// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/fault.h"
#include "base/file.h"
#include "cli/api_socket.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/container_request.h"
#include "cli/pull.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "oci/reference.h"

namespace hull::cli::container {
namespace {

// The file of --cidfile: reserved before anything is created, removed again when nothing was.
class IdFile {
 public:
  explicit IdFile(std::string path) : path_(std::move(path)) {
    if (path_.empty()) return;
    fd_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd_ && errno == EEXIST)
      fail_invalid("container ID file found, make sure the other container isn't running or delete ", path_);
    if (!fd_) fail_invalid("failed to create the container ID file: open ", path_, ": ", errno_text(errno));
  }
  ~IdFile() {
    if (fd_ && !written_) ::unlink(path_.c_str());
  }
  void write(std::string_view id) {
    if (!fd_) return;
    write_all(fd_.get(), id);
    written_ = true;
  }

 private:
  std::string path_;
  UniqueFd fd_;
  bool written_ = false;
};

std::string create_path(const Options& options) {
  Query query;
  if (options.given("name")) query.add("name", options.text("name"));
  if (std::string platform = chosen_platform(options); !platform.empty()) query.add("platform", platform);
  return cat("/containers/create", query.text());
}

// Adds the proxies of config.json to the environment, except those that the command line has a value for.
void add_proxies(Value& request, const std::string& host, const std::vector<std::string>& given) {
  Value environment = request["Env"];
  for (const auto& [name, value] : proxies_for(host)) {
    auto is_this = [&wanted = name](const std::string& one) { return split_once(one, '=').first == wanted; };
    bool known = std::ranges::any_of(given, is_this);
    if (!known) environment.push(cat(name, "=", value));
  }
  request.set("Env", environment);
}

// --replace: takes the name from whoever has it. The image is there before the old container goes.
template <class Fetch>
void remove_old(Invocation& call, const std::string& image, Fetch fetch) {
  const Options& options = call.options;
  if (!options.given("name")) throw Exit(125, "hull: --replace needs --name: the container with that name is replaced");
  try {
    call.client().get(cat("/images/", percent_encoded(image), "/json"));
  } catch (const Refused& refused) {
    if (refused.status() != 404 || options.text("pull") == "never") throw;
    complain(cat("Unable to find image '", oci::Reference::parse(image).familiar(), "' locally"));
    fetch();
  }
  try {
    call.client().remove(cat("/containers/", percent_encoded(options.text("name")), "?force=1"));
  } catch (const Refused& refused) {
    if (refused.status() != 404) throw;  // nobody has it
  }
}

// Creates the container, pulling its image as --pull says. Gives its id.
std::string create_container(Invocation& call, bool detached) {
  const Options& options = call.options;
  Value request = container_request(options, detached);
  add_proxies(request, call.client().host(), options.list("env"));
  const bool api_socket = options.is_set("use-api-socket");
  if (api_socket) add_api_socket(request, call.client().host());
  IdFile id_file(options.text("cidfile"));
  const std::string& image = call.argument(0);
  const std::string path = create_path(options), pull = options.text("pull");
  auto fetch = [&] {
    pull_image(call.client(), image, chosen_platform(options), options.is_set("quiet"), STDERR_FILENO);
  };
  if (pull == "always") fetch();
  if (options.is_set("replace")) remove_old(call, image, fetch);
  Reply reply;
  try {
    reply = call.client().post(path, request);
  } catch (const Refused& refused) {
    if (refused.status() != 404 || pull != "missing") throw;
    complain(cat("Unable to find image '", oci::Reference::parse(image).familiar(), "' locally"));
    fetch();
    reply = call.client().post(path, request);
  }
  Value answer = reply.value();
  for (const Value& warning : answer["Warnings"].list()) complain(cat("WARNING: ", warning.text()));
  id_file.write(answer["Id"].text());
  if (api_socket) put_logins(call.client(), answer["Id"].text());
  return answer["Id"].text();
}

// The exit code that a refusal of start stands for, from the words that the engine puts into it.
int start_failure_code(std::string_view reason) {
  for (std::string_view words :
       {"executable file not found", "no such file or directory", "system cannot find the file specified"})
    if (reason.find(words) != reason.npos) return 127;
  for (std::string_view words : {"permission denied", "is a directory"})
    if (reason.find(words) != reason.npos) return 126;
  return 125;
}

std::string attach_path(const std::string& id, const Attached& attached, const Options& options) {
  Query query;
  query.add("stream", "1");
  if (std::string keys = chosen_detach_keys(options); !keys.empty()) query.add("detachKeys", keys);
  if (attached.input) query.add("stdin", "1");
  if (attached.output) query.add("stdout", "1");
  if (attached.errors) query.add("stderr", "1");
  return cat("/containers/", id, "/attach", query.text());
}

// Does what the engine may refuse.
template <class Ask>
auto or_end(const Invocation& call, Ask ask) {
  try {
    return ask();
  } catch (const Refused& refused) {
    throw Exit(start_failure_code(refused.reason()),
               cat("hull: ", refused.what(), "\n\nRun '", call.spelled, " --help' for more information"));
  }
}

void start_container(Invocation& call, const std::string& id) {
  or_end(call, [&] { return call.client().post(cat("/containers/", id, "/start")); });
}

// Attach and wait go out together and are both answered before start is sent: no byte and no status can be missed.
int run_attached(Invocation& call, const std::string& id, const Attached& attached) {
  const Options& options = call.options;
  Client& client = call.client();
  bool tty = options.is_set("tty");
  hold_signals();
  auto wait =
      client.send("POST", cat("/containers/", id, "/wait?condition=", options.is_set("rm") ? "removed" : "next-exit"));
  auto stream = client.send_hijack(attach_path(id, attached, options));
  client.finish_head(*stream);
  client.finish_head(*wait);
  fault::point("run.attached");
  start_container(call, id);
  fault::point("run.started");
  SessionPlan plan{.stream = stream.get(),
                   .wait = wait.get(),
                   .input = attached.input,
                   .output = attached.output,
                   .errors = attached.errors,
                   .tty = tty,
                   .detach_keys = chosen_detach_keys(options),
                   .resize_path = cat("/containers/", id, "/resize"),
                   .kill_path = {},
                   .redraw = false};
  if (options.is_set("sig-proxy") && !tty) plan.kill_path = cat("/containers/", id, "/kill?signal=");
  SessionEnd end = run_session(client, plan);
  if (!end.error.empty()) throw Exit(125, cat("Error waiting for container: ", end.error));
  return end.detached ? 0 : end.status;
}

}  // namespace

int create(Invocation& call) {
  print_line(create_container(call, false));
  return 0;
}

int run(Invocation& call) {
  const Options& options = call.options;
  bool detached = options.is_set("detach");
  if (detached && options.given("attach"))
    throw Exit(1, "conflicting options: cannot specify both --attach and --detach");
  Attached attached = attached_streams(options, detached);
  if (!detached) check_input_terminal(attached.input, options.is_set("tty"));
  DetachKeys check_keys(chosen_detach_keys(options));
  std::string id = or_end(call, [&] { return create_container(call, detached); });
  fault::point("run.created");
  if (!detached && (attached.input || attached.output || attached.errors)) return run_attached(call, id, attached);
  start_container(call, id);
  print_line(id);
  return 0;
}

}  // namespace hull::cli::container
