// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/deliver.h"
#include "cli/image_tree.h"
#include "cli/listing.h"
#include "cli/output_file.h"
#include "cli/prune.h"
#include "cli/pull.h"
#include "cli/terminal.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "oci/reference.h"

namespace hull::cli::image {
namespace {

std::string image_path(std::string_view name, std::string_view verb, std::string_view query = {}) {
  return cat("/images/", percent_encoded(name), verb, query);
}

Value row_of(const Value& image, std::string_view repository, std::string_view tag, std::string_view digest,
             bool whole) {
  Value row = Value::empty_map();
  std::int64_t containers = image["Containers"].integer(), shared = image["SharedSize"].integer();
  row.set("ID", whole ? image["Id"].text() : short_form(image["Id"].text()));
  row.set("Repository", repository);
  row.set("Tag", tag);
  row.set("Digest", digest);
  row.set("CreatedSince", ago(image["Created"].integer()));
  row.set("CreatedAt", created_at(image["Created"].integer()));
  row.set("Size", decimal_size(image["Size"].real(), 3));
  row.set("Containers", containers < 0 ? "N/A" : cat(containers));
  row.set("VirtualSize", decimal_size(image["Size"].real(), 3));
  row.set("SharedSize", shared < 0 ? "N/A" : decimal_size(static_cast<double>(shared), 3));
  row.set("UniqueSize", shared < 0 ? "N/A" : decimal_size(image["Size"].real() - static_cast<double>(shared), 3));
  return row;
}

// One row for each name of the image, and for its digests too when they are asked for.
void add_rows(std::vector<Value>& rows, const Value& image, bool digests, bool whole) {
  struct Named {
    std::string repository, tag, digest;
  };
  std::vector<Named> names;
  for (const Value& name : image["RepoTags"].list()) {
    if (name.text() == "<none>:<none>") continue;
    auto colon = name.text().rfind(':');
    names.push_back({name.text().substr(0, colon), name.text().substr(colon + 1), "<none>"});
  }
  for (const Value& name : image["RepoDigests"].list()) {
    auto at = name.text().find('@');
    std::string repository = name.text().substr(0, at), digest = name.text().substr(at + 1);
    if (repository == "<none>") continue;
    bool known = false;
    for (Named& one : names)
      if (one.repository == repository) {
        one.digest = digest;
        known = true;
      }
    if (!known) names.push_back({repository, "<none>", digest});
  }
  if (names.empty()) names.push_back({"<none>", "<none>", "<none>"});
  std::string last;
  for (const Named& one : names) {
    std::string key = one.repository + "\n" + one.tag;
    if (!digests && key == last) continue;
    last = key;
    rows.push_back(row_of(image, one.repository, one.tag, one.digest, whole));
  }
}

class Input {
 public:
  explicit Input(const std::string& path) : piece_(64 * 1024, '\0') {
    if (path.empty() || path == "-") {
      fd_ = UniqueFd(check(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), "dup"));
      return;
    }
    fd_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd_) fail_invalid("open ", path, ": ", lower(errno_text(errno)));
  }
  std::string_view next() {
    ssize_t got;
    do got = ::read(fd_.get(), piece_.data(), piece_.size());
    while (got < 0 && errno == EINTR);
    return {piece_.data(), static_cast<std::size_t>(check(got, "read"))};
  }

 private:
  UniqueFd fd_;
  std::string piece_;
};

}  // namespace

