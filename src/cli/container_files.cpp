// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/container_path.h"
#include "cli/output_file.h"
#include "cli/verbs.h"
#include "oci/reference.h"

namespace hull::cli::container {

int changes(Invocation& call) {
  constexpr std::string_view kKinds[] = {"C", "A", "D"};
  const Value answer = call.client().get(container_path(call.argument(0), "/changes"));
  for (const Value& change : answer.list())
    print_line(kKinds[static_cast<std::size_t>(change["Kind"].integer()) % 3], " ", change["Path"].text());
  return 0;
}

int export_files(Invocation& call) {
  save_stream(call, container_path(call.argument(0), "/export"));
  return 0;
}

int commit(Invocation& call) {
  const Options& options = call.options;
  Query query;
  query.add("container", call.argument(0));
  if (call.arguments().size() > 1) {
    oci::Reference reference = oci::Reference::parse(call.argument(1));
    if (!reference.digest.empty()) throw Exit(1, "refusing to create a tag with a digest reference");
    query.add("repo", reference.canonical_name());
    query.add("tag", reference.tag.empty() ? "latest" : reference.tag);
  }
  query.add("author", options.text("author")).add("comment", options.text("message"));
  for (const std::string& change : options.list("change")) query.add("changes", change);
  if (options.is_set("no-pause") || !options.is_set("pause")) query.add("pause", "0");
  print_line(call.client().post(cat("/commit", query.text())).value()["Id"].text());
  return 0;
}

}  // namespace hull::cli::container
