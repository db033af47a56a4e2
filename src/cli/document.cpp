// SPDX-License-Identifier: Apache-2.0
#include "cli/document.h"

#include <algorithm>

#include "base/file.h"
#include "cli/complete.h"
#include "cli/endpoint.h"
#include "cli/help.h"
#include "cli/verbs.h"

namespace hull::cli {
namespace {

// A character beyond ASCII as roff's "\\[u2026]"; moves `at` to its last byte.
std::string roff_character(std::string_view text, std::size_t& at) {
  auto first = static_cast<unsigned char>(text[at]);
  std::size_t more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  std::uint32_t point = first & (0x3Fu >> more);
  for (; more && at + 1 < text.size(); --more) point = point << 6 | (static_cast<unsigned char>(text[++at]) & 0x3F);
  const unsigned char bytes[] = {static_cast<unsigned char>(point >> 16), static_cast<unsigned char>(point >> 8),
                                 static_cast<unsigned char>(point)};
  std::string digits = upper(to_hex(bytes, sizeof bytes));
  return cat("\\[u", digits.starts_with("00") ? digits.substr(2) : digits, "]");
}

// Text for roff: backslashes and dashes are escaped, and no line begins with a control character.
std::string roff(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if ((c == '.' || c == '\'') && (i == 0 || text[i - 1] == '\n')) out += "\\&";
    if (c & 0x80)
      out += roff_character(text, i);
    else if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string page_name(std::string_view command) {
  std::string name = cat("hull-", command);
  std::ranges::replace(name, ' ', '-');
  return command.empty() ? "hull" : name;
}

std::string heading(const std::string& name) {
  return cat(".TH \"", upper(name), "\" \"1\" \"\" \"hull ", client_version(), "\" \"Hull Manual\"\n");
}

std::vector<const Flag*> shown_flags(const FlagSet& flags) {
  std::vector<const Flag*> shown;
  for (auto table : {flags.first, flags.second})
    for (const Flag& flag : table)
      if (!flag.help.empty()) shown.push_back(&flag);
  std::ranges::sort(shown, {}, &Flag::name);
  return shown;
}

std::string roff_flags(const FlagSet& flags) {
  std::string out;
  for (const Flag* flag : shown_flags(flags)) {
    out += cat(".TP\n\\fB", roff(flag->letter ? cat("-", flag->letter, ", --", flag->name) : cat("--", flag->name)),
               "\\fR");
    if (auto type = type_name(*flag); !type.empty()) out += cat(" \\fI", type, "\\fR");
    out += cat("\n", roff(flag_meaning(*flag)), "\n");
  }
  return out;
}

// A table's cell must not have its separator in it.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

struct Page {
  std::string_view group;
  std::vector<const Command*> commands;
};

// Commands by the first word of their names; those with one word are a page of their own ("").
std::vector<Page> pages_of(std::span<const Command* const> commands) {
  std::vector<Page> pages;
  for (const Command* command : commands) {
    auto blank = command->name.find(' ');
    std::string_view group = blank == command->name.npos ? std::string_view() : command->name.substr(0, blank);
    auto page = std::ranges::find(pages, group, &Page::group);
    if (page == pages.end()) page = pages.insert(page, Page{group, {}});
    page->commands.push_back(command);
  }
  return pages;
}

std::vector<const Command*> shown_commands(std::span<const Command> commands) {
  std::vector<const Command*> shown;
  for (const Command& command : commands)
    if (!command.summary.empty()) shown.push_back(&command);
  std::ranges::sort(shown, {}, &Command::name);
  return shown;
}

constexpr std::string_view kGenerated =
    "<!-- Written by `hull __document --form markdown`: change src/cli/*_tables.cpp. -->\n\n";

std::string markdown_page(std::string_view title, std::string_view summary, const Page& page) {
  std::string out = cat(kGenerated, "# ", title, "\n\n", summary, "\n\n| command | |\n| --- | --- |\n");
  for (const Command* command : page.commands) {
    std::string anchor = cat("hull ", command->name);
    std::ranges::replace(anchor, ' ', '-');
    out += cat("| [hull ", command->name, "](#", anchor, ") | ", cell(command->summary), " |\n");
  }
  for (const Command* command : page.commands) out += "\n" + markdown_of(*command);
  return out;
}

void write_markdown(const std::string& directory, std::string_view summary, std::span<const Command> commands) {
  auto shown = shown_commands(commands);
  for (const Page& page : pages_of(shown)) {
    const Group* group = find_group(page.group);
    std::string title = page.group.empty() ? std::string("hull") : cat("hull ", page.group);
    std::string path = cat(directory, "/", page.group.empty() ? std::string_view("hull") : page.group, ".md");
    std::string text = markdown_page(title, group ? group->summary : summary, page);
    if (page.group.empty())
      text += cat("\n## Flags before the command\n\n```\n", flag_table({global_flags()}, 100), "```\n");
    write_file_atomically(path, text, 0644, Durability::kProcessCrash);
  }
}

void write_man(const std::string& directory, std::string_view group, std::string_view summary,
               std::span<const Command> commands) {
  auto write = [&](const std::string& name, const std::string& text) {
    write_file_atomically(cat(directory, "/", name, ".1"), text, 0644, Durability::kProcessCrash);
  };
  for (const Command* command : shown_commands(commands)) {
    write(page_name(command->name), man_page(*command));
    // hull-ps.1 leads to hull-container-ls.1
    std::string_view other = short_spelling(*command);
    if (!other.empty() && other != command->name)
      write(page_name(other), cat(".so man1/", page_name(command->name), ".1\n"));
  }
  write(page_name(group), group_man_page(group, summary, commands));
  if (!group.empty()) return;
  for (const Group& one : command_groups()) {
    std::vector<Command> own;
    for (const Command& command : commands)
      if (command.name.starts_with(cat(one.name, " "))) own.push_back(command);
    if (!own.empty()) write(page_name(one.name), group_man_page(one.name, one.summary, own));
  }
}

}  // namespace

std::string man_page(const Command& command) {
  std::string name = page_name(command.name);
  std::string out = heading(name);
  out += cat(".SH NAME\n", roff(name), " \\- ", roff(command.summary), "\n.SH SYNOPSIS\n");
  for (const std::string& spelling : spellings_of(command))
    out += cat("\\fB", roff(spelling), "\\fR ", roff(command.synopsis), "\n.br\n");
  out += cat(".SH DESCRIPTION\n", roff(command.summary), ".\n");
  if (std::string_view details = command_details(command.name); !details.empty())
    out += cat(".PP\n.nf\n", roff(details), "\n.fi\n");
  if (std::string flags = roff_flags(command.flags); !flags.empty()) out += ".SH OPTIONS\n" + flags;
  auto blank = command.name.find(' ');
  std::string parent = blank == command.name.npos ? "hull" : page_name(command.name.substr(0, blank));
  return cat(out, ".SH SEE ALSO\n\\fB", roff(parent), "\\fR(1)\n");
}

std::string group_man_page(std::string_view group, std::string_view summary, std::span<const Command> commands) {
  std::string name = page_name(group);
  std::string out = heading(name);
  out += cat(".SH NAME\n", roff(name), " \\- ", roff(summary), "\n.SH SYNOPSIS\n\\fB",
             roff(group.empty() ? std::string("hull") : cat("hull ", group)), "\\fR ",
             group.empty() ? "[OPTIONS] COMMAND" : "COMMAND", "\n");
  if (group.empty()) out += ".SH OPTIONS\n" + roff_flags({global_flags()});
  out += ".SH COMMANDS\n";
  for (const Command* command : shown_commands(commands))
    out += cat(".TP\n\\fB", roff(page_name(command->name)), "\\fR(1)\n", roff(command->summary), "\n");
  if (!group.empty()) return cat(out, ".SH SEE ALSO\n\\fBhull\\fR(1)\n");
  return cat(out,
             ".SH FILES\n.TP\n~/.docker/config.json\nLogins, formats, proxies and the current context, shared with "
             "the docker command line\n.SH ENVIRONMENT\nDOCKER_HOST, HULL_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, "
             "DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, DOCKER_API_VERSION, DOCKER_DEFAULT_PLATFORM, NO_COLOR\n");
}

std::string markdown_of(const Command& command) {
  std::string out = cat("## hull ", command.name, "\n\n", command.summary, ".\n\n```\n");
  for (const std::string& spelling : spellings_of(command))
    out += cat(spelling, command.synopsis.empty() ? "" : " ", command.synopsis, "\n");
  out += "```\n";
  if (std::string_view details = command_details(command.name); !details.empty())
    out += cat("\n```\n", details, "\n```\n");
  auto flags = shown_flags(command.flags);
  if (flags.empty()) return out;
  out += "\n| flag | value | |\n| --- | --- | --- |\n";
  for (const Flag* flag : flags) {
    std::string letter = flag->letter ? cat("`-", flag->letter, "`, ") : std::string();
    std::string_view type = type_name(*flag);
    out += cat("| ", letter, "`--", flag->name, "` | ", type.empty() ? std::string() : cat("`", type, "`"), " | ",
               cell(flag_meaning(*flag)), " |\n");
  }
  return out;
}

void write_documents(const std::string& directory, std::string_view form, std::string_view group,
                     std::string_view summary, std::span<const Command> commands) {
  make_directories(directory);
  if (form == "markdown") return write_markdown(directory, summary, commands);
  if (form != "man") fail_invalid(quoted(form), " is no form of documents: man and markdown are");
  write_man(directory, group, summary, commands);
}

namespace system {

int document(Invocation& call) {
  std::vector<Command> all;
  for (auto table : command_tables()) all.insert(all.end(), table.begin(), table.end());
  write_documents(call.argument(0), call.options.text("form"), "", "containers, close to the kernel", all);
  return 0;
}

int completion(Invocation& call) {
  std::string_view script = completion_script(call.argument(0));
  if (script.empty())
    throw Exit(1, cat("hull: there is no completion for ", quoted(call.argument(0)), ": bash, zsh and fish have one"));
  print(script);
  return 0;
}

}  // namespace system
}  // namespace hull::cli