int list(Invocation& call) {
  const Options& options = call.options;
  auto filters = options.list("filter");
  if (!call.arguments().empty()) filters.push_back(cat("reference=", call.argument(0)));
  Query query;
  if (options.is_set("all")) query.add("all", "1");
  query.add_filters(filters);
  if (options.is_set("tree")) {
    for (const char* other : {"quiet", "no-trunc", "digests", "format"})
      if (options.given(other)) throw Exit(1, cat("--", other, " is not supported with --tree"));
    print(image_tree(call.client().get(cat("/images/json", query.add("manifests", "1").text()))));
    return 0;
  }
  bool digests = options.is_set("digests"), whole = options.is_set("no-trunc");
  Value answer = call.client().get(cat("/images/json", query.text()));
  std::vector<Value> rows;
  bool quiet = options.is_set("quiet");
  std::string format = chosen_format(options, "imagesFormat", quiet);
  for (const Value& image : answer.list())
    add_rows(rows, image, digests || format.find(".Digest") != std::string::npos, whole);
  if (quiet && (format.empty() || format == "table")) format = "{{.ID}}";
  Listing listing{
      {{"Repository", "REPOSITORY"}, {"Tag", "TAG"}}, {{"CreatedAt", "CREATED AT"}}, "*formatter.imageContext"};
  (digests ? listing.shown : listing.others).push_back({"Digest", "DIGEST"});
  for (Column column : {Column{"ID", "IMAGE ID"}, {"CreatedSince", "CREATED"}, {"Size", "SIZE"}})
    listing.shown.push_back(column);
  for (Column column :
       {Column{"Containers", "CONTAINERS"}, {"SharedSize", "SHARED SIZE"}, {"UniqueSize", "UNIQUE SIZE"}})
    listing.others.push_back(column);
  print(listed(listing, rows, format));
  return 0;
}

