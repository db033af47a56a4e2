// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/router.h"
#include "api/status.h"
#include "base/error.h"

// Every endpoint of the Engine API. The first line that fits decides.
namespace hull::api {

namespace {

// What this engine does not do is refused in one sentence that says so.
template <int kSubject>
void refused(Call&);

enum Subject : int { kSession, kAttestation, kPlugins };

constexpr std::string_view kNames[] = {
    "a BuildKit session",
    "reading attestations",
    "installing plugins",
};

template <int kSubject>
void refused(Call&) {
  fail(Kind::kNotImplemented, kNames[kSubject], " is not available in this build of hull");
}

// A server of somebody else's that cannot be reached, or makes no sense, is 500, as with Docker: clients take 503 for
// "ask me again", and go on asking for minutes.
template <void (*kHandler)(Call&)>
void over_network(Call& call) {
  try {
    kHandler(call);
  } catch (const Error& e) {
    if (e.kind() != Kind::kUnavailable) throw;
    throw Error(Kind::kInternal, e.message());
  }
}

void not_a_manager(Call&) { fail_without_swarm(); }

void no_plugins(Call& call) { call.response.send(200, kJson, "[]\n"); }
void no_such_plugin(Call& call) { fail(Kind::kNotFound, "plugin ", call.parameter("name"), " not found"); }
constexpr Route kRoutes[] = {
    {"GET", "/_ping", ping},
    {"HEAD", "/_ping", ping},
    {"GET", "/version", version},
    {"GET", "/info", info},
    {"GET", "/events", events},
    {"GET", "/system/df", disk_usage},
    {"POST", "/auth", over_network<check_login>},

    {"GET", "/containers/json", list_containers},
    {"POST", "/containers/create", create_container, "create"},
    {"POST", "/containers/prune", prune_containers},
    {"GET", "/containers/{name*}/json", inspect_container},
    {"GET", "/containers/{name}/top", container_top},
    {"GET", "/containers/{name}/logs", container_logs},
    {"GET", "/containers/{name}/stats", container_stats},
    {"GET", "/containers/{name}/changes", container_changes, "changes"},
    {"GET", "/containers/{name}/export", export_container},
    {"GET", "/containers/{name}/attach/ws", attach_websocket},
    {"GET", "/containers/{name}/checkpoints", list_checkpoints},
    {"POST", "/containers/{name}/checkpoints", create_checkpoint},
    {"DELETE", "/containers/{name}/checkpoints/{checkpoint}", remove_checkpoint},
    {"HEAD", "/containers/{name}/archive", stat_archive},
    {"GET", "/containers/{name}/archive", get_archive},
    {"PUT", "/containers/{name}/archive", put_archive},
    {"POST", "/containers/{name}/start", start_container, "start"},
    {"POST", "/containers/{name}/stop", stop_container},
    {"POST", "/containers/{name}/restart", restart_container},
    {"POST", "/containers/{name}/kill", kill_container},
    {"POST", "/containers/{name}/pause", pause_container},
    {"POST", "/containers/{name}/unpause", unpause_container},
    {"POST", "/containers/{name}/rename", rename_container},
    {"POST", "/containers/{name}/resize", resize_container},
    {"POST", "/containers/{name}/update", update_container},
    {"POST", "/containers/{name}/attach", attach_container},
    {"POST", "/containers/{name}/wait", wait_container},
    {"POST", "/containers/{name}/exec", create_exec},
    {"DELETE", "/containers/{name*}", remove_container, "delete"},
    {"POST", "/commit", commit_container, "commit"},

    {"POST", "/exec/{id}/start", start_exec},
    {"POST", "/exec/{id}/resize", resize_exec},
    {"GET", "/exec/{id}/json", inspect_exec},

    {"GET", "/images/json", list_images},
    {"GET", "/images/search", over_network<search_images>},
    {"GET", "/images/get", save_images},
    {"POST", "/images/create", over_network<create_image>},
    {"POST", "/images/load", load_images},
    {"POST", "/images/prune", prune_images},
    {"GET", "/images/{name*}/json", inspect_image},
    {"GET", "/images/{name*}/history", image_history},
    {"GET", "/images/{name*}/get", save_image},
    {"GET", "/images/{name*}/attestations", refused<kAttestation>},
    {"POST", "/images/{name*}/tag", tag_image},
    {"POST", "/images/{name*}/push", over_network<push_image>},
    {"DELETE", "/images/{name*}", remove_image},
    {"GET", "/distribution/{name*}/json", over_network<inspect_distribution>},
    {"GET", "/hull/images/{name*}/offer", offer_image},
    {"POST", "/hull/images", accept_image},
    {"GET", "/hull/layers/{chain}", send_layer},
    {"POST", "/hull/layers/{chain}", receive_layer},

    {"GET", "/networks", list_networks},
    {"GET", "/networks/", list_networks},
    {"POST", "/networks/create", create_network},
    {"POST", "/networks/prune", prune_networks},
    {"GET", "/networks/{name}", inspect_network},
    {"DELETE", "/networks/{name}", remove_network},
    {"POST", "/networks/{name}/connect", connect_network},
    {"POST", "/networks/{name}/disconnect", disconnect_network},

    {"GET", "/volumes", list_volumes},
    {"POST", "/volumes/create", create_volume},
    {"POST", "/volumes/prune", prune_volumes},
    {"GET", "/volumes/{name}", inspect_volume},
    {"PUT", "/volumes/{name}", update_volume},
    {"POST", "/volumes/{name}/rename", rename_volume},
    {"GET", "/volumes/{name}/export", export_volume},
    {"POST", "/volumes/{name}/import", import_volume},
    {"DELETE", "/volumes/{name}", remove_volume},

    {"POST", "/build", build_image},
    {"POST", "/build/prune", prune_builds},
    {"POST", "/build/cancel", cancel_build},
    {"POST", "/session", refused<kSession>},
    {"POST", "/grpc", refused<kSession>},

    {"GET", "/plugins", no_plugins},
    {"GET", "/plugins/privileges", refused<kPlugins>},
    {"POST", "/plugins/pull", refused<kPlugins>},
    {"POST", "/plugins/create", refused<kPlugins>},
    {"GET", "/plugins/{name*}/json", no_such_plugin},
    {"DELETE", "/plugins/{name*}", no_such_plugin},
    {"POST", "/plugins/{name*}/enable", no_such_plugin},
    {"POST", "/plugins/{name*}/disable", no_such_plugin},
    {"POST", "/plugins/{name*}/upgrade", no_such_plugin},
    {"POST", "/plugins/{name*}/push", no_such_plugin},
    {"POST", "/plugins/{name*}/set", no_such_plugin},

    {"GET", "/swarm", not_a_manager},
    {"GET", "/swarm/unlockkey", not_a_manager},
    {"POST", "/swarm/{verb}", not_a_manager},
};

// The collections of a swarm all have the same verbs.
constexpr Route kSwarmRoutes[] = {
    {"GET", "/nodes", not_a_manager},           {"GET", "/services", not_a_manager},
    {"GET", "/tasks", not_a_manager},           {"GET", "/secrets", not_a_manager},
    {"GET", "/configs", not_a_manager},         {"GET", "/nodes/{id*}", not_a_manager},
    {"GET", "/services/{id*}", not_a_manager},  {"GET", "/tasks/{id*}", not_a_manager},
    {"GET", "/secrets/{id*}", not_a_manager},   {"GET", "/configs/{id*}", not_a_manager},
    {"POST", "/nodes/{id*}", not_a_manager},    {"POST", "/services/{id*}", not_a_manager},
    {"POST", "/secrets/{id*}", not_a_manager},  {"POST", "/configs/{id*}", not_a_manager},
    {"DELETE", "/nodes/{id}", not_a_manager},   {"DELETE", "/services/{id}", not_a_manager},
    {"DELETE", "/secrets/{id}", not_a_manager}, {"DELETE", "/configs/{id}", not_a_manager},
};

}  // namespace

std::vector<Route> all_routes() {
  std::vector<Route> routes(std::begin(kRoutes), std::end(kRoutes));
  routes.insert(routes.end(), std::begin(kSwarmRoutes), std::end(kSwarmRoutes));
  return routes;
}

}  // namespace hull::api
