// SPDX-License-Identifier: Apache-2.0
#include "cli/listing.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/table.h"
#include "cli/template.h"
#include "cli/terminal.h"
#include "cli/units.h"

namespace hull::cli {
namespace {

std::string columns_template(const Listing& listing) {
  std::string text;
  for (const Column& column : listing.shown) text += cat(text.empty() ? "" : "\t", "{{.", column.field, "}}");
  return text;
}

Value headings(const Listing& listing) {
  Value out = Value::empty_map();
  for (const auto* columns : {&listing.shown, &listing.others})
    for (const Column& column : *columns) out.set(column.field, column.heading);
  return out;
}

// As "{{json .}}" shows it.
Value sorted(const Value& row) {
  if (!row.is_map()) return row;
  auto members = row.map();
  std::ranges::sort(members, {}, &std::pair<std::string, Value>::first);
  return Value(std::move(members));
}

}  // namespace

GoType row_type(const Listing& listing, const Value& row) {
  GoType type;
  type.kind = GoType::kStruct;
  type.name = listing.type;
  type.is_row = true;
  const Value in_order = sorted(row);
  for (const auto& [name, value] : in_order.map())
    if (!name.starts_with(kHidden))
      type.fields.push_back({name, name, false, false,
                             go_type(value.is_text()   ? "string"
                                     : value.is_bool() ? "bool"
                                                       : "interface {}")});
  return type;
}

std::string listed(const Listing& listing, const std::vector<Value>& rows, const std::string& format) {
  std::string out;
  if (format == "json") {
    for (const Value& row : rows) out += json_line(row) + "\n";
    return out;
  }
  constexpr std::string_view kTable = "table";
  bool table = format.empty() || format.starts_with(kTable);
  std::string layout = !table                          ? format
                       : format.size() > kTable.size() ? format.substr(kTable.size())
                                                       : columns_template(listing);
  while (layout.starts_with(' ')) layout.erase(0, 1);
  while (layout.ends_with(' ')) layout.pop_back();
  Template form(unescaped(layout));
  if (table) out += form.run_headings(headings(listing)) + "\n";
  if (rows.empty()) return table ? aligned(out) : out;
  const GoType type = row_type(listing, rows[0]);
  try {
    for (const Value& row : rows) out += form.run({&row, &type}) + "\n";
  } catch (const Error& e) {
    fail_invalid("template parsing error: ", e.message());
  }
  if (!table) return out;
  bool plain = format.empty() || format == kTable;
  if (plain && is_terminal(STDOUT_FILENO))
    return fitted(out, text_width(), {"CONTAINER ID", "IMAGE ID", "NETWORK ID", "NAMES"}, {"COMMAND"},
                  {"CREATED", "STATUS"});
  return aligned(out);
}

std::string json_line(const Value& row) {
  if (!row.is_map()) return to_json(row);
  Value out = Value::empty_map();
  const Value in_order = sorted(row);
  for (const auto& [name, value] : in_order.map())
    if (!name.starts_with(kHidden)) out.set(name, value);
  return html_safe(to_json(out));
}

std::string unescaped(std::string_view format) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    bool escape = format[i] == '\\' && i + 1 < format.size() && (format[i + 1] == 't' || format[i + 1] == 'n');
    out += !escape ? format[i] : format[++i] == 't' ? '\t' : '\n';
  }
  return out;
}

std::string joined_labels(const Value& labels) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : labels.map()) parts.push_back(cat(name, "=", value.text()));
  std::ranges::sort(parts);
  return join(parts, ",");
}

void set_labels(Value& row, const Value& labels) {
  row.set("Labels", joined_labels(labels));
  row.set(kHiddenLabels, labels.is_map() ? labels : Value::empty_map());
}

std::string short_form(std::string_view id) {
  if (auto colon = id.find(':'); colon != id.npos) id.remove_prefix(colon + 1);
  return std::string(id.substr(0, 12));
}

std::string ago(std::int64_t seconds) {
  if (seconds <= 0) return "N/A";
  return human_duration(now().nanoseconds / 1'000'000'000 - seconds) + " ago";
}

std::string created_at(std::int64_t seconds) {
  std::time_t time = seconds;
  std::tm parts{};
  ::localtime_r(&time, &parts);
  char out[80];
  return std::string(out, std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S %z %Z", &parts));
}

}  // namespace hull::cli
