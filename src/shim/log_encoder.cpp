// SPDX-License-Identifier: Apache-2.0
#include "shim/log_encoder.h"

namespace hull::shim {

std::unique_ptr<LogEncoder> make_log_encoder(const RemoteLogOptions& options) {
  switch (options.protocol) {
    case LogProtocol::kGelf: return make_gelf_encoder(options);
    case LogProtocol::kFluentd: return make_fluentd_encoder(options);
    case LogProtocol::kJournald: return make_journald_encoder(options);
    case LogProtocol::kSyslogUnix:
    case LogProtocol::kSyslogRfc3164:
    case LogProtocol::kSyslogRfc5424:
    case LogProtocol::kSyslogRfc5424Micro: break;
  }
  return make_syslog_encoder(options);
}

}  // namespace hull::shim
