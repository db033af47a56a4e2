// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/container_path.h"
#include "cli/listing.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace hull::cli::checkpoint {

namespace {

std::string directory_query(const Options& options) {
  Query query;
  if (options.given("checkpoint-dir")) query.add("dir", options.text("checkpoint-dir"));
  return query.text();
}

}  // namespace

int create(Invocation& call) {
  Value request = Value::Map{{"CheckpointID", call.argument(1)},
                             {"CheckpointDir", call.options.text("checkpoint-dir")},
                             {"Exit", !call.options.is_set("leave-running")}};
  call.client().post(container_path(call.argument(0), "/checkpoints"), request);
  print_line(call.argument(1));
  return 0;
}

int list(Invocation& call) {
  Value answer = call.client().get(container_path(call.argument(0), "/checkpoints", directory_query(call.options)));
  Listing listing{{{"Name", "CHECKPOINT NAME"}}, {}};
  print(listed(listing, answer.list(), ""));
  return 0;
}

int remove(Invocation& call) {
  call.client().remove(container_path(call.argument(0), cat("/checkpoints/", percent_encoded(call.argument(1))),
                                      directory_query(call.options)));
  return 0;
}

}  // namespace hull::cli::checkpoint
