// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/pull.h"
#include "cli/template.h"
#include "cli/verbs.h"

namespace hull::cli {
namespace {

struct Kind {
  std::string_view name, path, tail;
  std::string_view type;  // that templates see
};
constexpr Kind kKinds[] = {{"container", "/containers/", "/json", "container.InspectResponse"},
                           {"image", "/images/", "/json", "image.InspectResponse"},
                           {"network", "/networks/", "", "network.Inspect"},
                           {"volume", "/volumes/", "", "volume.Volume"}};

struct Found {
  std::string json;
  std::string_view type;
  bool has_json = true;  // `docker volume inspect` forgets it
};

Found fetch(Invocation& call, const Kind& kind, const std::string& name) {
  bool size = kind.name == "container" && call.options.is_set("size");
  Query query;
  if (size) query.add("size", "1");
  if (call.command.name == "network inspect" && call.options.is_set("verbose")) query.add("verbose", "true");
  if (call.command.name == "image inspect" && call.options.given("platform"))
    query.add("platform", to_json(platform_value(call.options.text("platform"))));
  return {call.client().call("GET", cat(kind.path, percent_encoded(name), kind.tail, query.text())).body, kind.type,
          true};
}

// The first kind that knows the name. Only "not found" makes it look further.
Found fetch_any(Invocation& call, const std::string& name) {
  std::string wanted = call.options.text("type");
  for (const Kind& kind : kKinds) {
    if (!wanted.empty() && wanted != kind.name) continue;
    try {
      return fetch(call, kind, name);
    } catch (const Refused& refused) {
      bool elsewhere =
          refused.status() == 404 || refused.reason().find("invalid reference format") != std::string::npos;
      if (!elsewhere || !wanted.empty()) throw;
    }
  }
  throw Refused(404, cat("No such object: ", name));
}

// The template sees the object as the type that the docker CLI has for it, and where that fails as the JSON that it is.
std::string filled_in(const Template& form, const Found& object) {
  const Value value = parse_value(object.json);
  try {
    return form.run({&value, go_type(object.type)});
  } catch (const Error&) {
    if (!object.has_json) throw;
    return form.run(value);
  }
}

// Prints what `get` finds for each argument: JSON indented by four blanks, or --format once for each.
template <class Get>
int show(Invocation& call, Get get) {
  const std::string format = call.options.text("format");
  std::vector<Found> found;
  std::vector<std::string> failures;
  std::optional<Template> form;
  try {
    if (!format.empty() && format != "json") form.emplace(format);
  } catch (const Error& e) {
    throw Exit(64, e.message());
  }
  for (const std::string& name : call.arguments()) {
    try {
      found.push_back(get(name));
    } catch (const Refused& refused) {
      failures.push_back(refused.status() == 404 && refused.reason().starts_with("No such object")
                             ? cat("Error: ", refused.reason())
                             : refused.what());
    }
  }
  if (!form) {
    std::string all = "[";
    for (const Found& one : found) all += cat(all.size() > 1 ? "," : "", trim(one.json));
    all += "]";
    print_line(format.empty() ? indent_json(all, "    ") : all);
  } else {
    std::string text;
    for (const Found& one : found) {
      try {
        text += filled_in(*form, one) + "\n";
      } catch (const Error& e) {
        failures.push_back(cat("template parsing error: ", e.message()));
      }
    }
    print(text.empty() ? "\n" : text);
  }
  for (const std::string& failure : failures) complain(failure);
  return failures.empty() ? 0 : 1;
}

int show_kind(Invocation& call, std::string_view name) {
  for (const Kind& kind : kKinds)
    if (kind.name == name)
      return show(call, [&](const std::string& object) {
        Found found = fetch(call, kind, object);
        found.has_json = name != "volume";
        return found;
      });
  return 1;
}

}  // namespace

namespace container {
int inspect(Invocation& call) { return show_kind(call, "container"); }
}  // namespace container
namespace image {
int inspect(Invocation& call) { return show_kind(call, "image"); }
}  // namespace image
namespace network {
int inspect(Invocation& call) { return show_kind(call, "network"); }
}  // namespace network
namespace volume {
int inspect(Invocation& call) { return show_kind(call, "volume"); }
}  // namespace volume
namespace system {
int inspect(Invocation& call) {
  std::string type = call.options.text("type");
  bool known = type.empty();
  for (const Kind& kind : kKinds) known = known || kind.name == type;
  if (!known)
    fail_invalid("unknown type: ", quoted(type), ": must be one of \"container\", \"image\", \"network\", \"volume\"");
  return show(call, [&](const std::string& name) { return fetch_any(call, name); });
}
}  // namespace system
}  // namespace hull::cli
