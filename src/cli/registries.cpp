// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/credentials.h"
#include "cli/deliver.h"
#include "cli/listing.h"
#include "cli/pull.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "oci/reference.h"

// The commands that speak of registries: login, logout, push, search.
namespace hull::cli {
namespace {

std::string read_line(std::string_view question, bool hidden) {
  write_all(STDOUT_FILENO, question);
  std::optional<HiddenInput> hide;
  if (hidden && is_terminal(STDIN_FILENO)) hide.emplace(STDIN_FILENO);
  std::string line;
  for (char c; ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n';) line += c;
  if (hide) write_all(STDOUT_FILENO, "\n");
  return std::string(trim(line));
}

// --password-stdin: all of the input but its last line end, as the docker CLI reads it.
std::string password_from_input() {
  std::string text = read_all(STDIN_FILENO);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

// Who the user says to be; asks him for what he left out.
Login ask_for_login(const Options& options, const std::string& server) {
  Login login;
  login.server = server;
  login.username = options.text("username");
  if (options.is_set("password-stdin")) {
    if (options.given("password"))
      throw Exit(1, "conflicting options: cannot specify both --password and --password-stdin");
    if (login.username.empty()) throw Exit(1, "the --password-stdin option requires --username to be set");
    login.password = password_from_input();
    return login;
  }
  login.password = options.text("password");
  if (options.given("password"))
    complain("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
  else if (!is_terminal(STDIN_FILENO))
    throw Exit(1, "Error: Cannot perform an interactive login from a non TTY device");
  if (login.username.empty()) {
    auto known = find_login(server);
    std::string usual = known ? known->username : "";
    login.username = read_line(usual.empty() ? "Username: " : cat("Username (", usual, "): "), false);
    if (login.username.empty()) login.username = usual;
    if (login.username.empty()) throw Exit(1, "Error: Non-null Username Required");
  }
  if (!options.given("password")) login.password = read_line("Password: ", true);
  if (login.password.empty()) throw Exit(1, "Error: Password Required");
  return login;
}

// Without a user's name, the login that is stored is tried again.
bool renew_login(Invocation& call, const std::string& server) {
  const Options& options = call.options;
  if (options.given("username") || options.given("password") || options.is_set("password-stdin")) return false;
  auto known = find_login(server);
  if (!known || (known->username.empty() && known->identity_token.empty())) return false;
  print_line("Authenticating with existing credentials... [Username: ", known->username, "]\n");
  try {
    call.client().post("/auth", Value::Map{{"username", known->username},
                                           {"password", known->password},
                                           {"identitytoken", known->identity_token},
                                           {"serveraddress", server}});
    print_line("Login Succeeded");
    return true;
  } catch (const Refused& refused) {
    complain(cat("Login did not succeed, error: ", refused.what()));
    return false;
  }
}

}  // namespace

int system::login(Invocation& call) {
  std::string server = server_key(call.arguments().empty() ? "docker.io" : call.argument(0));
  if (renew_login(call, server)) return 0;
  Login login = ask_for_login(call.options, server);
  Value answer =
      call.client()
          .post("/auth",
                Value::Map{{"username", login.username}, {"password", login.password}, {"serveraddress", server}})
          .value();
  login.identity_token = answer["IdentityToken"].text();
  Stored stored = store_login(login);
  if (stored.in_the_clear)
    complain(cat("\nWARNING! Your credentials are stored unencrypted in '", stored.place,
                 "'.\nConfigure a credential helper to remove this warning. See\n"
                 "https://docs.docker.com/go/credential-store/\n"));
  print_line(answer["Status"].text());
  return 0;
}

int system::logout(Invocation& call) {
  std::string server = server_key(call.arguments().empty() ? "docker.io" : call.argument(0));
  if (erase_login(server))
    print_line("Removing login credentials for ", server);
  else
    print_line("Not logged in to ", server);
  return 0;
}

namespace {

int push_to_engine(Invocation& call, const std::string& host) {
  const Options& options = call.options;
  if (!host.starts_with(kSshScheme))
    throw Exit(1,
               cat("cannot push to ", quoted(host), ": beside the image's name, only ssh://[user@]host is understood"));
  if (options.is_set("all-tags")) throw Exit(1, "all tags cannot be pushed to another engine: push them one by one");
  Client far(Endpoint{host, false, false, {}, {}, {}});
  deliver(call.client(), far, call.argument(0), "Push", STDOUT_FILENO, options.is_set("quiet"));
  print_line(call.argument(0));
  return 0;
}

}  // namespace

int image::push(Invocation& call) {
  if (call.arguments().size() > 1) return push_to_engine(call, call.argument(1));
  const Options& options = call.options;
  bool all = options.is_set("all-tags"), quiet = options.is_set("quiet");
  oci::Reference reference = oci::Reference::parse(call.argument(0));
  if (all && (!reference.tag.empty() || !reference.digest.empty()))
    throw Exit(1, "tag can't be used with --all-tags/-a");
  if (reference.tag.empty() && reference.digest.empty() && !all) {
    reference.tag = "latest";
    if (!quiet) print_line("Using default tag: latest");
  }
  Query query;
  if (!all) query.add("tag", reference.tag.empty() ? reference.digest : reference.tag);
  if (options.given("platform")) query.add("platform", to_json(platform_value(options.text("platform"))));
  std::string path = cat("/images/", percent_encoded(reference.canonical_name()), "/push", query.text());
  show_progress(*call.client().stream("POST", path, registry_headers(reference.domain)), STDOUT_FILENO, quiet);
  if (quiet) print_line(all ? reference.canonical_name() : reference.canonical());
  return 0;
}

int image::search(Invocation& call) {
  const Options& options = call.options;
  Query query;
  query.add("term", call.argument(0)).add("limit", options.text("limit")).add_filters(options.list("filter"));
  bool whole = options.is_set("no-trunc");
  auto connection = call.client().stream("GET", cat("/images/search", query.text()), registry_headers("docker.io"));
  Value answer = parse_value(connection->read_body());
  std::vector<Value> rows;
  for (const Value& found : answer.list()) {
    std::string description = found["description"].text();
    for (char& c : description)
      if (c == '\n' || c == '\r') c = ' ';
    rows.push_back(Value::Map{{"Name", found["name"]},
                              {"Description", whole ? description : shortened(description, 45)},
                              {"StarCount", cat(found["star_count"].integer())},
                              {"IsOfficial", found["is_official"].boolean() ? "[OK]" : ""},
                              {"IsAutomated", found["is_automated"].boolean() ? "[OK]" : ""}});
  }
  Listing listing{
      {{"Name", "NAME"}, {"Description", "DESCRIPTION"}, {"StarCount", "STARS"}, {"IsOfficial", "OFFICIAL"}},
      {{"IsAutomated", "AUTOMATED"}}};
  print(listed(listing, rows, options.text("format")));
  return 0;
}

}  // namespace hull::cli
