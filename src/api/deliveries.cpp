// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/json_reply.h"
#include "base/base64.h"
#include "image/delivery.h"
#include "oci/json.h"

// Images between two engines, for `hull push IMAGE ssh://…` and `hull pull ssh://…/IMAGE`: hull's own, not in Docker's
// API.
//
//   GET  /hull/images/{name}/offer                           {Config, Manifest, Reference, Chain}; texts in base64
//   POST /hull/images                                        the same; {Missing: [{Chain, Parent, Diff, Offset}]}
//   GET  /hull/layers/{chain}?offset=                        the bytes of a layer, its media type as Content-Type
//   POST /hull/layers/{chain}?parent=&diff=&offset=&type=    the same as the body
namespace hull::api {

namespace {

std::string decoded(const Json& body, const char* key) {
  auto text = base64_decoded(body.value(key, ""));
  if (!text) fail_invalid("invalid JSON: ", key, ": it is not base64");
  return *text;
}

std::int64_t offset_of(const Call& call) {
  std::int64_t offset = call.query.integer("offset").value_or(0);
  if (offset < 0) fail_invalid("invalid offset ", offset);
  return offset;
}

}  // namespace

void offer_image(Call& call) {
  image::Offer offer = call.services().images.deliveries().offer(call.parameter("name"));
  reply(call, 200,
        {{"Config", base64(offer.config)},
         {"Manifest", base64(offer.manifest)},
         {"Reference", offer.reference},
         {"Chain", offer.chain}});
}

void accept_image(Call& call) {
  Json body = json_body(call), missing = Json::array();
  image::Offer offer{decoded(body, "Config"), decoded(body, "Manifest"), body.value("Reference", ""), {}};
  for (const auto& layer : call.services().images.deliveries().accept(offer))
    missing.push_back({{"Chain", layer.chain_id},
                       {"Parent", layer.parent_chain_id},
                       {"Diff", layer.diff_id},
                       {"Offset", layer.offset}});
  reply(call, 200, {{"Missing", missing}});
}

void send_layer(Call& call) {
  image::OutgoingLayer layer = call.services().images.deliveries().send(call.parameter("chain"), offset_of(call));
  call.response.begin(200, layer.media_type);
  std::string buffer(256 << 10, '\0');
  while (std::size_t got = layer.source(buffer.data(), buffer.size())) call.response.write({buffer.data(), got});
}

void receive_layer(Call& call) {
  image::MissingLayer layer{call.parameter("chain"), call.query.get("parent"), call.query.get("diff"), offset_of(call)};
  call.services().images.deliveries().receive(
      layer, call.query.get("type"), [&](char* buffer, std::size_t size) { return call.request.read(buffer, size); });
  call.send_empty(204);
}

}  // namespace hull::api
