// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/json_reply.h"
#include "oci/json.h"

namespace hull::api {

namespace {

struct CreateBody {
  std::string id, directory;
  bool exit = false;
};
template <class Visitor>
void fields(Visitor& visit, CreateBody& value) {
  visit("CheckpointID", value.id);
  visit("CheckpointDir", value.directory);
  visit("Exit", value.exit);
}

}  // namespace

void list_checkpoints(Call& call) {
  Json list = Json::array();
  for (auto& name : call.engine.checkpoints(call.parameter("name"), call.query.get("dir")))
    list.push_back({{"Name", std::move(name)}});
  reply(call, 200, list);
}

void create_checkpoint(Call& call) {
  auto body = from_json<CreateBody>(json_body(call));
  call.engine.checkpoint(call.parameter("name"), {{body.id, body.directory}, !body.exit});
  call.send_empty(201);
}

void remove_checkpoint(Call& call) {
  call.engine.remove_checkpoint(call.parameter("name"), {call.parameter("checkpoint"), call.query.get("dir")});
  call.send_empty(204);
}

}  // namespace hull::api
