// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/call.h"

// The functions behind the table of routes (routes.cpp), one file per subject.
namespace hull::api {

// containers.cpp
void list_containers(Call& call);
void create_container(Call& call);
void inspect_container(Call& call);
void update_container(Call& call);
void prune_containers(Call& call);
void container_top(Call& call);
void container_changes(Call& call);

// container_files.cpp
void stat_archive(Call& call);
void get_archive(Call& call);
void put_archive(Call& call);
void export_container(Call& call);
void commit_container(Call& call);

// container_verbs.cpp
void start_container(Call& call);
void stop_container(Call& call);
void restart_container(Call& call);
void kill_container(Call& call);
void pause_container(Call& call);
void unpause_container(Call& call);
void rename_container(Call& call);
void resize_container(Call& call);
void remove_container(Call& call);

// checkpoints.cpp
void list_checkpoints(Call& call);
void create_checkpoint(Call& call);
void remove_checkpoint(Call& call);

// container_streams.cpp
void attach_container(Call& call);
void container_logs(Call& call);
void wait_container(Call& call);

// attach_websocket.cpp
void attach_websocket(Call& call);

// stats.cpp
void container_stats(Call& call);

// exec.cpp
void create_exec(Call& call);
void start_exec(Call& call);
void resize_exec(Call& call);
void inspect_exec(Call& call);

// images.cpp
void list_images(Call& call);
void inspect_image(Call& call);
void image_history(Call& call);
void tag_image(Call& call);
void remove_image(Call& call);
void prune_images(Call& call);

// image_intake.cpp, image_archives.cpp
void create_image(Call& call);  // import, pull
void load_images(Call& call);
void save_images(Call& call);
void save_image(Call& call);

// deliveries.cpp
void offer_image(Call& call);
void accept_image(Call& call);
void send_layer(Call& call);
void receive_layer(Call& call);

// image_transfer.cpp, image_search.cpp, registry_auth.cpp
void pull_image(Call& call);
void push_image(Call& call);
void inspect_distribution(Call& call);
void search_images(Call& call);
void check_login(Call& call);

// build.cpp
void build_image(Call& call);
void prune_builds(Call& call);
void cancel_build(Call& call);

// networks.cpp
void list_networks(Call& call);
void inspect_network(Call& call);
void create_network(Call& call);
void remove_network(Call& call);
void prune_networks(Call& call);
void connect_network(Call& call);
void disconnect_network(Call& call);

// volumes.cpp
void list_volumes(Call& call);
void create_volume(Call& call);
void inspect_volume(Call& call);
void remove_volume(Call& call);
void prune_volumes(Call& call);
void update_volume(Call& call);
void rename_volume(Call& call);
void export_volume(Call& call);
void import_volume(Call& call);

// system.cpp, info.cpp, disk_usage.cpp, events.cpp
void ping(Call& call);
void version(Call& call);
void info(Call& call);
void disk_usage(Call& call);
void events(Call& call);

}  // namespace hull::api
