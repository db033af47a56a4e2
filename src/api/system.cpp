// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/json_reply.h"
#include "api/machine.h"
#include "oci/json.h"

namespace hull::api {

void ping(Call& call) {
  auto& headers = call.response.headers;
  headers.emplace_back("Builder-Version", "1");
  headers.emplace_back("Swarm", "inactive");
  headers.emplace_back("Cache-Control", "no-cache, no-store, must-revalidate");
  headers.emplace_back("Pragma", "no-cache");
  call.response.send(200, "text/plain; charset=utf-8", call.request.method == "HEAD" ? "" : "OK");
}

// Builds are reproducible, so there is no time of theirs, and there is no Go: the fields are there for who reads them.
void version(Call& call) {
  const About& about = call.about;
  Json details;
  details["ApiVersion"] = to_string(kNewest);
  details["Arch"] = std::string(go_architecture());
  details["BuildTime"] = "";
  details["Experimental"] = call.settings()->experimental ? "true" : "false";
  details["GitCommit"] = about.version;
  details["GoVersion"] = "";
  details["KernelVersion"] = kernel_version();
  details["MinAPIVersion"] = to_string(call.oldest());
  details["Os"] = "linux";
  Json out;
  out["Platform"] = {{"Name", "hull"}};
  out["Components"] = Json::array({{{"Name", "Engine"}, {"Version", about.version}, {"Details", details}}});
  out["Version"] = about.version;
  out["ApiVersion"] = to_string(kNewest);
  out["MinAPIVersion"] = to_string(call.oldest());
  out["GitCommit"] = about.version;
  out["GoVersion"] = "";
  out["Os"] = "linux";
  out["Arch"] = std::string(go_architecture());
  out["KernelVersion"] = kernel_version();
  if (call.settings()->experimental) out["Experimental"] = true;
  out["BuildTime"] = "";
  reply(call, 200, out);
}

}  // namespace hull::api
