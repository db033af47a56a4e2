// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/pull.h"
#include "cli/template.h"
#include "cli/time_point.h"
#include "cli/verbs.h"

namespace hull::cli::system {
namespace {

// "2026-01-02T03:04:05.123456789Z container start <id> (image=debian, name=web)"
std::string line_of(const Value& event) {
  std::vector<std::string> attributes;
  for (const auto& [name, value] : event["Actor"]["Attributes"].map())
    attributes.push_back(cat(name, "=", value.text()));
  std::ranges::sort(attributes);
  std::string text = cat(format_rfc3339_fixed({event["timeNano"].integer()}), " ", event["Type"].text(), " ",
                         event["Action"].text(), " ", event["Actor"]["ID"].text());
  return attributes.empty() ? text : cat(text, " (", join(attributes, ", "), ")");
}

// A mistake shows at once, not with the first event.
Template checked_template(const std::string& format) {
  try {
    Template form(format);
    const Value nothing = Value::empty_map();
    form.run({&nothing, go_type("*events.Message")});
    return form;
  } catch (const Error& e) {
    constexpr std::string_view kPrefix = "template parsing error: ";
    std::string reason = e.message();
    if (reason.starts_with(kPrefix)) reason.erase(0, kPrefix.size());
    throw Exit(64, cat("Error parsing format: ", reason));
  }
}

}  // namespace

int events(Invocation& call) {
  const Options& options = call.options;
  Query query;
  for (std::string_view flag : {"since", "until"})
    if (options.given(flag)) query.add(flag, point_in_time(options.text(flag)));
  query.add_filters(options.list("filter"));
  std::string format = options.text("format");
  const Template form = checked_template(format == "json" ? "{{json .}}" : format);
  auto stream = call.client().stream("GET", cat("/events", query.text()));
  JsonObjects objects;
  char piece[16 * 1024];
  while (std::size_t got = stream->read_some(piece, sizeof piece))
    objects.feed({piece, got}, [&](std::string_view text) {
      const Value event = parse_value(text);
      print_line(format.empty() ? line_of(event) : form.run({&event, go_type("events.Message")}));
    });
  return 0;
}

}  // namespace hull::cli::system
