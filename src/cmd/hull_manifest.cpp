// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "cli/verb_program.h"
#include "manifest_verbs.h"

// hull-manifest: lists of images for several platforms, put together here and sent to a registry by ourselves: the
// engine has no part in it. A program of its own, as it brings a client of registries along.
namespace hull::manifest_verbs {

namespace {

using cli::Flag, cli::FlagKind;

constexpr Flag kInsecure = {"insecure", 0, FlagKind::kBool, "Allow communication with an insecure registry"};
constexpr Flag kAnnotate[] = {
    {"arch", 0, FlagKind::kText, "Set architecture"},
    {"os", 0, FlagKind::kText, "Set operating system"},
    {"os-features", 0, FlagKind::kList, "Set operating system feature"},
    {"os-version", 0, FlagKind::kText, "Set operating system version"},
    {"variant", 0, FlagKind::kText, "Set architecture variant"},
};
constexpr Flag kCreate[] = {{"amend", 'a', FlagKind::kBool, "Amend an existing manifest list"}, kInsecure};
constexpr Flag kInspect[] = {kInsecure, {"verbose", 'v', FlagKind::kBool, "Also show platform and text of each image"}};
constexpr Flag kPush[] = {kInsecure, {"purge", 'p', FlagKind::kBool, "Remove the local list when it has been pushed"}};
constexpr Flag kReferrers[] = {{"artifact-type", 0, FlagKind::kText, "Only those of this type"}, kInsecure};

constexpr cli::ProgramVerb kVerbs[] = {
    {"annotate", "[OPTIONS] MANIFEST_LIST MANIFEST", "Say more about an image of a local list", 2, 2, kAnnotate,
     annotate},
    {"create", "[OPTIONS] MANIFEST_LIST MANIFEST [MANIFEST...]", "Make a local list of images in a registry", 2, -1,
     kCreate, create},
    {"inspect", "[OPTIONS] [MANIFEST_LIST] MANIFEST", "Show an image's manifest, or a list", 1, 2, kInspect, inspect},
    {"push", "[OPTIONS] MANIFEST_LIST", "Send a local list to its registry", 1, 1, kPush, push},
    {"referrers", "[OPTIONS] MANIFEST", "Show what in the registry refers to an image: signatures, SBOMs", 1, 1,
     kReferrers, referrers},
    {"rm", "MANIFEST_LIST [MANIFEST_LIST...]", "Delete local lists", 1, -1, {}, remove},
};

}  // namespace

}  // namespace hull::manifest_verbs

int main(int argc, char** argv) {
  std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return hull::cli::run_verb_program({"manifest", "Manage image manifests and manifest lists", HULL_VERSION},
                                     hull::manifest_verbs::kVerbs, words);
}
