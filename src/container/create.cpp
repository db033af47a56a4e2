// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
#include "base/trace.h"
#include "container/engine_impl.h"
#include "container/network_plan.h"
#include "container/normalize.h"
#include "container/persistent.h"
#include "container/security_options.h"
#include "container/shipped_images.h"
#include "container/user_namespace.h"
#include "linux/root_dir.h"

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
  fail(Kind::kNotFound, "image with reference ", name, " was found but its platform (", config.os, "/",
       config.architecture, ") does not match the specified platform (", platform, ")");
}

// An unknown driver is the client's mistake: a 404 would make it look for the image instead.
volume::Volume volume_for(const MountPlan& plan, volume::Volumes& volumes, bool& existed) {
  try {
    return volumes.create(plan.point.name, plan.point.driver, plan.volume_labels, plan.volume_options, &existed);
  } catch (const Error& e) {
    if (e.kind() != Kind::kNotFound) throw;
    throw Error(Kind::kInvalidArgument, e.message());
  }
}

// Makes the volumes of `plan` that do not exist yet, and says where every mount comes from.
std::vector<MountPoint> resolve_mounts(std::vector<MountPlan>& plans, volume::Volumes& volumes, Rollback& rollback,
                                       std::vector<std::string>& made_volumes) {
  std::vector<MountPoint> points;
  for (MountPlan& plan : plans) {
    MountPoint point = plan.point;
    if (point.type == "volume") {
      bool existed = false;
      auto made = volume_for(plan, volumes, existed);
      if (!existed) {
        rollback.add(cat("volume ", made.name), [&volumes, name = made.name] { volumes.remove(name, {}, true); });
        made_volumes.push_back(made.name);
      }
      point.name = made.name;
      point.driver = made.driver;
      point.source = made.mountpoint;
      plan.point = point;
    }
    if (point.type == "bind" && plan.create_source && !exists(point.source)) make_directories(point.source);
    points.push_back(std::move(point));
  }
  return points;
}

bool wants_population(const MountPlan& plan) {
  return plan.point.type == "volume" && !plan.no_copy && plan.point.driver == "local";
}

// Fills new volumes from what the image has at their place, before the container can see them.
void populate_volumes(const std::vector<MountPlan>& plans, const std::string& id, Services& services) {
  linux::DetachedMount mount;
  for (const MountPlan& plan : plans) {
    if (!wants_population(plan)) continue;
    if (!mount) mount = services.snapshots.mount(id);
    auto directory = linux::RootDir(mount.get()).open_if_exists(plan.point.destination, O_RDONLY | O_DIRECTORY);
    if (directory) services.volumes.populate(plan.point.name, directory->get());
  }
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
  request.spec.image_id = image->id;
  request.spec.created = now().nanoseconds;
  auto plans = plan_mounts(request.spec, [&](std::string_view name) { return get(name); });
  plan_ports(request.spec);  // refuses what cannot be published
  trace.step("validate");

  std::string name = choose_name(request, result.id, self.registry);
  rollback.add("name", [&, name, id = result.id] { self.registry.release_name(name, id); });
  State state = self.initial_state(result.id, name, std::make_shared<const Spec>(std::move(request.spec)));
  std::vector<std::string> made_volumes;
  state.mounts = resolve_mounts(plans, services.volumes, rollback, made_volumes);

  if (has_user_range(state.spec->host)) state.user_range = self.user_ranges.take();
  rollback.add("user ids", [&, range = state.user_range] { self.user_ranges.give_back(range); });
  rollback.add("snapshot", [&, id = result.id] { services.snapshots.remove(id); });
  services.snapshots.prepare(result.id, image->layer_chain_ids);
  rollback.add("directory", [&, id = result.id] { remove_tree(self.container_directory(id)); });
  self.directories.take(self.container_directory(result.id));
  trace.step("snapshot");
  populate_volumes(plans, result.id, services);

  services.database.add_container({result.id, name, encode_spec(*state.spec), encode_state(state)});
  rollback.commit();
  auto container = std::make_shared<Live>(std::move(state));
  self.registry.add(container);
  for (const auto& volume : made_volumes) publish_volume(services.events, volume, "create");
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
