// SPDX-License-Identifier: Apache-2.0
#include "linux/bpf_devices.h"

#include <linux/bpf.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace hull::linux {

namespace {

constexpr std::uint32_t kBlock = 1U << BPF_DEVCG_DEV_BLOCK, kChar = 1U << BPF_DEVCG_DEV_CHAR;
constexpr std::uint32_t kAllAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

std::uint32_t parse_access(const std::string& letters) {
  if (letters.empty()) return kAllAccess;
  std::uint32_t access = 0;
  for (char letter : letters) {
    switch (letter) {
      case 'r': access |= BPF_DEVCG_ACC_READ; break;
      case 'w': access |= BPF_DEVCG_ACC_WRITE; break;
      case 'm': access |= BPF_DEVCG_ACC_MKNOD; break;
      default: fail_invalid("invalid device access ", quoted(letters), ": only r, w and m are possible");
    }
  }
  return access;
}

std::uint32_t parse_types(const std::string& type) {
  if (type.empty() || type == "a") return kBlock | kChar;
  if (type == "b") return kBlock;
  if (type == "c" || type == "u") return kChar;
  fail_invalid("invalid device type ", quoted(type), ": only a, b and c are possible");
}

std::optional<std::uint32_t> parse_device_number(const std::optional<std::int64_t>& number) {
  if (!number || *number < 0) return std::nullopt;
  if (*number > UINT32_MAX) fail_invalid("invalid device number ", *number);
  return static_cast<std::uint32_t>(*number);
}

bool same_devices(const DeviceMatch& a, const DeviceMatch& b) {
  return a.types == b.types && a.major == b.major && a.minor == b.minor;
}

bool matches_everything(const DeviceMatch& match) {
  return match.types == (kBlock | kChar) && match.access == kAllAccess && !match.major && !match.minor;
}

// Adds `match` behind the others. "c 1:3 r" and "c 1:3 w" allow opening for both: put together, unless a
// refusal stands between them.
void append_match(std::vector<DeviceMatch>& list, const DeviceMatch& match) {
  if (matches_everything(match)) list.clear();  // nothing before it is ever asked
  if (match.allow) {
    for (auto earlier = list.rbegin(); earlier != list.rend() && earlier->allow; ++earlier) {
      if (!same_devices(*earlier, match)) continue;
      earlier->access |= match.access;
      return;
    }
  }
  list.push_back(match);
}

// ----- the program --------------------------------------------------------------------------------------

class Program {
 public:
  void add(std::uint8_t code, std::uint8_t dst, std::uint8_t src, std::int16_t offset, std::int32_t value) {
    bpf_insn instruction{};
    instruction.code = code;
    instruction.dst_reg = dst;
    instruction.src_reg = src;
    instruction.off = offset;
    instruction.imm = value;
    instructions_.push_back(instruction);
  }
  // A jump past the end of the rule that is being written.
  void skip_rule(std::uint8_t operation, std::uint8_t dst, std::int32_t value) {
    pending_.push_back(instructions_.size());
    add(BPF_JMP32 | operation | BPF_K, dst, 0, 0, value);
  }
  void end_rule() {
    for (std::size_t jump : pending_)
      instructions_[jump].off = static_cast<std::int16_t>(instructions_.size() - jump - 1);
    pending_.clear();
  }
  void exit_with(bool allowed) {
    add(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allowed);
    add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }
  std::string bytes() const {
    return std::string(reinterpret_cast<const char*>(instructions_.data()), instructions_.size() * sizeof(bpf_insn));
  }

 private:
  std::vector<bpf_insn> instructions_;
  std::vector<std::size_t> pending_;
};

// r2: type bit, r3: access, r4: major, r5: minor.
void load_request(Program& program) {
  constexpr std::uint8_t kLoadWord = BPF_LDX | BPF_MEM | BPF_W;
  program.add(kLoadWord, BPF_REG_3, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, access_type), 0);
  program.add(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_3, 0, 0);
  program.add(BPF_ALU | BPF_AND | BPF_K, BPF_REG_6, 0, 0, 0xffff);
  program.add(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 1);
  program.add(BPF_ALU | BPF_LSH | BPF_X, BPF_REG_2, BPF_REG_6, 0, 0);
  program.add(BPF_ALU | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
  program.add(kLoadWord, BPF_REG_4, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, major), 0);
  program.add(kLoadWord, BPF_REG_5, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, minor), 0);
}

