// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include "api/build_output.h"
#include "api/filters.h"
#include "api/handlers.h"
#include "api/json_reply.h"
#include "api/registry_auth.h"
#include "base/file.h"
#include "build/builder.h"
#include "container/spec_fields.h"
#include "oci/json.h"
#include "oci/platform.h"
#include "settings/build_collection.h"

// POST /build as Docker's classic builder has it, and what hull's own command line adds to
// it: the context, secrets and the like as descriptors (docs/build.md).
namespace hull::api {

namespace {

template <class T>
T json_value(const Query& query, std::string_view name) {
  std::string text = query.get(name);
  if (text.empty()) return T{};
  try {
    return from_json<T>(parse_json(text));
  } catch (const Error& e) {
    fail_invalid("error reading ", name, ": ", e.message());
  }
}

// Arguments may be null: then the builder's own value counts, which is none.
void read_arguments(const Query& query, build::Request& request) {
  for (auto& [name, value] : json_value<std::map<std::string, std::optional<std::string>>>(query, "buildargs"))
    if (value)
      request.arguments[name] = std::move(*value);
    else
      request.unset_arguments.push_back(name);
}

void read_limits(const Query& query, container::HostConfig& host) {
  struct Number {
    std::string_view name;
    std::int64_t container::HostConfig::*field;
  };
  static constexpr Number kNumbers[] = {
      {"memory", &container::HostConfig::memory},        {"memswap", &container::HostConfig::memory_swap},
      {"cpushares", &container::HostConfig::cpu_shares}, {"cpuperiod", &container::HostConfig::cpu_period},
      {"cpuquota", &container::HostConfig::cpu_quota},   {"shmsize", &container::HostConfig::shm_size}};
  for (const Number& number : kNumbers) host.*number.field = query.integer(number.name).value_or(0);
  host.cpuset_cpus = query.get("cpusetcpus");
  host.cpuset_mems = query.get("cpusetmems");
  host.cgroup_parent = query.get("cgroupparent");
  host.network_mode = query.get("networkmode");
  container::Strings hosts;
  for (const std::string& text : query.all("extrahosts"))
    for (std::string_view one : split(text, ','))
      if (!one.empty()) hosts.emplace_back(one);
  if (!hosts.empty()) host.extra_hosts = hosts;
  if (auto limits = json_value<std::vector<container::Ulimit>>(query, "ulimits"); !limits.empty())
    host.ulimits = limits;
  if (auto options = json_value<container::Strings>(query, "securityopt"); !options.empty())
    host.security_opt = options;
}

build::Request request_of(const Query& query) {
  build::Request request;
  request.id = query.get("buildid");
  request.dockerfile = query.get("dockerfile");
  for (std::string& tag : query.all("t"))
    if (!tag.empty()) request.tags.push_back(std::move(tag));
  read_arguments(query, request);
  request.labels = json_value<build::StringMap>(query, "labels");
  request.target = query.get("target");
  request.platform = query.get("platform");
  if (!request.platform.empty()) oci::parse_platform(request.platform);
  request.no_cache = query.flag("nocache");
  request.pull = query.flag("pull");
  request.squash = query.flag("squash");
  for (std::string& image : json_value<build::Strings>(query, "cachefrom"))
    request.cache_imports.push_back({"registry", {{"ref", std::move(image)}}, {}});
  if (auto inline_cache = request.arguments.find("BUILDKIT_INLINE_CACHE");
      inline_cache != request.arguments.end() && inline_cache->second == "1")
    request.cache_exports.push_back({"inline", {}, {}});
  read_limits(query, request.host);

  // hull's own.
  request.no_cache_filter = json_value<build::Strings>(query, "nocachefilter");
  request.image_contexts = json_value<build::StringMap>(query, "imagecontexts");
  request.remote_contexts = json_value<build::StringMap>(query, "remotecontexts");
  request.annotations = json_value<build::StringMap>(query, "annotations");
  request.source_date_epoch = query.integer("epoch");
  request.rewrite_timestamps = query.flag("rewritetimestamps");
  request.explain = query.flag("why");
  auto allow = json_value<build::Strings>(query, "allow");
  request.allow_insecure = std::ranges::find(allow, "security.insecure") != allow.end();
  if (auto epoch = request.arguments.find("SOURCE_DATE_EPOCH");
      epoch != request.arguments.end() && !request.source_date_epoch)
    request.source_date_epoch = parse_number<std::int64_t>(epoch->second);
  if (auto name = request.arguments.find("BUILDKIT_SANDBOX_HOSTNAME"); name != request.arguments.end())
    request.hostname = name->second;
  return request;
}

// [{"Type":"tar","Attrs":{…}}]: what is sent to a client goes into the descriptor "output:<index>".
struct TransferText {
  std::string type;
  build::StringMap attributes;
};
template <class Visitor>
void fields(Visitor& visit, TransferText& value) {
  visit("Type", value.type);
  visit("Attrs", value.attributes);
}

// Outputs, --cache-from and --cache-to are all written so.
template <class Transfer>
void read_transfers(const Query& query, std::string_view name, std::vector<Transfer>& into) {
  for (TransferText& text : json_value<std::vector<TransferText>>(query, name)) {
    Transfer& one = into.emplace_back();
    one.type = std::move(text.type);
    one.attributes = std::move(text.attributes);
  }
}

// "context", "context:<name>", "secret:<id>", "ssh:<id>", "dockerfile", "ignore", "output:<index>",
// "cacheimport:<index>", "cacheexport:<index>".
void take_descriptors(Call& call, build::Request& request, build::Sources& sources) {
  auto names = json_value<build::Strings>(call.query, "descriptors");
  if (names.empty()) return;
  auto descriptors = call.request.receive_descriptors(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto [kind, rest] = split_once(names[i], ':');
    std::string name(rest.value_or(""));
    UniqueFd& fd = descriptors[i];
    auto index = parse_number<std::size_t>(name);
    if (kind == "context") {
      sources.directories.insert_or_assign(name, std::move(fd));
    } else if (kind == "secret") {
      request.secrets.push_back({name, read_all(fd.get())});
    } else if (kind == "ssh") {
      request.agents.push_back({name, std::move(fd)});
    } else if (kind == "dockerfile") {
      request.dockerfile_text = read_all(fd.get());
    } else if (kind == "ignore") {
      request.ignore_text = read_all(fd.get());
      request.has_ignore_text = true;
    } else if (kind == "output" && index && *index < request.outputs.size()) {
      request.outputs[*index].destination = std::move(fd);
    } else if (kind == "cacheimport" && index && *index < request.cache_imports.size()) {
      request.cache_imports[*index].end = std::move(fd);
    } else if (kind == "cacheexport" && index && *index < request.cache_exports.size()) {
      request.cache_exports[*index].end = std::move(fd);
    } else {
      fail_invalid("unknown descriptor ", hull::quoted(names[i]));
    }
  }
}

build::Sources sources_of(Call& call, build::Request& request) {
  build::Sources sources;
  take_descriptors(call, request, sources);
  bool descriptors = call.query.has("descriptors");
  if (std::string remote = call.query.get("remote"); remote != "client-session") request.remote = remote;
  if (!descriptors && request.remote.empty() && call.request.has_body)
    sources.tar = [&request = call.request](char* buffer, std::size_t size) { return request.read(buffer, size); };
  return sources;
}

Json usage_shape(const build::Usage& one, Call& call) {
  Json out;
  out["ID"] = one.id;
  if (call.since(42)) out["Parents"] = one.parent.empty() ? Json(nullptr) : Json::array({one.parent});
  if (!call.since(42)) out["Parent"] = one.parent;
  out["Type"] = one.kind;
  out["Description"] = one.description;
  out["InUse"] = one.in_use;
  out["Shared"] = one.shared;
  out["Size"] = one.size;
  out["CreatedAt"] = format_rfc3339(one.created);
  out["LastUsedAt"] = format_rfc3339(one.used);
  out["UsageCount"] = one.uses;
  return out;
}

// "24h": not used since then.
Timestamp used_before(const std::string& text) {
  if (auto duration = parse_duration(text)) return {now().nanoseconds - duration->count()};
  if (auto time = parse_rfc3339(text)) return *time;
  if (auto seconds = parse_number<std::int64_t>(text)) return {*seconds * 1'000'000'000};
  fail_invalid("invalid filter 'until=", text, "': it is no duration and no time");
}

const std::initializer_list<std::string_view> kUsageFilters = {
    "id", "until", "unused-for", "type", "inuse", "mutable", "immutable", "shared", "private", "description", "parent"};

// Empty when the filters let everything pass.
std::function<bool(const build::Usage&)> selection(Filters filters) {
  if (std::ranges::none_of(kUsageFilters, [&](std::string_view name) { return filters.has(name); })) return {};
  std::optional<Timestamp> until;
  for (std::string_view name : {"until", "unused-for"})
    if (filters.has(name)) until = used_before(filters.values(name).front());
  return [filters = std::move(filters), until](const build::Usage& one) {
    if (until && !(one.used < *until)) return false;
    auto is = [&](std::string_view name, bool value) { return filters.flag(name).value_or(value) == value; };
    return filters.prefix("id", one.id) && filters.exact("type", one.kind) && is("inuse", one.in_use) &&
           is("shared", one.shared) && is("private", !one.shared) && filters.pattern("description", one.description) &&
           filters.prefix("parent", one.parent);
  };
}

// What daemon.json says about the size of the cache, for the disk that it is on.
std::vector<build::PruneRequest> garbage_rules(Call& call) {
  std::vector<build::PruneRequest> rules;
  auto settings = call.settings();
  std::int64_t disk = static_cast<std::int64_t>(std::filesystem::space(settings->data_root).capacity);
  for (const settings::CollectionRule& rule : settings::build_collection(*settings)) {
    build::PruneRequest& one = rules.emplace_back();
    one.all = rule.all;
    if (rule.reserved_space) one.reserved_space = rule.reserved_space->of(disk);
    if (rule.max_used_space) one.max_used_space = rule.max_used_space->of(disk);
    if (rule.min_free_space) one.min_free_space = rule.min_free_space->of(disk);
    Filters filters;
    for (const auto& [name, value] : rule.filters) filters.add(name, value);
    one.selected = selection(std::move(filters));
  }
  return rules;
}

}  // namespace

Json build_cache_shape(Call& call) {
  Json out = Json::array();
  for (const build::Usage& one : call.builder.usage()) out.push_back(usage_shape(one, call));
  return out;
}

void build_image(Call& call) {
  build::Request request = request_of(call.query);
  read_transfers(call.query, "outputs", request.outputs);
  read_transfers(call.query, "cacheimports", request.cache_imports);
  read_transfers(call.query, "cacheexports", request.cache_exports);
  build::Sources sources = sources_of(call, request);
  request.transfer = [&call](const std::string& domain) {
    image::TransferOptions options = transfer_options(call, call.settings()->max_concurrent_downloads);
    options.credentials = credentials_of_build(call, domain);
    return options;
  };
  bool quiet = call.query.flag("q");
  std::unique_ptr<BuildOutput> output =
      call.query.flag("statuses") ? status_build_output(call) : classic_build_output(call, quiet);
  try {
    build::Result result = call.builder.build(std::move(request), std::move(sources), *output, call.request.hung_up());
    output->built(result);
    if (result.grew) call.builder.collect_garbage(garbage_rules(call));
  } catch (const Error& e) {
    if (!output->refused(e)) throw;
  }
}

void prune_builds(Call& call) {
  Filters filters(call.query, kUsageFilters);
  build::PruneRequest request;
  request.all = call.query.flag("all");
  struct Size {
    std::string_view parameter;
    std::optional<std::int64_t> build::PruneRequest::*field;
  };
  for (const Size& size : {Size{"keep-storage", &build::PruneRequest::reserved_space},
                           Size{"reserved-space", &build::PruneRequest::reserved_space},
                           Size{"max-used-space", &build::PruneRequest::max_used_space},
                           Size{"min-free-space", &build::PruneRequest::min_free_space}})
    if (auto bytes = call.query.integer(size.parameter); bytes && *bytes > 0) request.*size.field = *bytes;
  request.selected = selection(std::move(filters));
  auto pruned = call.builder.prune(request);
  Json out;
  out["CachesDeleted"] = pruned.ids.empty() ? Json(nullptr) : Json(pruned.ids);
  out["SpaceReclaimed"] = pruned.space_reclaimed;
  container::Event event;
  event.type = "builder";
  event.action = "prune";
  event.attributes["reclaimed"] = cat(pruned.space_reclaimed);
  call.services().events.publish(std::move(event));
  reply(call, 200, out);
}

void cancel_build(Call& call) {
  std::string id = call.query.get("id");
  if (id.empty()) fail_invalid("build ID not provided");
  call.builder.cancel(id);
  call.send_empty(204);
}

}  // namespace hull::api
