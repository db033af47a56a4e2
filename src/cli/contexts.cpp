// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/context_store.h"
#include "cli/listing.h"
#include "cli/tar.h"
#include "cli/template.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

// The commands on contexts, which no engine is asked for.
namespace hull::cli::context {
namespace {

constexpr std::string_view kKeys[] = {"from", "host", "ca", "cert", "key", "skip-tls-verify"};
constexpr std::size_t kLargestImport = 10 << 20;

using Settings = std::vector<std::pair<std::string, std::string>>;

// "host=tcp://a:2376,ca=~/ca.pem", in one --docker or several.
Settings settings_of(const Options& options) {
  Settings settings;
  for (const std::string& text : options.list("docker"))
    for (std::string_view part : split(text, ',')) {
      auto [name, value] = split_once(part, '=');
      if (!value) fail_invalid(quoted(part), " of --docker is not of the form name=value");
      if (std::ranges::find(kKeys, name) == std::end(kKeys))
        fail_invalid("unable to create docker endpoint config: unrecognized config key: ", name);
      settings.emplace_back(name, *value);
    }
  return settings;
}

std::string setting(const Settings& settings, std::string_view name) {
  for (const auto& [key, value] : settings)
    if (key == name) return value;
  return {};
}

std::string file_content(std::string path) {
  if (path.starts_with("~/"))
    if (const char* home = std::getenv("HOME")) path.replace(0, 1, home);
  auto content = read_if_exists(path);
  if (!content) fail_invalid("unable to create docker endpoint config: open ", path, ": no such file or directory");
  return *content;
}

void check_host(const std::string& host) {
  if (host.empty()) return;
  for (std::string_view scheme : {"unix://", "tcp://", "ssh://", "http://", "https://", "npipe://", "fd://"})
    if (host.starts_with(scheme) && host.size() > scheme.size()) return;
  fail_invalid("unable to create docker endpoint config: unable to parse docker host `", host, "`");
}

struct DockerEndpoint {
  Value meta;
  std::map<std::string, std::string> files;
};

DockerEndpoint endpoint_of(const Settings& settings) {
  if (std::string from = setting(settings, "from"); !from.empty()) {
    Context other = find_context(from);
    TlsFiles files = tls_files(from);
    return {other.endpoints[kDockerEndpoint], files[std::string(kDockerEndpoint)]};
  }
  std::string skip = setting(settings, "skip-tls-verify"), host = setting(settings, "host");
  bool skips = false;
  if (!skip.empty()) {
    auto yes = parse_bool(skip);
    if (!yes)
      fail_invalid("unable to create docker endpoint config: skip-tls-verify: parsing ", quoted(skip),
                   ": invalid syntax");
    skips = *yes;
  }
  check_host(host);
  DockerEndpoint endpoint;
  endpoint.meta = Value::empty_map();
  if (!host.empty()) endpoint.meta.set("Host", host);
  endpoint.meta.set("SkipTLSVerify", skips);
  for (const char* name : {"ca", "cert", "key"})
    if (std::string path = setting(settings, name); !path.empty())
      endpoint.files[cat(std::string_view(name), ".pem")] = file_content(path);
  return endpoint;
}

void check_is_new(const std::string& name) {
  check_context_name(name);
  if (context_exists(name)) throw Exit(1, cat("context ", quoted(name), " already exists"));
}

void warn_of_environment(const std::string& name) {
  for (const char* variable : {"DOCKER_HOST", "HULL_HOST"}) {
    const char* value = std::getenv(variable);
    if (!value || !*value) continue;
    std::string_view shown(variable);
    complain(cat("Warning: ", shown, " environment variable overrides the active context. To use ",
                 name.empty() ? "a context" : quoted(name), ", either set the global --context flag, or unset ", shown,
                 " environment variable."));
    return;
  }
}

void remember_current(const std::string& name) {
  Value config = read_config();
  if (config["currentContext"].text() == name) return;
  if (name.empty()) {
    Value::Map rest;
    for (const auto& member : config.map())
      if (member.first != "currentContext") rest.push_back(member);
    config = rest;
  } else {
    config.set("currentContext", name);
  }
  write_config(config);
}

Value tls_listing(const std::string& name) {
  Value listing = Value::empty_map();
  for (const auto& [endpoint, files] : tls_files(name)) {
    Value names = Value::empty_list();
    for (const auto& [file, content] : files) names.push(file);
    listing.set(endpoint, names);
  }
  return listing;
}

Value inspected(const std::string& name) {
  Value out = find_context(name).json();
  bool stored = name != kDefaultContext;
  out.set("TLSMaterial", stored ? tls_listing(name) : Value::empty_map());
  out.set("Storage", Value::Map{{"MetadataPath", stored ? context_directory(name) : "<IN MEMORY>"},
                                {"TLSPath", stored ? context_tls_directory(name) : "<IN MEMORY>"}});
  return out;
}

void export_to(const std::string& name, const std::function<void(std::string_view)>& sink) {
  Context context = find_context(name);
  TarOutput tar(sink);
  auto add_file = [&](const std::string& path, const std::string& content, unsigned mode) {
    TarEntry entry;
    entry.name = path;
    entry.mode = mode;
    entry.size = static_cast<std::int64_t>(content.size());
    tar.add(entry);
    tar.content(content);
    tar.end_content();
  };
  auto add_directory = [&](const std::string& path) {
    TarEntry entry;
    entry.name = path;
    entry.type = '5';
    entry.mode = 0700;
    tar.add(entry);
  };
  add_file("meta.json", to_json(context.json()), 0644);
  add_directory("tls");
  for (const auto& [endpoint, files] : tls_files(name)) {
    add_directory("tls/" + endpoint);
    for (const auto& [file, content] : files) add_file(cat("tls/", endpoint, "/", file), content, 0600);
  }
  tar.finish();
}

std::string content_of(TarInput& tar, const TarEntry& entry, std::size_t& total) {
  std::string content;
  total += static_cast<std::size_t>(entry.size);
  if (total > kLargestImport) fail_invalid("the context is larger than ", kLargestImport >> 20, " MiB: it is none");
  char piece[4096];
  while (std::size_t got = tar.read(piece, sizeof piece)) content.append(piece, got);
  return content;
}

// What an archive of `context export`, ours or docker's, has in it.
void import_from(const std::string& name, int fd) {
  std::string all = read_all(fd);
  if (all.starts_with("PK\x03\x04"))
    fail_invalid("a context in a zip file cannot be read: unpack it, and make a tar archive of meta.json and tls/");
  std::size_t at = 0, total = 0;
  TarInput tar([&](char* out, std::size_t size) {
    std::size_t count = std::min(size, all.size() - at);
    std::copy_n(all.data() + at, count, out);
    at += count;
    return count;
  });
  std::optional<Context> context;
  TlsFiles files;
  for (TarEntry entry; tar.next(entry);) {
    if (entry.type != '0') continue;
    auto parts = split(entry.name, '/');
    if (entry.name == "meta.json") {
      context = parse_context(content_of(tar, entry, total));
    } else if (parts.size() == 3 && parts[0] == "tls" && parts[1] != ".." && parts[2] != "..") {
      files[std::string(parts[1])][std::string(parts[2])] = content_of(tar, entry, total);
    } else {
      fail_invalid(entry.name, ": unexpected context file");
    }
  }
  if (!context) fail_invalid("invalid context: no metadata found");
  context->name = name;
  store_context(*context);
  store_tls_files(name, files);
}

Value row_of(const std::string& name, bool current, const std::string& description, const std::string& host,
             const std::string& error) {
  return Value::Map{{"Name", name},
                    {"Current", current},
                    {"Description", description},
                    {"DockerEndpoint", host},
                    {"Error", shortened(error, 45)}};
}

}  // namespace

int create(Invocation& call) {
  const Options& options = call.options;
  const std::string& name = call.argument(0);
  check_is_new(name);
  bool from = options.given("from");
  if (from && options.given("docker")) throw Exit(1, "cannot use --docker flag when --from is set");
  Context context;
  TlsFiles files;
  if (from || !options.given("docker")) {
    std::string other = from ? options.text("from") : call.context();
    context = find_context(other);
    files = tls_files(other);
  } else {
    DockerEndpoint endpoint = endpoint_of(settings_of(options));
    context.metadata = Value::empty_map();
    context.endpoints = Value::Map{{std::string(kDockerEndpoint), endpoint.meta}};
    if (!endpoint.files.empty()) files[std::string(kDockerEndpoint)] = endpoint.files;
  }
  context.name = name;
  if (std::string text = options.text("description"); !text.empty()) context.metadata.set("Description", text);
  store_context(context);
  store_tls_files(name, files);
  print_line(name);
  complain(cat("Successfully created context ", quoted(name)));
  return 0;
}

int update(Invocation& call) {
  const Options& options = call.options;
  const std::string& name = call.argument(0);
  check_context_name(name);
  Context context = find_context(name);
  if (std::string text = options.text("description"); !text.empty()) context.metadata.set("Description", text);
  if (options.given("docker")) {
    DockerEndpoint endpoint = endpoint_of(settings_of(options));
    context.endpoints.set(kDockerEndpoint, endpoint.meta);
    TlsFiles files = tls_files(name);
    files[std::string(kDockerEndpoint)] = endpoint.files;
    store_tls_files(name, files);
  }
  store_context(context);
  print_line(name);
  complain(cat("Successfully updated context ", quoted(name)));
  return 0;
}

int use(Invocation& call) {
  const std::string& name = call.argument(0);
  bool is_default = name == kDefaultContext;
  if (!is_default) {
    check_context_name(name);
    find_context(name);
  }
  remember_current(is_default ? std::string() : name);
  print_line(name);
  complain(cat("Current context is now ", quoted(name)));
  if (!is_default) warn_of_environment(name);
  return 0;
}

int show(Invocation& call) {
  print_line(call.context());
  return 0;
}

int list(Invocation& call) {
  const Options& options = call.options;
  const std::string current = call.context();
  std::vector<Value> rows;
  bool found = current == kDefaultContext;
  rows.push_back(row_of(std::string(kDefaultContext), found, "Current DOCKER_HOST based configuration",
                        default_context().host(), ""));
  for (const Context& context : all_contexts()) {
    bool is_current = context.name == current;
    found = found || is_current;
    rows.push_back(row_of(context.name, is_current, context.description(), context.host(), ""));
  }
  if (!found) {
    try {
      find_context(current);
    } catch (const Error& e) {
      rows.push_back(row_of(current, true, "", "", e.message()));
    }
  }
  std::ranges::stable_sort(rows, {}, [](const Value& row) -> const std::string& { return row["Name"].text(); });
  std::string format = options.text("format");
  if (options.is_set("quiet") && format.empty()) format = "{{.Name}}";
  if (format.empty() || format == "table")
    format = "table {{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}";
  Listing listing{
      {{"Name", "NAME"}, {"Description", "DESCRIPTION"}, {"DockerEndpoint", "DOCKER ENDPOINT"}, {"Error", "ERROR"}},
      {},
      "*formatter.clientContextContext"};
  print(listed(listing, rows, format));
  warn_of_environment("");
  return 0;
}

int inspect(Invocation& call) {
  std::vector<std::string> names = call.arguments();
  if (names.empty()) names.push_back(call.context());
  const std::string format = call.options.text("format");
  std::optional<Template> form;
  if (!format.empty() && format != "json") form.emplace(format);
  std::vector<std::string> failures;
  std::string out;
  for (const std::string& name : names) {
    try {
      Value one = inspected(name);
      out += form ? form->run({&one, go_type("context.contextWithTLSListing")}) + "\n"
                  : cat(out.empty() ? "" : ",", to_json(one));
    } catch (const Error& e) {
      failures.push_back(e.message());
    }
  }
  if (form)
    print(out.empty() ? "\n" : out);
  else
    print_line(format.empty() ? indent_json(cat("[", out, "]"), "    ") : cat("[", out, "]"));
  for (const std::string& failure : failures) complain(failure);
  return failures.empty() ? 0 : 1;
}

int remove(Invocation& call) {
  bool force = call.options.is_set("force");
  int failed = 0;
  for (const std::string& name : call.arguments()) {
    std::string problem;
    if (name == kDefaultContext)
      problem = "context \"default\" cannot be removed";
    else if (name == call.context() && !force)
      problem = cat("context ", quoted(name), " is in use, set -f flag to force remove");
    else if (!context_exists(name) && !force)
      problem = cat("context ", quoted(name), " does not exist");
    if (!problem.empty()) {
      complain(problem);
      failed = 1;
      continue;
    }
    if (config()["currentContext"].text() == name) remember_current("");
    remove_context(name);
    print_line(name);
  }
  return failed;
}

int export_file(Invocation& call) {
  const std::string& name = call.argument(0);
  if (name != kDefaultContext) check_context_name(name);
  std::string path = call.arguments().size() > 1 ? call.argument(1) : name + ".dockercontext";
  if (path == "-") {
    if (is_terminal(STDOUT_FILENO)) throw Exit(1, "cowardly refusing to export to a terminal, specify a file path");
    export_to(name, [](std::string_view piece) { print(piece); });
    return 0;
  }
  find_context(name);  // before there is a file
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) fail_invalid("open ", path, ": ", lower(errno_text(errno)));
  export_to(name, [&](std::string_view piece) { write_all(fd.get(), piece); });
  complain(cat("Written file ", quoted(path)));
  return 0;
}

int import(Invocation& call) {
  const std::string &name = call.argument(0), &path = call.argument(1);
  check_is_new(name);
  UniqueFd fd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fail_invalid("open ", path, ": ", lower(errno_text(errno)));
  import_from(name, fd.get());
  print_line(name);
  complain(cat("Successfully imported context ", quoted(name)));
  return 0;
}

}  // namespace hull::cli::context