void add_match(Program& program, const DeviceMatch& match) {
  if (match.types != (kBlock | kChar)) program.skip_rule(BPF_JNE, BPF_REG_2, static_cast<std::int32_t>(match.types));
  if (match.access != kAllAccess) {
    // A permission must cover all that is asked for; a refusal is met by any part of it.
    std::uint32_t mask = match.allow ? kAllAccess & ~match.access : match.access;
    program.add(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_3, 0, 0);
    program.add(BPF_ALU | BPF_AND | BPF_K, BPF_REG_6, 0, 0, static_cast<std::int32_t>(mask));
    program.skip_rule(match.allow ? BPF_JNE : BPF_JEQ, BPF_REG_6, 0);
  }
  if (match.major) program.skip_rule(BPF_JNE, BPF_REG_4, static_cast<std::int32_t>(*match.major));
  if (match.minor) program.skip_rule(BPF_JNE, BPF_REG_5, static_cast<std::int32_t>(*match.minor));
  program.exit_with(match.allow);
  program.end_rule();
}

// ----- bpf(2) -------------------------------------------------------------------------------------------

long bpf(int command, bpf_attr& attributes) { return ::syscall(SYS_bpf, command, &attributes, sizeof attributes); }

UniqueFd load_program(const std::string& code) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<std::uint64_t>(code.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(code.size() / sizeof(bpf_insn));
  attributes.license = reinterpret_cast<std::uint64_t>("Apache-2.0");
  long fd = bpf(BPF_PROG_LOAD, attributes);
  if (fd < 0 && errno == EPERM) {
    // Before Linux 5.11 programs count as locked memory.
    rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_MEMLOCK, &limit);
    fd = bpf(BPF_PROG_LOAD, attributes);
  }
  return UniqueFd(static_cast<int>(check(fd, "load the device program")));
}

std::vector<std::uint32_t> attached_programs(int directory) {
  std::array<std::uint32_t, 64> ids{};
  bpf_attr attributes{};
  attributes.query.target_fd = static_cast<std::uint32_t>(directory);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_cnt = ids.size();
  attributes.query.prog_ids = reinterpret_cast<std::uint64_t>(ids.data());
  check(bpf(BPF_PROG_QUERY, attributes), "query the device programs");
  return {ids.begin(), ids.begin() + attributes.query.prog_cnt};
}

void detach_program(int directory, std::uint32_t id) {
  bpf_attr by_id{};
  by_id.prog_id = id;
  UniqueFd program(static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, by_id)));
  if (!program) return;  // gone meanwhile
  bpf_attr attributes{};
  attributes.target_fd = static_cast<std::uint32_t>(directory);
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  if (bpf(BPF_PROG_DETACH, attributes) < 0 && errno != ENOENT) throw_errno("detach the old device program");
}

}  // namespace

std::vector<DeviceMatch> device_matches(const std::vector<oci::DeviceRule>& rules) {
  std::vector<DeviceMatch> list;
  for (const auto& rule : rules)
    append_match(list, {rule.allow, parse_types(rule.type), parse_access(rule.access), parse_device_number(rule.major),
                        parse_device_number(rule.minor)});
  std::reverse(list.begin(), list.end());
  while (!list.empty() && !list.back().allow) list.pop_back();
  return list;
}

std::string generate_device_program(const std::vector<DeviceMatch>& matches) {
  Program program;
  load_request(program);
  for (const DeviceMatch& match : matches) {
    add_match(program, match);
    if (matches_everything(match)) return program.bytes();  // the verifier refuses code that cannot be reached
  }
  program.exit_with(false);
  return program.bytes();
}

void replace_device_program(int directory, const std::vector<oci::DeviceRule>& rules) {
  auto old = attached_programs(directory);
  UniqueFd program = load_program(generate_device_program(device_matches(rules)));
  bpf_attr attributes{};
  attributes.target_fd = static_cast<std::uint32_t>(directory);
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  check(bpf(BPF_PROG_ATTACH, attributes), "attach the device program");
  for (std::uint32_t id : old) detach_program(directory, id);
}

}  // namespace hull::linux
