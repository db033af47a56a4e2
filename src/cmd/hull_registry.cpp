// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "base/log.h"
#include "cli/verb_program.h"
#include "registry_verbs.h"

// hull-registry: the registry that `hull registry` serves and looks after. A program of its own: neither the engine nor
// the command line has to carry it.
namespace hull::registry_verbs {

namespace {

using cli::Flag, cli::FlagKind;

constexpr Flag kRoot = {"root", 0, FlagKind::kText,
                        "Directory of the registry (default /var/lib/hull-registry, or ~/.local/share/hull-registry)"};
constexpr Flag kServe[] = {
    kRoot,
    {"gc-grace", 0, FlagKind::kDuration, "Time that what is pushed, but not referred to yet, stays at least", "24h"},
    {"gc-interval", 0, FlagKind::kDuration, "Time between two collections of garbage, 0 for none", "24h"},
    {"htpasswd", 0, FlagKind::kText, "File of users and their passwords (htpasswd -B); everybody is let in without"},
    {"listen", 'l', FlagKind::kList, "[address]:port to listen at (default :5000)"},
    {"max-blob-size", 0, FlagKind::kBytes, "Size of a blob at most, 0 for no limit", "0"},
    {"max-manifest-size", 0, FlagKind::kBytes, "Size of a manifest at most", "4m"},
    {"mirror", 0, FlagKind::kText, "URL of a registry: be a pull-through cache of it"},
    {"mirror-auth", 0, FlagKind::kText, "File with user:password for the mirrored registry"},
    {"mirror-keep", 0, FlagKind::kDuration, "Time that a cached image stays since it was last asked for, 0 for ever",
     "168h"},
    {"quiet", 'q', FlagKind::kBool, "Do not log requests"},
    {"read-only", 0, FlagKind::kBool, "Refuse all that changes something"},
    {"tls-cert", 0, FlagKind::kText, "Certificate (PEM, with intermediate ones behind it): speak HTTPS"},
    {"tls-key", 0, FlagKind::kText, "Private key of the certificate"},
};
constexpr Flag kCollect[] = {
    kRoot,
    {"dry-run", 'n', FlagKind::kBool, "Count only"},
    {"grace", 0, FlagKind::kDuration, "Time that what was pushed, but is not referred to yet, stays at least", "24h"},
    {"untagged", 'u', FlagKind::kBool, "Remove manifests that no tag leads to, too"},
};
constexpr Flag kList[] = {
    kRoot,
    {"digests", 0, FlagKind::kBool, "Show digests"},
    {"quiet", 'q', FlagKind::kBool, "Show names only"},
};
constexpr Flag kRemove[] = {kRoot};

constexpr cli::ProgramVerb kVerbs[] = {
    {"serve", "[OPTIONS]", "Run a registry (OCI distribution specification 1.1)", 0, 0, kServe, serve},
    {"gc", "[OPTIONS]", "Remove what nothing refers to, while the registry runs or not", 0, 0, kCollect,
     collect_garbage},
    {"ls", "[OPTIONS] [REPOSITORY...]", "List repositories and tags", 0, -1, kList, list},
    {"rm", "[OPTIONS] REPOSITORY[:TAG|@DIGEST] [REPOSITORY[:TAG|@DIGEST]...]", "Remove tags, manifests or repositories",
     1, -1, kRemove, remove},
};

}  // namespace

}  // namespace hull::registry_verbs

int main(int argc, char** argv) {
  std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return hull::cli::run_verb_program({"registry", "Run a registry, and look after what is in it", HULL_VERSION},
                                     hull::registry_verbs::kVerbs, words);
}
