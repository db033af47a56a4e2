// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
#include "base/trace.h"
#include "container/engine_impl.h"
#include "container/links.h"
#include "container/mount_use.h"
#include "container/network_plan.h"
#include "container/normalize.h"
#include "container/persistent.h"
#include "container/security_options.h"
#include "container/shipped_images.h"
#include "container/storage_size.h"
#include "container/user_namespace.h"
#include "container/volume_intent.h"
#include "network/foreign_firewall.h"
#include "oci/platform.h"

// POST /containers/create: everything that can be refused is refused here. In the end there are a row in the
// database, a writable directory over the image's layers, the container's own directory, and its volumes.
namespace hull::container {

namespace {

void check_platform(const image::Image& image, const std::string& platform, const std::string& name) {
  if (platform.empty()) return;
  auto parts = split(platform, '/');
  std::string wanted_os(parts[0]), wanted_architecture(parts.size() > 1 ? parts[1] : "");
  const auto& config = image.config;
  if (wanted_os == config.os && (wanted_architecture.empty() || wanted_architecture == config.architecture)) return;
  fail(Kind::kNotFound, oci::platform_mismatch(name, cat(config.os, "/", config.architecture), platform));
}

// Gives the volumes without a name one, and says which these are.
std::vector<std::string> name_anonymous(std::vector<MountPlan>& plans) {
  std::vector<std::string> names;
  for (MountPlan& plan : plans) {
    if (plan.point.type != "volume" || !plan.point.name.empty()) continue;
    plan.point.name = random_id();
    plan.volume_labels.emplace("com.docker.volume.anonymous", "");
    names.push_back(plan.point.name);
  }
  return names;
}

// Those that it will be on.
Strings network_names(const Spec& spec) {
  Strings names;
  for (const auto& [name, settings] : spec.endpoints) names.push_back(name);
  if (names.empty()) names.push_back(spec.host.network_mode);
  return names;
}

std::string choose_name(const CreateRequest& request, const std::string& id, Registry& registry) {
  std::string name = request.name.empty()
                         ? generate_name(id, [&](const std::string& n) { return registry.name_taken(n); })
                         : checked_name(request.name);
  registry.reserve_name(name, id);
  return name;
}

}  // namespace

CreateResult Engine::create(CreateRequest request) {
  Impl& self = *impl_;
  Services& services = self.services;
  CreateResult result;
  result.id = random_id();
  Trace trace(self.configuration.trace, cat("create ", short_id(result.id)));
  Rollback rollback;

  const std::string& wanted = request.spec.config.image;
  auto image = services.images.find(wanted);
  if (!image) image = import_shipped_image(wanted, self.configuration, services.images);
  if (!image) image = services.images.get(wanted);  // says that there is none
  check_platform(*image, request.platform, request.spec.config.image);
  auto id_of = [&](std::string_view name) {
    if (!request.name.empty() && name == request.name) fail_invalid("cannot join own network");
    return self.registry.get(name)->id;
  };
  apply_defaults(request.spec, *self.defaults());
  normalize(request.spec, *image, result.id, self.configuration, id_of, result.warnings);
  resolve_networks(request.spec, services.networks);
  resolve_links(request.spec.host, [&](std::string_view linked) { return get(linked); });
  request.spec.image_id = image->id;
  request.spec.created = now().nanoseconds;
  const std::uint64_t size = storage_size(request.spec.host);
  if (size > 0) services.snapshots.require_limits();
  auto plans =
      plan_mounts(request.spec, self.configuration.data_root, [&](std::string_view name) { return get(name); });
  // Refuses what cannot be published.
  if (!plan_ports(request.spec).empty())
    for (auto& text : network::foreign_firewall_warnings(services.networks, network_names(request.spec)))
      result.warnings.push_back(std::move(text));
  trace.step("validate");

  std::string name = choose_name(request, result.id, self.registry);
  rollback.add("name", [&, name, id = result.id] { self.registry.release_name(name, id); });
  fault::point("create.named");
  State state = self.initial_state(result.id, name, std::make_shared<const Spec>(std::move(request.spec)));
  std::string directory = self.container_directory(result.id);
  rollback.add("directory", [directory] { remove_tree(directory); });
  self.directories.take(directory);
  auto anonymous = name_anonymous(plans);
  volume_intent::record(directory, anonymous);
  fault::point("create.directory");
  UsedVolumes volumes;
  state.mounts = resolve_mounts(plans, result.id, services, rollback, volumes);
  fault::point("create.volumes");

  if (has_user_range(state.spec->host)) state.user_range = self.user_ranges.take();
  rollback.add("user ids", [&, range = state.user_range] { self.user_ranges.give_back(range); });
  rollback.add("snapshot", [&, id = result.id] { services.snapshots.remove(id); });
  services.snapshots.prepare(result.id, image->layer_chain_ids, size);
  fault::point("create.snapshot");
  trace.step("snapshot");
  populate_volumes(plans, result.id, services);
  fault::point("create.populated");

  services.database.add_container({result.id, name, encode_spec(*state.spec), encode_state(state)});
  rollback.commit();
  fault::point("create.recorded");
  if (!anonymous.empty()) volume_intent::clear(directory);
  auto container = std::make_shared<Live>(std::move(state));
  if (has_links(*container->state()->spec)) self.linked = true;
  self.registry.add(container);
  for (const auto& volume : volumes.made) publish_volume(services.events, volume, "create");
  self.publish(*container->state(), "create");
  const HostConfig& host = container->state()->spec->host;
  if (host.auto_remove && !has_user_namespace(host, self.configuration)) self.mounts_ahead.begin(container->id);
  trace.step("record");
  return result;
}

void Engine::Impl::make_container_directory(const std::string& path) {
  make_directories(path, 0710);
  for (const char* file : {"/hosts", "/hostname", "/resolv.conf"}) open_file(path + file, O_WRONLY | O_CREAT, 0644);
}

void Engine::Impl::make_ready() {
  background.run([this] {
    services.snapshots.make_ready();
    directories.fill();
  });
}

State Engine::Impl::initial_state(const std::string& id, const std::string& name,
                                  std::shared_ptr<const Spec> spec) const {
  State state;
  state.id = id;
  state.name = name;
  state.spec = std::move(spec);
  std::string directory = container_directory(id);
  state.log_path = state.spec->host.log_config.type == "json-file" ? cat(directory, "/", id, "-json.log") : "";
  state.resolv_conf_path = directory + "/resolv.conf";
  state.hostname_path = directory + "/hostname";
  state.hosts_path = directory + "/hosts";
  state.cgroup_path = cgroup_path(id, *state.spec);
  state.apparmor_profile = apparmor_profile(state.spec->host);
  return state;
}

}  // namespace hull::container
