// SPDX-License-Identifier: Apache-2.0
#include "cli/pull.h"

#include "base/text.h"
#include "cli/credentials.h"
#include "cli/progress_lines.h"
#include "oci/reference.h"

namespace hull::cli {
void show_progress(Connection& connection, int out, bool quiet) {
  ProgressLines display(out);
  JsonObjects objects;
  char piece[16 * 1024];
  while (std::size_t got = connection.read_some(piece, sizeof piece))
    objects.feed({piece, got}, [&](std::string_view text) {
      Value message = parse_value(text);
      if (const Value* error = message.find("error")) fail(Kind::kInternal, error->text());
      if (!quiet) display.show(message);
    });
}

Value platform_value(std::string_view text) {
  std::vector<std::string_view> parts = split(text, '/');
  Value platform = Value::empty_map();
  platform.set("os", parts[0]);
  platform.set("architecture", parts.size() > 1 ? parts[1] : std::string_view());
  if (parts.size() > 2) platform.set("variant", parts[2]);
  return platform;
}

void pull_image(Client& client, const std::string& name, const std::string& platform, bool quiet, int out,
                bool all_tags) {
  oci::Reference reference = oci::Reference::parse(name);
  Query query;
  query.add("fromImage", reference.canonical_name());
  if (!all_tags)
    query.add("tag", reference.digest.empty() ? (reference.tag.empty() ? "latest" : reference.tag) : reference.digest);
  if (!platform.empty()) query.add("platform", platform);
  std::string path = cat("/images/create", query.text());
  show_progress(*client.stream("POST", path, registry_headers(reference.domain)), out, quiet);
}

}  // namespace hull::cli
