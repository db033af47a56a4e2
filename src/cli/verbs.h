// SPDX-License-Identifier: Apache-2.0
#pragma once

// The functions behind the command tables, by what they work on.
namespace hull::cli {

class Invocation;

namespace container {
int attach(Invocation& call);
int changes(Invocation& call);
int commit(Invocation& call);
int copy(Invocation& call);
int create(Invocation& call);
int debug(Invocation& call);
int exec(Invocation& call);
int export_files(Invocation& call);
int inspect(Invocation& call);
int kill(Invocation& call);
int list(Invocation& call);
int logs(Invocation& call);
int pause(Invocation& call);
int port(Invocation& call);
int prune(Invocation& call);
int remove(Invocation& call);
int rename(Invocation& call);
int restart(Invocation& call);
int run(Invocation& call);
int start(Invocation& call);
int stats(Invocation& call);
int stop(Invocation& call);
int top(Invocation& call);
int unpause(Invocation& call);
int update(Invocation& call);
int wait(Invocation& call);
int why(Invocation& call);
}  // namespace container

namespace checkpoint {
int create(Invocation& call);
int list(Invocation& call);
int remove(Invocation& call);
}  // namespace checkpoint

namespace builder {
int disk_usage(Invocation& call);
int prune(Invocation& call);
}  // namespace builder

namespace image {
int build(Invocation& call);
int history(Invocation& call);
int import(Invocation& call);
int inspect(Invocation& call);
int list(Invocation& call);
int load(Invocation& call);
int prune(Invocation& call);
int pull(Invocation& call);
int push(Invocation& call);
int remove(Invocation& call);
int search(Invocation& call);
int save(Invocation& call);
int tag(Invocation& call);
}  // namespace image

namespace network {
int connect(Invocation& call);
int create(Invocation& call);
int disconnect(Invocation& call);
int inspect(Invocation& call);
int list(Invocation& call);
int prune(Invocation& call);
int remove(Invocation& call);
}  // namespace network

namespace volume {
int create(Invocation& call);
int export_files(Invocation& call);
int import(Invocation& call);
int inspect(Invocation& call);
int list(Invocation& call);
int prune(Invocation& call);
int remove(Invocation& call);
int rename(Invocation& call);
int update(Invocation& call);
}  // namespace volume

namespace context {
int create(Invocation& call);
int export_file(Invocation& call);
int import(Invocation& call);
int inspect(Invocation& call);
int list(Invocation& call);
int remove(Invocation& call);
int show(Invocation& call);
int update(Invocation& call);
int use(Invocation& call);
}  // namespace context

namespace system {
int check(Invocation& call);
int completion(Invocation& call);
int dial_stdio(Invocation& call);
int disk_usage(Invocation& call);
int doctor(Invocation& call);
int document(Invocation& call);
int events(Invocation& call);
int info(Invocation& call);
int inspect(Invocation& call);
int login(Invocation& call);
int logout(Invocation& call);
int prune(Invocation& call);
int version(Invocation& call);
}  // namespace system

}  // namespace hull::cli