int history(Invocation& call) {
  const Options& options = call.options;
  bool whole = options.is_set("no-trunc"), human = options.is_set("human");
  Query query;
  if (options.given("platform")) query.add("platform", to_json(platform_value(options.text("platform"))));
  Value answer = call.client().get(image_path(call.argument(0), "/history", query.text()));
  std::vector<Value> rows;
  for (const Value& step : answer.list()) {
    std::string id = step["Id"].text(), by = step["CreatedBy"].text();
    for (char& c : by)
      if (c == '\t') c = ' ';
    std::int64_t created = step["Created"].integer();
    rows.push_back(Value::Map{{"ID", whole || id == "<missing>" ? id : short_form(id)},
                              {"CreatedSince", human ? ago(created) : format_rfc3339({created * 1'000'000'000})},
                              {"CreatedAt", format_rfc3339({created * 1'000'000'000})},
                              {"CreatedBy", whole ? by : shortened(by, 45)},
                              {"Size", human ? decimal_size(step["Size"].real(), 3) : cat(step["Size"].integer())},
                              {"Comment", step["Comment"]}});
  }
  Listing listing{{{"ID", "IMAGE"},
                   human ? Column{"CreatedSince", "CREATED"} : Column{"CreatedAt", "CREATED AT"},
                   {"CreatedBy", "CREATED BY"},
                   {"Size", "SIZE"},
                   {"Comment", "COMMENT"}},
                  {human ? Column{"CreatedAt", "CREATED AT"} : Column{"CreatedSince", "CREATED"}},
                  "*image.historyContext"};
  std::string format = options.text("format");
  if (options.is_set("quiet") && format.empty()) format = "{{.ID}}";
  print(listed(listing, rows, format));
  return 0;
}

namespace {

oci::Reference tag_target(const std::string& name) {
  try {
    return oci::Reference::parse(name);
  } catch (const Error& e) {
    fail_invalid("Error parsing reference: ", quoted(name), " is not a valid repository/tag: ", e.message());
  }
}

}  // namespace

int tag(Invocation& call) {
  oci::Reference target = tag_target(call.argument(1));
  Query query;
  query.add("repo", target.familiar_name()).add("tag", target.tag.empty() ? "latest" : target.tag);
  call.client().post(image_path(call.argument(0), "/tag", query.text()));
  return 0;
}

int remove(Invocation& call) {
  Query query;
  if (call.options.is_set("force")) query.add("force", "1");
  if (call.options.is_set("no-prune")) query.add("noprune", "1");
  for (const std::string& text : call.options.list("platform")) query.add("platforms", to_json(platform_value(text)));
  return for_each_argument(call.arguments(), [&](const std::string& name) {
    std::string said;
    const Value answer = call.client().remove(image_path(name, "", query.text())).value();
    for (const Value& one : answer.list()) {
      bool untagged = one.find("Untagged") != nullptr;
      said += cat(said.empty() ? "" : "\n",
                  untagged ? "Untagged: " : "Deleted: ", one[untagged ? "Untagged" : "Deleted"].text());
    }
    return said;
  });
}

int import(Invocation& call) {
  const Options& options = call.options;
  const std::string& source = call.argument(0);
  bool remote = source.starts_with("http://") || source.starts_with("https://");
  Query query;
  query.add("fromSrc", remote ? source : std::string("-"));
  query.add("message", options.text("message"));
  if (call.arguments().size() > 1) query.add("repo", call.argument(1));
  if (options.given("platform")) query.add("platform", options.text("platform"));
  for (const std::string& change : options.list("change")) query.add("changes", change);
  std::string path = cat("/images/create", query.text());
  if (remote) {
    show_progress(*call.client().stream("POST", path), STDOUT_FILENO, false);
    return 0;
  }
  Input input(source);
  show_progress(*call.client().upload(path, "text/plain", [&] { return input.next(); }), STDOUT_FILENO, false);
  return 0;
}

int load(Invocation& call) {
  const Options& options = call.options;
  if (!options.given("input") && is_terminal(STDIN_FILENO))
    throw Exit(1, "requested load from stdin, but stdin is empty");
  Input input(options.text("input"));
  Query query;
  query.add("quiet", options.is_set("quiet") || !is_terminal(STDOUT_FILENO) ? "1" : "0");
  for (const std::string& platform : options.list("platform")) query.add("platform", platform);
  auto answer =
      call.client().upload(cat("/images/load", query.text()), "application/x-tar", [&] { return input.next(); });
  show_progress(*answer, STDOUT_FILENO, false);
  return 0;
}

int save(Invocation& call) {
  Query query;
  for (const std::string& name : call.arguments()) query.add("names", name);
  for (const std::string& text : call.options.list("platform")) {
    query.add("platform", to_json(platform_value(text)));
  }
  save_stream(call, cat("/images/get", query.text()));
  return 0;
}

namespace {

int pull_from_engine(Invocation& call) {
  if (call.options.is_set("all-tags"))
    throw Exit(1, "all tags cannot be pulled from another engine: pull them one by one");
  auto [host, name] = split_ssh_image(call.argument(0));
  Client far(Endpoint{host, false, false, {}, {}, {}});
  deliver(far, call.client(), name, "Pull", STDOUT_FILENO, call.options.is_set("quiet"));
  print_line(name);
  return 0;
}

}  // namespace

int pull(Invocation& call) {
  const Options& options = call.options;
  bool quiet = options.is_set("quiet"), all = options.is_set("all-tags");
  if (call.argument(0).starts_with(kSshScheme)) return pull_from_engine(call);
  oci::Reference reference = oci::Reference::parse(call.argument(0));
  bool bare = reference.tag.empty() && reference.digest.empty();
  if (all && !bare) throw Exit(1, "tag can't be used with --all-tags/-a");
  if (bare && !quiet && !all) print_line("Using default tag: latest");
  pull_image(call.client(), call.argument(0), chosen_platform(options), quiet, STDOUT_FILENO, all);
  print_line(all ? reference.canonical_name() : reference.canonical());
  return 0;
}

int prune(Invocation& call) {
  bool all = call.options.is_set("all");
  return prune_objects(call, "images",
                       all ? "WARNING! This will remove all images without at least one container associated to them."
                           : "WARNING! This will remove all dangling images.",
                       {all ? "dangling=false" : "dangling=true"});
}

}  // namespace hull::cli::image
