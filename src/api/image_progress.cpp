// SPDX-License-Identifier: Apache-2.0
#include "api/image_progress.h"

#include <algorithm>
#include <cstdio>

#include "api/status.h"
#include "base/error.h"
#include "oci/json.h"

namespace hull::api {

namespace {

constexpr int kBarWidth = 50;

// "1.234MB", as Docker's clients show sizes: four digits at most.
std::string human_size(std::int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%.4g%s", value, kUnits[unit]);
  return text;
}

// The bar that clients without one of their own print.
std::string bar(std::int64_t current, std::int64_t total) {
  auto filled = static_cast<std::size_t>(std::clamp<std::int64_t>(current * kBarWidth / total, 0, kBarWidth));
  return cat("[", std::string(filled, '='), ">", std::string(kBarWidth - filled, ' '), "]  ", human_size(current), "/",
             human_size(total));
}

Json shape_of(const image::TransferMessage& message) {
  Json out;
  if (!message.tag.empty() || !message.digest.empty()) {
    out["progressDetail"] = Json::object();
    out["aux"] = {{"Tag", message.tag}, {"Digest", message.digest}, {"Size", message.size}};
    return out;
  }
  out["status"] = message.status;
  if (message.total > 0) {
    out["progressDetail"] = {{"current", message.current}, {"total", message.total}};
    out["progress"] = bar(message.current, message.total);
  } else if (!message.id.empty()) {
    out["progressDetail"] = Json::object();
  }
  if (!message.id.empty()) out["id"] = message.id;
  return out;
}

}  // namespace

void report_progress(Call& call, const std::function<void(const image::Report& report)>& work) {
  auto send = [&](const Json& object) {
    if (!call.response.started()) call.response.begin(200, kJson);
    call.response.write(dump_json(object) + "\r\n");
  };
  try {
    work([&](const image::TransferMessage& message) { send(shape_of(message)); });
  } catch (const Error& e) {
    if (!call.response.started() || e.kind() == Kind::kCancelled) throw;
    send({{"errorDetail", {{"message", e.message()}}}, {"error", e.message()}});
  }
  if (!call.response.started()) call.response.begin(200, kJson);
}

}  // namespace hull::api
