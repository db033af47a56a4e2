// SPDX-License-Identifier: Apache-2.0
#include "cli/image_tree.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "cli/listing.h"
#include "cli/table.h"
#include "cli/units.h"

namespace hull::cli {
namespace {

enum class Align : unsigned char { kLeft, kRight };
constexpr std::size_t kColumns = 5, kGap = 3;
constexpr std::array<Align, kColumns> kAlign = {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kLeft};

// A line of the table; one without cells is empty.
using Cells = std::vector<std::string>;

std::string platform_text(const Value& platform) {
  std::string text = cat(platform["os"].text(), "/", platform["architecture"].text());
  if (const std::string& variant = platform["variant"].text(); !variant.empty()) text += "/" + variant;
  return text;
}

Cells cells_of(std::string name, const std::string& id, double usage, double content, bool used) {
  return {std::move(name), short_form(id), decimal_size(usage, 3), decimal_size(content, 3), used ? "✔" : ""};
}

void add_image(std::vector<Cells>& lines, const Value& image) {
  double content = 0;
  bool used = image["Containers"].integer() > 0;
  std::vector<const Value*> children;
  for (const Value& one : image["Manifests"].list()) {
    if (one["Kind"].text() != "image") continue;
    content += one["Size"]["Content"].real();
    used = used || !one["ImageData"]["Containers"].list().empty();
    children.push_back(&one);
  }
  std::vector<std::string> names;
  for (const Value& name : image["RepoTags"].list()) names.push_back(name.text());
  if (names.empty()) names.emplace_back("<untagged>");
  for (std::size_t i = 0; i + 1 < names.size(); ++i) lines.push_back({names[i]});
  lines.push_back(cells_of(names.back(), image["Id"].text(), image["Size"].real(), content, used));
  for (const Value* child : children) {
    const Value& data = (*child)["ImageData"];
    lines.push_back(cells_of(cat(child == children.back() ? "└─ " : "├─ ", platform_text(data["Platform"])),
                             (*child)["ID"].text(), (*child)["Size"]["Total"].real(),
                             (*child)["Size"]["Content"].real(), !data["Containers"].list().empty()));
  }
}

std::string line_text(const Cells& cells, const std::array<std::size_t, kColumns>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string fill(widths[i] - text_columns(cells[i]), ' ');
    if (i > 0) line += std::string(kGap, ' ');
    line += kAlign[i] == Align::kLeft ? cells[i] + fill : fill + cells[i];
  }
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

}  // namespace

std::string image_tree(const Value& images) {
  std::vector<const Value*> sorted;
  for (const Value& image : images.list()) sorted.push_back(&image);
  std::ranges::stable_sort(sorted, std::ranges::greater{},
                           [](const Value* image) { return (*image)["Created"].integer(); });
  std::vector<Cells> lines{{"IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "USED"}};
  for (const Value* image : sorted) {
    if (image != sorted.front()) lines.emplace_back();
    add_image(lines, *image);
  }
  std::array<std::size_t, kColumns> widths{};
  for (const Cells& cells : lines)
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], text_columns(cells[i]));
  std::string text;
  for (const Cells& cells : lines) text += line_text(cells, widths);
  return text;
}

}  // namespace hull::cli
