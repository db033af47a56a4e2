// SPDX-License-Identifier: Apache-2.0
#include "runtime/criu.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.h"

namespace hull::runtime {
namespace {

std::string line_of(const std::vector<std::string>& command) { return join(command, " "); }

TEST(Criu, ADumpNamesWhatIsForeign) {
  Dump dump{"/usr/sbin/criu", 42, "/images", false, {{"/etc/hosts", "/a b"}, {"file[1f:5]", "pipe:[7]", ""}, "4026"}};
  auto command = command_of(dump);
  EXPECT_EQ(command[0], "/usr/sbin/criu");
  std::string line = line_of(command);
  EXPECT_TRUE(line.starts_with("/usr/sbin/criu dump --tree 42 --images-dir /images ")) << line;
  for (const char* words : {"--external mnt[/etc/hosts]:/etc/hosts", "--external mnt[/a b]:/a b",
                            "--external file[1f:5]", "--external net[4026]:network", "--manage-cgroups=ignore"})
    EXPECT_NE(line.find(words), line.npos) << words;
  EXPECT_EQ(line.find("pipe:"), line.npos);
  EXPECT_EQ(line.find("--leave-running"), line.npos);
  dump.leave_running = true;
  dump.surroundings.network = "";
  line = line_of(command_of(dump));
  EXPECT_NE(line.find("--leave-running"), line.npos);
  EXPECT_EQ(line.find("net["), line.npos);
}

TEST(Criu, ARestoreIsGivenWhatStandsInForIt) {
  Restore restore{"/usr/sbin/criu", "/images", {"mnt[/etc/hosts]:/data/hosts"}, {"file[1f:5]", "pipe:[7]", ""}, true};
  std::string line = line_of(command_of(restore, "/run", "/run/rootfs", {{10, "network"}, {11, "pipe:[7]"}}));
  EXPECT_TRUE(line.starts_with("/usr/sbin/criu restore ")) << line;
  for (const char* words :
       {"--restore-detached --restore-sibling", "--work-dir /run", "--root /run/rootfs",
        "--external mnt[/etc/hosts]:/data/hosts", "--inherit-fd fd[10]:network", "--inherit-fd fd[11]:pipe:[7]"})
    EXPECT_NE(line.find(words), line.npos) << words;
}

TEST(Criu, TheReasonIsTheFirstError) {
  EXPECT_EQ(criu_reason("(00.000001) Warn  (criu/kerndat.c:1): odd\n"
                        "(00.000100) Error (criu/vdso.c:560): vdso: Unexpected rt vDSO area bounds\n"
                        "(00.000200) Error (criu/cr-dump.c:9): Dumping FAILED.\n"),
            "vdso: Unexpected rt vDSO area bounds");
  EXPECT_EQ(criu_reason("(00.1) all is well\n"), "");
  EXPECT_EQ(criu_reason("Error (criu/x.c:1) cut off"), "Error (criu/x.c:1) cut off");
}

TEST(Criu, ThisProcessHasNothingForeignMounted) {
  Surroundings own = find_surroundings(::getpid());
  EXPECT_EQ(own.network, "");
  EXPECT_EQ(own.descriptors.size(), 3U);
}

}  // namespace
}  // namespace hull::runtime
