// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"

// The image configuration (github.com/opencontainers/image-spec, config.md) with Docker's additions
// (Healthcheck, OnBuild, Shell, and the history of a build).
namespace hull::oci {

struct Empty {};  // the {} that sets are made of in Go's JSON
template <class Visitor>
void fields(Visitor&, Empty&) {}
using Set = std::map<std::string, Empty>;

struct HealthCheck {
  std::optional<std::vector<std::string>> test;  // ["CMD", …], ["CMD-SHELL", …], ["NONE"]
  std::int64_t interval = 0, timeout = 0, start_period = 0, start_interval = 0;  // nanoseconds
  int retries = 0;
};
template <class Visitor>
void fields(Visitor& visit, HealthCheck& value) {
  visit("Test", value.test, WhenEmpty::kOmit);
  visit("Interval", value.interval, WhenEmpty::kOmit);
  visit("Timeout", value.timeout, WhenEmpty::kOmit);
  visit("StartPeriod", value.start_period, WhenEmpty::kOmit);
  visit("StartInterval", value.start_interval, WhenEmpty::kOmit);
  visit("Retries", value.retries, WhenEmpty::kOmit);
}

// What an image says about the containers made from it. Optional lists tell null from [].
struct ExecutionConfig {
  std::string user;
  Set exposed_ports;  // "80/tcp"
  std::vector<std::string> env;
  std::optional<std::vector<std::string>> entrypoint, cmd;
  Set volumes;
  std::string working_dir;
  std::map<std::string, std::string> labels;
  std::string stop_signal;
  std::optional<HealthCheck> healthcheck;
  std::vector<std::string> on_build;
  std::vector<std::string> shell;
  bool args_escaped = false;
};
template <class Visitor>
void fields(Visitor& visit, ExecutionConfig& value) {
  visit("User", value.user, WhenEmpty::kOmit);
  visit("ExposedPorts", value.exposed_ports, WhenEmpty::kOmit);
  visit("Env", value.env, WhenEmpty::kOmit);
  visit("Entrypoint", value.entrypoint, WhenEmpty::kOmit);
  visit("Cmd", value.cmd, WhenEmpty::kOmit);
  visit("Volumes", value.volumes, WhenEmpty::kOmit);
  visit("WorkingDir", value.working_dir, WhenEmpty::kOmit);
  visit("Labels", value.labels, WhenEmpty::kOmit);
  visit("StopSignal", value.stop_signal, WhenEmpty::kOmit);
  visit("Healthcheck", value.healthcheck, WhenEmpty::kOmit);
  visit("OnBuild", value.on_build, WhenEmpty::kOmit);
  visit("Shell", value.shell, WhenEmpty::kOmit);
  visit("ArgsEscaped", value.args_escaped, WhenEmpty::kOmit);
}

struct RootFs {
  std::string type = "layers";
  std::vector<std::string> diff_ids;  // digests of the uncompressed layers, bottom first
};
template <class Visitor>
void fields(Visitor& visit, RootFs& value) {
  visit("type", value.type);
  visit("diff_ids", value.diff_ids);
}

struct History {
  std::string created, created_by, author, comment;
  bool empty_layer = false;
};
template <class Visitor>
void fields(Visitor& visit, History& value) {
  visit("created", value.created, WhenEmpty::kOmit);
  visit("created_by", value.created_by, WhenEmpty::kOmit);
  visit("author", value.author, WhenEmpty::kOmit);
  visit("comment", value.comment, WhenEmpty::kOmit);
  visit("empty_layer", value.empty_layer, WhenEmpty::kOmit);
}

struct ImageConfig {
  std::string created;  // RFC 3339
  std::string author, architecture, os, os_version, variant;
  ExecutionConfig config;
  RootFs rootfs;
  std::vector<History> history;
};
template <class Visitor>
void fields(Visitor& visit, ImageConfig& value) {
  visit("created", value.created, WhenEmpty::kOmit);
  visit("author", value.author, WhenEmpty::kOmit);
  visit("architecture", value.architecture);
  visit("os", value.os);
  visit("os.version", value.os_version, WhenEmpty::kOmit);
  visit("variant", value.variant, WhenEmpty::kOmit);
  visit("config", value.config, WhenEmpty::kOmit);
  visit("rootfs", value.rootfs);
  visit("history", value.history, WhenEmpty::kOmit);
}

}  // namespace hull::oci
