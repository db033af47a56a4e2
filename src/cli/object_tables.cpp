// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/key_values.h"
#include "cli/verbs.h"

// The commands on images, networks, volumes and the engine itself.
namespace hull::cli {
namespace {

constexpr auto kBool = FlagKind::kBool;
constexpr auto kText = FlagKind::kText;
constexpr auto kList = FlagKind::kList;

#define HULL_FLAG_FILTER \
  { "filter", 'f', kList, "Only those that match (name=value)", {}, "filter", {}, check_filter }
#define HULL_FLAG_FORMAT \
  { "format", 0, kText, "'table', 'table TEMPLATE', 'json', or a Go template" }
#define HULL_FLAG_FORMAT_ONE \
  { "format", 'f', kText, "'json', or a Go template" }

constexpr Flag kImages[] = {
    {"all", 'a', kBool, "Show intermediate images too"},
    {"digests", 0, kBool, "Show digests"},
    HULL_FLAG_FILTER,
    HULL_FLAG_FORMAT,
    {"no-trunc", 0, kBool, "Do not shorten"},
    {"quiet", 'q', kBool, "Show ids only"},
    {"tree", 0, kBool, "Show the platforms of each image below it"},
};
constexpr Flag kFormatOne[] = {HULL_FLAG_FORMAT_ONE};
constexpr Flag kImageInspect[] = {HULL_FLAG_FORMAT_ONE,
                                  {"platform", 0, kText, "Platform of the image (os/arch[/variant])"}};
constexpr Flag kHistory[] = {
    HULL_FLAG_FORMAT,
    {"human", 'H', kBool, "Sizes and times for people", "true"},
    {"no-trunc", 0, kBool, "Do not shorten"},
    {"platform", 0, kText, "Show the history of this platform (os/arch[/variant])"},
    {"quiet", 'q', kBool, "Show ids only"},
};
constexpr Flag kImageRemove[] = {
    {"force", 'f', kBool, "Remove it although it is used"},
    {"no-prune", 0, kBool, "Keep untagged parents"},
    {"platform", 0, kList, "Remove only this platform (os/arch[/variant])", {}, "strings"},
};
constexpr Flag kImport[] = {
    {"change", 'c', kList, "Dockerfile instruction to apply"},
    {"message", 'm', kText, "Comment of the image"},
    {"platform", 0, kText, "Platform of the image (os/arch[/variant])"},
};
constexpr Flag kLoad[] = {
    {"input", 'i', kText, "Read from this file instead of standard input"},
    {"platform", 0, kList, "Load only this platform"},
    {"quiet", 'q', kBool, "Do not show progress"},
};
constexpr Flag kSave[] = {
    {"output", 'o', kText, "File to write to, instead of standard output"},
    {"platform", 0, kList, "Save only this platform"},
};
constexpr Flag kLogin[] = {
    {"password", 'p', kText, "Password"},
    {"password-stdin", 0, kBool, "Read the password from standard input"},
    {"username", 'u', kText, "Name of the user"},
};
constexpr Flag kPush[] = {
    {"all-tags", 'a', kBool, "Push all tags of the repository"},
    {"platform", 0, kText, "Push only this platform (os/arch[/variant])"},
    {"quiet", 'q', kBool, "Do not show progress"},
    {"disable-content-trust", 0, kBool, "", "true"},
};
constexpr Flag kSearch[] = {
    HULL_FLAG_FILTER,
    HULL_FLAG_FORMAT,
    {"limit", 0, FlagKind::kInteger, "At most so many", "25"},
    {"no-trunc", 0, kBool, "Do not shorten"},
};
constexpr Flag kPull[] = {
    {"disable-content-trust", 0, kBool, "", "true"},
    {"all-tags", 'a', kBool, "Download all tags of the repository"},
    {"platform", 0, kText, "Platform of the image (os/arch[/variant])"},
    {"quiet", 'q', kBool, "Do not show progress"},
};
constexpr Flag kPruneAll[] = {
    {"all", 'a', kBool, "Remove all that is not used"},
    {"filter", 0, kList, "Only those that match (until=…, label=…)", {}, "filter", {}, check_filter},
    {"force", 'f', kBool, "Do not ask"},
};
constexpr Flag kSystemPrune[] = {
    {"all", 'a', kBool, "Remove all images that are not used"},
    {"filter", 0, kList, "Only those that match (until=…, label=…)", {}, "filter", {}, check_filter},
    {"force", 'f', kBool, "Do not ask"},
    {"volumes", 0, kBool, "Remove anonymous volumes too"},
};
// Volumes of a swarm's cluster: known, so that what is wrong with them can be said.
#define HULL_FLAGS_OF_CLUSTER_VOLUMES                                                                                 \
  {"availability", 0, kText, "", "active"}, {"group", 0, kText, ""}, {"limit-bytes", 0, FlagKind::kBytes, ""},        \
      {"required-bytes", 0, FlagKind::kBytes, ""}, {"scope", 0, kText, "", "single"}, {"secret", 0, kList, ""},       \
      {"sharing", 0, kText, "", "none"}, {"topology-preferred", 0, kList, ""}, {"topology-required", 0, kList, ""}, { \
    "type", 0, kText, "", "block"                                                                                     \
  }
constexpr Flag kVolumeCreate[] = {
    HULL_FLAGS_OF_CLUSTER_VOLUMES,
    {"driver", 'd', kText, "Driver of the volume", "local"},
    {"label", 0, kList, "Label (name=value)", {}, {}, {}, check_label},
    {"opt", 'o', kList, "Option of the driver (name=value)", {}, "map"},
};
constexpr Flag kVolumeExport[] = {
    {"output", 'o', kText, "File to write to, instead of standard output"},
    {"zstd", 0, kBool, "Compress with zstd"},
};
constexpr Flag kVolumeUpdate[] = {
    {"availability", 0, kText, "", "active"},
    {"label-add", 0, kList, "Add or change a label (name=value)", {}, {}, {}, check_label},
    {"label-rm", 0, kList, "Remove a label, by its name"},
};
constexpr Flag kVolumes[] = {
    {"cluster", 0, kBool, ""},
    HULL_FLAG_FILTER,
    HULL_FLAG_FORMAT,
    {"no-trunc", 0, kBool, "Do not shorten"},
    {"quiet", 'q', kBool, "Show names or ids only"},
};
constexpr Flag kQuietList[] = {
    HULL_FLAG_FILTER,
    HULL_FLAG_FORMAT,
    {"no-trunc", 0, kBool, "Do not shorten"},
    {"quiet", 'q', kBool, "Show names or ids only"},
};
constexpr Flag kForce[] = {{"force", 'f', kBool, "Do not fail for what is not there"}};
constexpr Flag kNetworkInspect[] = {HULL_FLAG_FORMAT_ONE, {"verbose", 'v', kBool, "Show more"}};
constexpr Flag kNetworkCreate[] = {
    {"attachable", 0, kBool, "Let containers be attached by hand"},
    {"aux-address", 0, kList, "Address that somebody else has (name=address)", {}, "map"},
    {"config-from", 0, kText, "Network to take the configuration from"},
    {"config-only", 0, kBool, "Only a configuration for others"},
    {"driver", 'd', kText, "Driver of the network", "bridge"},
    {"gateway", 0, kList, "Gateway of a subnet", {}, "ipSlice"},
    {"ingress", 0, kBool, "Routing mesh of a swarm"},
    {"internal", 0, kBool, "Nothing goes in or out"},
    {"ip-range", 0, kList, "Part of a subnet to give addresses out of"},
    {"ipam-driver", 0, kText, "Driver of the addresses", "default"},
    {"ipam-opt", 0, kList, "Option of that driver (name=value)", {}, "map"},
    {"ipv4", 0, kBool, "Give IPv4 addresses", "true"},
    {"ipv6", 0, kBool, "Give IPv6 addresses"},
    {"label", 0, kList, "Label (name=value)", {}, {}, {}, check_label},
    {"opt", 'o', kList, "Option of the driver (name=value)", {}, "map"},
    {"scope", 0, kText, "Scope of the network"},
    {"subnet", 0, kList, "Subnet (address/length)"},
};
constexpr Flag kNetworkConnect[] = {
    {"alias", 0, kList, "Another name of the container in the network"},
    {"driver-opt", 0, kList, "Option of the driver (name=value)"},
    {"gw-priority", 0, FlagKind::kInteger, "The highest one gives the default gateway", "0"},
    {"ip", 0, kText, "IPv4 address"},
    {"ip6", 0, kText, "IPv6 address"},
    {"link", 0, kList, "Another container, and what this one calls it (name:alias)"},
    {"link-local-ip", 0, kList, "Link-local address", {}, "ipSlice"},
};
constexpr Flag kNetworkDisconnect[] = {{"force", 'f', kBool, "Also when the container is gone"}};
constexpr Flag kPruneFilter[] = {
    {"filter", 0, kList, "Only those that match (until=…, label=…)", {}, "filter", {}, check_filter},
    {"force", 'f', kBool, "Do not ask"},
};
constexpr Flag kInspect[] = {
    HULL_FLAG_FORMAT_ONE,
    {"size", 's', kBool, "Show sizes of containers too"},
    {"type", 0, kText, "Only objects of this type"},
};
constexpr Flag kEvents[] = {
    HULL_FLAG_FILTER,
    {"format", 0, kText, "'json', or a Go template"},
    {"since", 0, kText, "From this time on (time or duration ago)"},
    {"until", 0, kText, "Up to this time (time or duration ago)"},
};
constexpr Flag kUsage[] = {
    {"verbose", 'v', kBool, "Show every object"},
    HULL_FLAG_FORMAT,
};

#undef HULL_FLAG_FILTER
#undef HULL_FLAG_FORMAT
#undef HULL_FLAG_FORMAT_ONE
#undef HULL_FLAGS_OF_CLUSTER_VOLUMES

constexpr Flag kBuild[] = {
    {"add-host", 0, FlagKind::kList, "Line for /etc/hosts of RUN (name:address)"},
    {"allow", 0, FlagKind::kList, "Let RUN do more: network.host, security.insecure"},
    {"annotation", 0, FlagKind::kList, "Annotation of the image (name=value)"},
    {"attest", 0, FlagKind::kList, ""},
    {"build-arg", 0, FlagKind::kList, "Value of an ARG (name=value; a name takes it from the environment)"},
    {"build-context", 0, FlagKind::kList, "Another context (name=path, name=URL, name=docker-image://image)"},
    {"builder", 0, FlagKind::kText, ""},
    {"cache-from",
     0,
     FlagKind::kList,
     "Where to look for cached steps, too (image, type=registry|local,…)",
     {},
     "strings"},
    {"cache-to", 0, FlagKind::kList, "Where to write cached steps (type=registry|local|inline,…,mode=min|max)"},
    {"call", 0, FlagKind::kText, "What to do: build, check (of the Dockerfile)", "build"},
    {"check", 0, FlagKind::kBool, "The same as --call=check"},
    {"cgroup-parent", 0, FlagKind::kText, "Control group that those of RUN are made in"},
    {"compress", 0, FlagKind::kBool, "Accepted: a context is not compressed on its way"},
    {"cpu-period", 0, FlagKind::kInteger, "Microseconds of a period of the CPU limit"},
    {"cpu-quota", 0, FlagKind::kInteger, "Microseconds of CPU time in a period"},
    {"cpu-shares", 'c', FlagKind::kInteger, "Weight of CPU time"},
    {"cpuset-cpus", 0, FlagKind::kText, "CPUs for RUN (0-3, 0,1)"},
    {"cpuset-mems", 0, FlagKind::kText, "Memory nodes for RUN"},
    {"disable-content-trust", 0, FlagKind::kBool, "", "true"},
    {"file", 'f', FlagKind::kText, "Path of the Dockerfile; - is standard input"},
    {"force-rm", 0, FlagKind::kBool, "Accepted: no container of a RUN is left anyway"},
    {"iidfile", 0, FlagKind::kText, "Write the image's id to this file"},
    {"isolation", 0, FlagKind::kText, "Isolation technology (default)"},
    {"label", 0, FlagKind::kList, "Label of the image (name=value)"},
    {"load", 0, FlagKind::kBool, ""},
    {"memory", 'm', FlagKind::kBytes, "Most memory for each RUN"},
    {"memory-swap", 0, FlagKind::kBytes, "Most memory and swap together; -1: no limit"},
    {"metadata-file", 0, FlagKind::kText, "Write what was built to this file, as JSON"},
    {"network", 0, FlagKind::kText, "Network of RUN", "default"},
    {"no-cache", 0, FlagKind::kBool, "Do every step anew"},
    {"no-cache-filter", 0, FlagKind::kList, "Do the steps of this stage anew"},
    {"output", 'o', FlagKind::kList, "What to make: a directory, or type=local|tar|oci|docker|image|registry,…"},
    {"platform", 0, FlagKind::kText, "Platform of the image (os/arch[/variant])"},
    {"progress", 0, FlagKind::kText, "How to show what goes on: auto, plain, tty, quiet, rawjson", "auto"},
    {"provenance", 0, FlagKind::kText, ""},
    {"pull", 0, FlagKind::kBool, "Look for newer base images"},
    {"push", 0, FlagKind::kBool, "Send the image to its registry"},
    {"quiet", 'q', FlagKind::kBool, "Print the image's id and nothing else"},
    {"rm", 0, FlagKind::kBool, "Accepted: no container of a RUN is left anyway", "true"},
    {"sbom", 0, FlagKind::kText, ""},
    {"secret", 0, FlagKind::kList, "Secret for RUN --mount=type=secret (id=name,src=path or id=name,env=VARIABLE)"},
    {"security-opt", 0, FlagKind::kList, "Security options of RUN", {}, "strings"},
    {"shm-size", 0, FlagKind::kBytes, "Size of /dev/shm of RUN"},
    {"squash", 0, FlagKind::kBool, "Make one layer of all new ones"},
    {"ssh", 0, FlagKind::kList, "Agent for RUN --mount=type=ssh (default, or name=socket)"},
    {"tag", 't', FlagKind::kList, "Name of the image (name:tag)"},
    {"target", 0, FlagKind::kText, "Stage to build"},
    {"ulimit", 0, FlagKind::kList, "Limit of RUN (name=soft[:hard])", {}, "ulimit"},
    {"why", 0, FlagKind::kBool, "Say of each step that is not cached what has changed"},
};
constexpr Flag kBuilderPrune[] = {
    {"all", 'a', FlagKind::kBool, "Remove also what images are made of"},
    {"filter", 0, FlagKind::kList, "Only what fits (until=24h, type=…, id=…)", {}, "filter", {}, check_filter},
    {"force", 'f', FlagKind::kBool, "Do not ask"},
    {"keep-storage", 0, FlagKind::kBytes, "Bytes that may stay, the newest"},
    {"max-used-space", 0, FlagKind::kBytes, "The same"},
    {"min-free-space", 0, FlagKind::kBytes, ""},
    {"reserved-space", 0, FlagKind::kBytes, "The same"},
    {"verbose", 0, FlagKind::kBool, ""},
};
constexpr Flag kBuilderUsage[] = {
    {"filter", 0, FlagKind::kList, ""},
    {"format", 0, FlagKind::kText, "'table', 'json', or a Go template"},
    {"verbose", 0, FlagKind::kBool, "All about each record"},
};

constexpr std::string_view kImagesOf = "[OPTIONS] IMAGE [IMAGE...]", kOptions = "[OPTIONS]";
constexpr bool kMixed = true;

}  // namespace

std::span<const Command> object_commands() {
  static constexpr Command kCommands[] = {
      {"image ls",
       "image list|images",
       "[OPTIONS] [REPOSITORY[:TAG]]",
       "List images",
       0,
       1,
       kMixed,
       {kImages},
       image::list},
      {"image build",
       "build|builder build|buildx build",
       "[OPTIONS] PATH | URL | -",
       "Build an image from a Dockerfile",
       1,
       1,
       kMixed,
       {kBuild},
       image::build},
      {"builder prune", "buildx prune", kOptions, "Remove build cache", 0, 0, kMixed, {kBuilderPrune}, builder::prune},
      {"builder du", "buildx du", kOptions, "Show the build cache", 0, 0, kMixed, {kBuilderUsage}, builder::disk_usage},
      {"image inspect", "", kImagesOf, "Show all about images", 1, -1, kMixed, {kImageInspect}, image::inspect},
      {"image history",
       "history",
       "[OPTIONS] IMAGE",
       "Show how an image was made",
       1,
       1,
       kMixed,
       {kHistory},
       image::history},
      {"image import",
       "import",
       "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
       "Make an image of a root file system in a tar file",
       1,
       2,
       kMixed,
       {kImport},
       image::import},
      {"image load",
       "load",
       kOptions,
       "Load images from a tar file or standard input",
       0,
       0,
       kMixed,
       {kLoad},
       image::load},
      {"image save",
       "save",
       "[OPTIONS] IMAGE [IMAGE...]",
       "Write images to a tar archive",
       1,
       -1,
       kMixed,
       {kSave},
       image::save},
      {"image pull",
       "pull",
       "[OPTIONS] NAME[:TAG|@DIGEST]|ssh://[USER@]HOST/IMAGE",
       "Download an image from a registry, or from another engine",
       1,
       1,
       kMixed,
       {kPull},
       image::pull},
      {"image push",
       "push",
       "[OPTIONS] NAME[:TAG] [ssh://[USER@]HOST]",
       "Upload an image to a registry, or to another engine",
       1,
       2,
       kMixed,
       {kPush},
       image::push},
      {"search", "", "[OPTIONS] TERM", "Search Docker Hub for images", 1, 1, kMixed, {kSearch}, image::search},
      {"image prune", "", kOptions, "Remove unused images", 0, 0, kMixed, {kPruneAll}, image::prune},
      {"image rm", "image remove|rmi", kImagesOf, "Remove images", 1, -1, kMixed, {kImageRemove}, image::remove},
      {"image tag",
       "tag",
       "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
       "Give an image another name",
       2,
       2,
       false,
       {},
       image::tag},
      {"network connect",
       "",
       "[OPTIONS] NETWORK CONTAINER",
       "Attach a container to a network",
       2,
       2,
       kMixed,
       {kNetworkConnect},
       network::connect},
      {"network create", "", "[OPTIONS] NETWORK", "Create a network", 1, 1, kMixed, {kNetworkCreate}, network::create},
      {"network disconnect",
       "",
       "[OPTIONS] NETWORK CONTAINER",
       "Take a container out of a network",
       2,
       2,
       kMixed,
       {kNetworkDisconnect},
       network::disconnect},
      {"network prune", "", kOptions, "Remove unused networks", 0, 0, kMixed, {kPruneFilter}, network::prune},
      {"network rm",
       "network remove",
       "[OPTIONS] NETWORK [NETWORK...]",
       "Remove networks",
       1,
       -1,
       kMixed,
       {kForce},
       network::remove},
      {"network inspect",
       "",
       "[OPTIONS] NETWORK [NETWORK...]",
       "Show all about networks",
       1,
       -1,
       kMixed,
       {kNetworkInspect},
       network::inspect},
      {"network ls", "network list", kOptions, "List networks", 0, 0, kMixed, {kQuietList}, network::list},
      {"volume create", "", "[OPTIONS] [VOLUME]", "Create a volume", 0, 1, kMixed, {kVolumeCreate}, volume::create},
      {"volume export",
       "",
       "[OPTIONS] VOLUME",
       "Write the files of a volume as a tar archive",
       1,
       1,
       kMixed,
       {kVolumeExport},
       volume::export_files},
      {"volume import",
       "",
       "VOLUME [FILE|-]",
       "Fill an empty or new volume from a tar archive, which may be compressed",
       1,
       2,
       kMixed,
       {},
       volume::import},
      {"volume rename",
       "",
       "VOLUME NEW_NAME",
       "Rename a volume that no container uses",
       2,
       2,
       kMixed,
       {},
       volume::rename},
      {"volume update",
       "",
       "[OPTIONS] VOLUME",
       "Change the labels of a volume",
       1,
       1,
       kMixed,
       {kVolumeUpdate},
       volume::update},
      {"volume inspect",
       "",
       "[OPTIONS] VOLUME [VOLUME...]",
       "Show all about volumes",
       1,
       -1,
       kMixed,
       {kFormatOne},
       volume::inspect},
      {"volume ls", "volume list", kOptions, "List volumes", 0, 0, kMixed, {kVolumes}, volume::list},
      {"volume prune", "", kOptions, "Remove unused volumes", 0, 0, kMixed, {kPruneAll}, volume::prune},
      {"volume rm",
       "volume remove",
       "[OPTIONS] VOLUME [VOLUME...]",
       "Remove volumes",
       1,
       -1,
       kMixed,
       {kForce},
       volume::remove},
  };
  return kCommands;
}

std::span<const Command> system_commands() {
  static constexpr Command kCommands[] = {
      {"inspect",
       "",
       "[OPTIONS] NAME|ID [NAME|ID...]",
       "Show all about any object",
       1,
       -1,
       kMixed,
       {kInspect},
       system::inspect},
      {"login", "", "[OPTIONS] [SERVER]", "Log in to a registry", 0, 1, kMixed, {kLogin}, system::login},
      {"logout", "", "[SERVER]", "Log out from a registry", 0, 1, kMixed, {}, system::logout},
      {"version", "", kOptions, "Show the versions of client and engine", 0, 0, kMixed, {kFormatOne}, system::version},
      {"system info",
       "info",
       kOptions,
       "Show what the engine and its machine are like",
       0,
       0,
       kMixed,
       {kFormatOne},
       system::info},
      {"system events", "events", kOptions, "Show what happens, live", 0, 0, kMixed, {kEvents}, system::events},
      {"system dial-stdio", "", "", "", 0, 0, kMixed, {}, system::dial_stdio},
      {"system df", "", kOptions, "Show how much space is used", 0, 0, kMixed, {kUsage}, system::disk_usage},
      {"system prune", "", kOptions, "Remove unused objects", 0, 0, kMixed, {kSystemPrune}, system::prune},
  };
  return kCommands;
}

}  // namespace hull::cli
