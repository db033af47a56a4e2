// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "cli/go_type.h"
#include "cli/table.h"
#include "cli/value.h"

namespace hull::cli {

// A column: the field of the rows that it shows, and its heading.
struct Column {
  std::string_view field, heading;
};

// How one kind of object is listed: `shown` are the columns of the plain table, `others` those that only a
// --format can name.
struct Listing {
  std::vector<Column> shown, others;
  std::string_view type = "*formatter.Context";  // what messages call a row
};

// Prints `rows` (maps of the listing's fields) as --format says: "" or "table" the columns, "table TEMPLATE",
// "json", or a template for each row. Gives the text.
std::string listed(const Listing& listing, const std::vector<Value>& rows, const std::string& format);

// What templates see of a row: a structure of the fields that it has. All rows of a listing have the same ones.
GoType row_type(const Listing& listing, const Value& row);

// The map without hidden members and with its keys sorted, as one line of JSON.
std::string json_line(const Value& row);

// A template as typed on a command line, where \t and \n stand for a tab and a line break.
std::string unescaped(std::string_view format);

// "a=1,b=2" of a map of texts, sorted; the hidden member that .Label needs is added by with_labels().
std::string joined_labels(const Value& labels);
void set_labels(Value& row, const Value& labels);

// The 12 digits of an id, without "sha256:".
std::string short_form(std::string_view id);
// "3 minutes ago", and "2026-01-02 03:04:05 +0000 UTC", of seconds since the epoch.
std::string ago(std::int64_t seconds);
std::string created_at(std::int64_t seconds);

}  // namespace hull::cli
