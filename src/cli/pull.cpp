// SPDX-License-Identifier: Apache-2.0
#include "cli/pull.h"

#include <map>

#include "base/file.h"
#include "base/text.h"
#include "cli/credentials.h"
#include "cli/terminal.h"
#include "cli/units.h"
#include "oci/reference.h"

namespace hull::cli {
namespace {

std::string progress_of(const Value& message) {
  const Value& detail = message["progressDetail"];
  if (!detail.find("current") || detail["current"].integer() == 0) return message["progress"].text();
  std::string text = decimal_size(detail["current"].real(), 4);
  if (detail["total"].integer() > 0) text += cat("/", decimal_size(detail["total"].real(), 4));
  return text;
}

// The lines of a progress display: one for each id, where the terminal can be drawn over.
class Display {
 public:
  Display(int out) : out_(out), terminal_(is_terminal(out)) {}

  void show(const Value& message) {
    if (const Value* stream = message.find("stream")) return write_all(out_, stream->text());
    const std::string &id = message["id"].text(), &status = message["status"].text();
    if (status.empty()) return;
    std::string progress = progress_of(message);
    std::string line = cat(id, id.empty() ? "" : ": ", status, progress.empty() ? "" : " ", progress);
    if (!terminal_) {
      // Without a terminal, the state of a transfer is of no use; what happens is.
      if (progress.empty()) write_all(out_, cat(line, "\n"));
      return;
    }
    if (id.empty()) {
      lines_.clear();
      write_all(out_, cat(line, "\n"));
      return;
    }
    auto [entry, is_new] = lines_.emplace(id, lines_.size());
    if (is_new) return write_all(out_, cat(line, "\n"));
    auto up = lines_.size() - entry->second;
    write_all(out_, cat("\x1b[", up, "A\r\x1b[2K", line, "\x1b[", up, "B\r"));
  }

 private:
  int out_;
  bool terminal_;
  std::map<std::string, std::size_t> lines_;
};

}  // namespace

void show_progress(Connection& connection, int out, bool quiet) {
  Display display(out);
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
