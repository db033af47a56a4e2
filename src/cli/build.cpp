// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "cli/build_progress.h"
#include "cli/build_request.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/key_values.h"
#include "cli/listing.h"
#include "cli/local_files.h"
#include "cli/oci_layout.h"
#include "cli/prune.h"
#include "cli/pull.h"
#include "cli/terminal.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "dockerfile/git_reference.h"
#include "dockerfile/lint.h"

// hull build: the flags of `docker build` as a request to the engine, and its reports on the terminal.
namespace hull::cli {

namespace {

// A name alone takes its value from our own environment; not set there, it is not given.
Value build_arguments(const std::vector<std::string>& pairs) {
  Value out = Value::empty_map();
  for (const std::string& pair : pairs) {
    auto [name, value] = split_once(pair, '=');
    const char* own = value ? nullptr : std::getenv(std::string(name).c_str());
    if (value)
      out.set(name, *value);
    else if (own)
      out.set(name, own);
  }
  return out;
}

void add_json(Query& query, std::string_view name, const Value& value) {
  bool empty = value.is_map() ? value.map().empty() : value.list().empty();
  if (!empty) query.add(name, to_json(value));
}

Value ulimits_of(const std::vector<std::string>& texts) {
  Value out = Value::empty_list();
  for (const std::string& text : texts) {
    auto [name, values] = split_once(text, '=');
    auto [soft_text, hard_text] = split_once(values.value_or(""), ':');
    auto soft = parse_number<std::int64_t>(soft_text), hard = parse_number<std::int64_t>(hard_text.value_or(soft_text));
    if (!soft || !hard) fail_invalid("invalid ulimit argument: ", text);
    Value one = Value::empty_map();
    one.set("Name", name);
    one.set("Soft", *soft);
    one.set("Hard", *hard);
    out.push(std::move(one));
  }
  return out;
}

void refuse_unknown(const Options& options) {
  if (options.given("sbom") && options.text("sbom") != "false")
    complain("WARNING: --sbom: attestations are not made by this build of hull");
  if (options.given("attest")) complain("WARNING: --attest: attestations are not made by this build of hull");
}

// What is known of the sources besides the context, and where outputs go on this machine.
struct Plan {
  Query query;
  // Unpack what comes for type=local, and end when the other ends of their pipes are closed: after `descriptors`.
  std::vector<std::jthread> receivers;
  std::vector<NamedDescriptor> descriptors;
};

void add_contexts(const Options& options, Client& client, Plan& plan) {
  Value images = Value::empty_map(), remote = Value::empty_map();
  for (const std::string& text : options.list("build-context")) {
    auto [name, value] = split_once(text, '=');
    if (!value || value->empty()) fail_invalid("invalid context value: ", text, ", expected key=value");
    constexpr std::string_view kImage = "docker-image://", kLayout = "oci-layout://";
    if (value->starts_with(kImage))
      images.set(name, value->substr(kImage.size()));
    else if (value->starts_with(kLayout))
      images.set(name, load_from_layout(client, value->substr(kLayout.size())));
    else if (dockerfile::context_kind(*value) != dockerfile::ContextKind::kDirectory && !exists(std::string(*value)))
      remote.set(name, *value);
    else
      plan.descriptors.push_back({cat("context:", name), open_file(std::string(*value), O_RDONLY | O_DIRECTORY)});
  }
  add_json(plan.query, "imagecontexts", images);
  add_json(plan.query, "remotecontexts", remote);
}

// The engine writes a tar into a pipe, which it knows by `name`; we make the files, as the user that we are.
void receive_directory(Plan& plan, std::string name, const std::string& destination) {
  std::filesystem::create_directories(destination);
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe");
  plan.descriptors.push_back({std::move(name), UniqueFd(ends[1])});
  plan.receivers.emplace_back([from = std::make_shared<UniqueFd>(ends[0]), destination] {
    try {
      TarInput tar([&](char* out, std::size_t size) {
        ssize_t got;
        do got = ::read(from->get(), out, size);
        while (got < 0 && errno == EINTR);
        return static_cast<std::size_t>(check(got, "read", "the result"));
      });
      Destination to;
      to.directory = destination;
      unpack(tar, to);
    } catch (const Error& e) {
      complain(cat("ERROR: ", destination, ": ", e.message()));
    }
  });
}

void add_outputs(const Options& options, Plan& plan) {
  std::vector<std::string> texts = options.list("output");
  bool stored = false;
  Value outputs = Value::empty_list();
  std::size_t index = 0;
  for (const std::string& text : texts) {
    BuildOutput output = parse_output(text);
    bool image = output.type == "image" || output.type == "registry";
    if (image && options.is_set("push")) output.attributes.set("push", "true");
    stored = stored || image;
    bool unpacked = output.type == "local" || (output.type == "oci" && output.attributes["tar"].text() == "false");
    Value one = Value::empty_map();
    one.set("Type", output.type);
    one.set("Attrs", output.attributes);
    outputs.push(std::move(one));
    if (unpacked) {
      receive_directory(plan, cat("output:", index), output.destination);
    } else if (!output.destination.empty()) {
      if (output.destination == "-" && is_terminal(STDOUT_FILENO))
        throw Exit(1, "ERROR: dest file is required for the output: refusing to write it to the terminal");
      UniqueFd fd = output.destination == "-" ? UniqueFd(check(::dup(STDOUT_FILENO), "dup"))
                                              : open_file(output.destination, O_WRONLY | O_CREAT | O_TRUNC, 0644);
      plan.descriptors.push_back({cat("output:", index), std::move(fd)});
    }
    if (output.attributes["rewrite-timestamp"].text() == "true") plan.query.add("rewritetimestamps", "1");
    ++index;
  }
  // Next to other outputs, the image is made when it is asked for.
  bool push = options.is_set("push"), load = options.is_set("load") && !texts.empty();
  if (!stored && (push || load)) {
    Value one = Value::empty_map(), attributes = Value::empty_map();
    if (push) attributes.set("push", "true");
    one.set("Type", "image");
    one.set("Attrs", attributes);
    outputs.push(std::move(one));
  }
  add_json(plan.query, "outputs", outputs);
}

void add_caches(const Options& options, Plan& plan) {
  for (auto [flag, parameter] : {std::pair{"cache-from", "cacheimport"}, {"cache-to", "cacheexport"}}) {
    Value list = Value::empty_list();
    std::size_t index = 0;
    for (const std::string& text : options.list(flag)) {
      CacheOption cache = parse_cache(text, flag);
      std::string name = cat(parameter, ":", index);
      std::error_code code;
      if (cache.type == "local" && std::string_view(flag) == "cache-to") {
        receive_directory(plan, name, cache.directory);
      } else if (cache.type == "local") {
        // The first run of a pipeline has nothing to take from.
        if (!std::filesystem::exists(cache.directory + "/index.json", code)) {
          complain(cat("WARNING: --cache-from ", text, ": there is no cache in ", cache.directory));
          continue;
        }
        plan.descriptors.push_back({name, open_file(cache.directory, O_RDONLY | O_DIRECTORY)});
      }
      Value one = Value::empty_map();
      one.set("Type", cache.type);
      one.set("Attrs", cache.attributes);
      list.push(std::move(one));
      ++index;
    }
    add_json(plan.query, cat(parameter, "s"), list);
  }
}

void add_options(const Options& options, const BuildContext& context, const std::string& engine, Plan& plan) {
  Query& query = plan.query;
  query.add("version", "1");
  if (!context.dockerfile.empty()) query.add("dockerfile", context.dockerfile);
  if (!context.remote.empty()) query.add("remote", context.remote);
  for (const std::string& tag : options.list("tag")) query.add("t", tag);
  Value arguments = build_arguments(options.list("build-arg"));
  for (const auto& [name, value] : proxies_for(engine))
    if (!arguments.find_exact(name)) arguments.set(name, value);
  add_json(query, "buildargs", arguments);
  add_json(query, "labels", map_of(options.list("label")));
  add_json(query, "annotations", map_of(options.list("annotation")));
  add_json(query, "nocachefilter", Value::texts(options.list("no-cache-filter")));
  add_json(query, "allow", Value::texts(options.list("allow")));
  add_json(query, "ulimits", ulimits_of(options.list("ulimit")));
  add_json(query, "securityopt", Value::texts(options.list("security-opt")));
  for (const std::string& host : options.list("add-host")) query.add("extrahosts", host);
  struct Text {
    std::string_view flag, parameter;
  };
  for (const Text& one : {Text{"target", "target"}, Text{"cgroup-parent", "cgroupparent"},
                          Text{"cpuset-cpus", "cpusetcpus"}, Text{"cpuset-mems", "cpusetmems"}})
    if (options.given(one.flag)) query.add(one.parameter, options.text(one.flag));
  if (std::string platform = chosen_platform(options); !platform.empty()) query.add("platform", platform);
  if (options.given("network")) query.add("networkmode", options.text("network"));
  for (const Text& one : {Text{"memory", "memory"}, Text{"memory-swap", "memswap"}, Text{"shm-size", "shmsize"}})
    if (options.given(one.flag)) query.add(one.parameter, cat(options.bytes(one.flag)));
  for (const Text& one :
       {Text{"cpu-shares", "cpushares"}, Text{"cpu-period", "cpuperiod"}, Text{"cpu-quota", "cpuquota"}})
    if (options.given(one.flag)) query.add(one.parameter, cat(options.integer(one.flag)));
  for (const Text& one :
       {Text{"no-cache", "nocache"}, Text{"pull", "pull"}, Text{"squash", "squash"}, Text{"why", "why"}})
    if (options.is_set(one.flag)) query.add(one.parameter, "1");
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH")) query.add("epoch", epoch);
}

struct Source {
  std::string file, text;
};
Source dockerfile_of(const BuildContext& context) {
  std::string file = context.dockerfile.empty() ? "Dockerfile" : context.dockerfile;
  if (context.has_text) return {file, context.dockerfile_text};
  auto text = read_if_exists(cat(context.directory, "/", file));
  if (!text && context.dockerfile.empty()) text = read_if_exists(cat(context.directory, "/dockerfile"));
  return {file, text.value_or("")};
}

// What is known of base images here is nothing: they are taken for ones that set PATH.
dockerfile::CheckResult checked(const Options& options, const BuildContext& context, const Source& source) {
  dockerfile::CheckInput input;
  const Value arguments = build_arguments(options.list("build-arg"));
  for (const auto& [name, value] : arguments.map()) input.arguments[name] = value.text();
  input.platforms = {oci::host_platform(), oci::parse_platform(chosen_platform(options))};
  input.target = options.text("target");
  dockerfile::IgnoreRules ignore;
  for (const std::string& name : dockerfile::ignore_files(source.file))
    if (auto text = context.directory.empty() ? std::nullopt : read_if_exists(cat(context.directory, "/", name))) {
      ignore = dockerfile::IgnoreRules::parse(*text);
      break;
    }
  if (!ignore.empty()) input.ignore = &ignore;
  return dockerfile::check(source.text, input, source.file);
}

int check_only(const Options& options, const BuildContext& context) {
  Source source = dockerfile_of(context);
  auto result = checked(options, context, source);
  bool json = options.text("call").find("format=json") != std::string::npos;
  print(json ? dockerfile::format_json(result, source.text, source.file)
             : dockerfile::format_check(result, source.text, source.file));
  return result.clean() ? 0 : 1;
}

void show_warnings(const Options& options, const BuildContext& context) {
  if (context.archive_on_input || (!context.remote.empty() && !context.has_text)) return;
  auto warnings = checked(options, context, dockerfile_of(context)).warnings;
  if (warnings.empty()) return;
  std::string text = cat("\n ", warnings.size(), warnings.size() == 1 ? " warning" : " warnings", " found:\n");
  for (const dockerfile::Warning& warning : warnings) text += cat(" - ", dockerfile::format_short(warning), "\n");
  write_all(STDERR_FILENO, text);
}

struct Outcome {
  std::string id, error, excerpt;
  Value tags, manifest;
};

Outcome follow(Connection& connection, BuildProgress& progress) {
  Outcome outcome;
  JsonObjects objects;
  char piece[16 << 10];
  auto next = [&] {
    constexpr int kTick = 100;  // milliseconds
    pollfd waiting{connection.fd(), POLLIN, 0};
    while (!connection.has_body() && ::poll(&waiting, 1, kTick) == 0) progress.tick();
    return connection.read_some(piece, sizeof piece);
  };
  while (std::size_t got = next())
    objects.feed({piece, got}, [&](std::string_view text) {
      Value report = parse_value(text);
      progress.report(report, text);
      if (const Value* aux = report.find("aux")) {
        outcome.id = (*aux)["ID"].text();
        outcome.tags = (*aux)["Tags"];
        outcome.manifest = (*aux)["Manifest"];
      }
      if (const Value* error = report.find("error")) outcome.error = error->text();
      if (const Value* excerpt = report.find("excerpt")) outcome.excerpt = excerpt->text();
      // An engine that is not hull's speaks Docker's classic words.
      if (const Value* stream = report.find("stream")) write_all(STDERR_FILENO, stream->text());
    });
  return outcome;
}

void write_metadata(const std::string& file, const Outcome& outcome, const std::string& reference) {
  Value data = Value::empty_map();
  data.set("buildx.build.ref", cat("hull/hull/", reference));
  if (!outcome.id.empty()) {
    data.set("containerimage.config.digest", outcome.id);
    // What a registry calls it; without one, what this machine does.
    bool pushed = outcome.manifest.is_map();
    if (pushed) data.set("containerimage.descriptor", outcome.manifest);
    data.set("containerimage.digest", pushed ? outcome.manifest["digest"].text() : outcome.id);
  }
  std::vector<std::string> names;
  for (const Value& tag : outcome.tags.list()) names.push_back(tag.text());
  if (!names.empty()) data.set("image.name", join(names, ","));
  write_file_atomically(file, indent_json(to_json(data), "  ") + "\n");
}

}  // namespace

namespace image {

int build(Invocation& call) {
  const Options& options = call.options;
  refuse_unknown(options);
  BuildContext context = build_context(call.argument(0), options.text("file"));
  std::string called =
      options.is_set("check") ? "check" : options.text("call").substr(0, options.text("call").find(','));
  if (called == "check" || called == "lint") return check_only(options, context);
  if (called != "build") fail(Kind::kNotImplemented, "--call=", called, " is not available: build and check are");
  Plan plan;
  add_options(options, context, call.client().host(), plan);
  add_contexts(options, call.client(), plan);
  for (auto& one : secret_descriptors(options.list("secret"))) plan.descriptors.push_back(std::move(one));
  for (auto& one : agent_descriptors(options.list("ssh"))) plan.descriptors.push_back(std::move(one));
  add_outputs(options, plan);
  add_caches(options, plan);
  std::string reference = random_hex(12);
  plan.query.add("buildid", reference);
  const char* usual = std::getenv("BUILDKIT_PROGRESS");
  const std::string manner = options.given("progress") || !usual || !*usual ? options.text("progress") : usual;
  bool quiet = options.is_set("quiet") || manner == "quiet";
  auto progress = make_build_progress(manner, quiet);
  bool statuses = false;
  Outcome outcome;
  {
    auto connection = send_build(call.client(), plan.query, context, plan.descriptors, statuses);
    plan.descriptors.clear();  // the engine has its own: the pipes end with them
    outcome = follow(*connection, *progress);
  }
  plan.receivers.clear();
  progress->finish(!outcome.error.empty());
  if (!quiet && outcome.error.empty()) show_warnings(options, context);
  if (!outcome.error.empty())
    throw Exit(1, cat(outcome.excerpt, "ERROR: failed to build: failed to solve: ", outcome.error));
  if (options.given("iidfile")) write_file_atomically(options.text("iidfile"), outcome.id);
  if (options.given("metadata-file")) write_metadata(options.text("metadata-file"), outcome, reference);
  if (quiet && !outcome.id.empty()) print_line(outcome.id);
  return 0;
}

}  // namespace image

namespace builder {

int prune(Invocation& call) {
  const Options& options = call.options;
  std::string_view warning = options.is_set("all") ? "WARNING! This will remove all build cache."
                                                   : "WARNING! This will remove all dangling build cache.";
  if (!confirmed(options, warning)) return 0;
  Query query;
  if (options.is_set("all")) query.add("all", "1");
  for (std::string_view name : {"keep-storage", "reserved-space", "max-used-space", "min-free-space"})
    if (options.given(name)) query.add(name, cat(options.bytes(name)));
  auto filters = options.list("filter");
  add_prune_filters(filters);
  query.add_filters(filters);
  Value answer = call.client().post(cat("/build/prune", query.text())).value();
  if (!answer["CachesDeleted"].list().empty()) {
    print_line("Deleted build cache objects:");
    for (const Value& id : answer["CachesDeleted"].list()) print_line(id.text());
    print("\n");
  }
  print_line("Total reclaimed space: ", decimal_size(answer["SpaceReclaimed"].real(), 4));
  return 0;
}

int disk_usage(Invocation& call) {
  Value answer = call.client().get("/system/df?type=build-cache");
  std::vector<Value> rows;
  std::int64_t total = 0, shared = 0, reclaimable = 0;
  for (const Value& one : answer["BuildCache"].list()) {
    std::int64_t size = one["Size"].integer();
    total += size;
    if (one["Shared"].boolean())
      shared += size;
    else if (!one["InUse"].boolean())
      reclaimable += size;
    Value row = Value::empty_map();
    row.set("ID", one["ID"].text());
    row.set("Reclaimable", one["InUse"].boolean() ? "false" : "true");
    row.set("Size", cat(decimal_size(static_cast<double>(size), 4), one["Shared"].boolean() ? "*" : ""));
    auto used = parse_rfc3339(one["LastUsedAt"].text());
    row.set("LastAccessed", used ? ago(used->nanoseconds / 1'000'000'000) : "");
    row.set("Description", one["Description"].text());
    row.set("Type", one["Type"].text());
    row.set("UsageCount", one["UsageCount"].integer());
    row.set("CreatedAt", one["CreatedAt"].text());
    row.set("Shared", one["Shared"].boolean());
    rows.push_back(std::move(row));
  }
  static const Listing kListing{
      {{"ID", "ID"}, {"Reclaimable", "RECLAIMABLE"}, {"Size", "SIZE"}, {"LastAccessed", "LAST ACCESSED"}},
      {{"Description", "DESCRIPTION"},
       {"Type", "TYPE"},
       {"UsageCount", "USAGE COUNT"},
       {"CreatedAt", "CREATED AT"},
       {"Shared", "SHARED"}}};
  if (call.options.is_set("verbose")) {
    for (const Value& row : rows) {
      for (const char* field :
           {"ID", "Type", "Description", "Size", "Shared", "Reclaimable", "UsageCount", "CreatedAt", "LastAccessed"})
        print_line(field, ":\t", row[field].is_text() ? row[field].text() : to_json(row[field]));
      print("\n");
    }
  } else {
    print(listed(kListing, rows, call.options.text("format")));
  }
  if (call.options.given("format")) return 0;
  auto line = [](std::string_view name, std::int64_t bytes) {
    print_line(name, ":\t", decimal_size(static_cast<double>(bytes), 4));
  };
  if (shared > 0) line("Shared", shared);
  if (shared > 0) line("Private", total - shared);
  line("Reclaimable", reclaimable);
  line("Total", total);
  return 0;
}

}  // namespace builder

}  // namespace hull::cli
