// SPDX-License-Identifier: Apache-2.0
#include "linux/seccomp_program.h"

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cstddef>

#include "base/error.h"

namespace hull::linux {

namespace {

// Classic BPF only jumps forward, over at most 255 instructions where there is a condition. So the program is
// written backwards: whatever is jumped to is there already. A Label counts from the program's end.
using Label = std::size_t;

class Backwards {
 public:
  Label plain(std::uint16_t code, std::uint32_t k) { return push({code, 0, 0, k}); }

  Label ret(std::uint32_t verdict) {
    // One return per verdict is enough, as long as it is in reach of the jumps.
    auto known = returns_.find(verdict);
    if (known != returns_.end() && reversed_.size() - known->second < kNear) return known->second;
    return returns_[verdict] = plain(BPF_RET | BPF_K, verdict);
  }

  Label jump(std::uint16_t operation, std::uint32_t k, Label yes, Label no) {
    if (yes == no) return yes;
    // Bring far targets near first: at most two more instructions come between.
    if (distance(no) > kReach) no = far(no);
    if (distance(yes) > kReach) yes = far(yes);
    auto jt = static_cast<std::uint8_t>(distance(yes)), jf = static_cast<std::uint8_t>(distance(no));
    return push({static_cast<std::uint16_t>(BPF_JMP | operation | BPF_K), jt, jf, k});
  }

  // The program's next instruction (from the front) falls through to `target`.
  void enter(Label target) {
    if (distance(target) != 0) far(target);
  }

  std::vector<sock_filter> finish() && {
    std::reverse(reversed_.begin(), reversed_.end());
    return std::move(reversed_);
  }

 private:
  static constexpr std::size_t kReach = 250, kNear = 200;

  Label push(sock_filter instruction) {
    reversed_.push_back(instruction);
    return reversed_.size() - 1;
  }
  // Instructions between one that is pushed now and `target`.
  std::size_t distance(Label target) const { return reversed_.size() - 1 - target; }
  Label far(Label target) { return push({BPF_JMP | BPF_JA, 0, 0, static_cast<std::uint32_t>(distance(target))}); }

  std::vector<sock_filter> reversed_;
  std::map<std::uint32_t, Label> returns_;
};

std::uint32_t argument_offset(unsigned argument, bool high) {
  constexpr bool kLittle = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
  auto base = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t));
  return base + (high == kLittle ? 4 : 0);
}

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;

struct Halves {
  std::uint32_t high, low;
};
Halves halves(std::uint64_t value) {
  return {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(value)};
}

// Loads one half of an argument, masks it when there is something to mask, and compares it.
Label compare_half(Backwards& out, unsigned argument, bool high, std::uint32_t mask, std::uint16_t operation,
                   std::uint32_t value, Label yes, Label no) {
  Label entry = out.jump(operation, value, yes, no);
  if (yes == no) return entry;
  if (mask != ~0U) out.plain(BPF_ALU | BPF_AND | BPF_K, mask);
  return out.plain(kLoad, argument_offset(argument, high));
}

Label emit_equal(Backwards& out, const SeccompCondition& condition, bool wide, Label yes, Label no) {
  bool masked = condition.compare == SeccompCompare::kMaskedEqual;
  Halves mask = halves(masked ? condition.mask : ~0ULL);
  Halves value = halves(condition.value & (masked ? condition.mask : ~0ULL));
  Label low = compare_half(out, condition.argument, false, mask.low, BPF_JEQ, value.low, yes, no);
  if (!wide || mask.high == 0) return low;
  return compare_half(out, condition.argument, true, mask.high, BPF_JEQ, value.high, low, no);
}

// argument >= value (or > value): decided by the high halves unless they are equal.
Label emit_greater(Backwards& out, const SeccompCondition& condition, bool or_equal, bool wide, Label yes, Label no) {
  Halves value = halves(condition.value);
  Label low = compare_half(out, condition.argument, false, ~0U, or_equal ? BPF_JGE : BPF_JGT, value.low, yes, no);
  if (!wide) return low;
  Label equal = out.jump(BPF_JEQ, value.high, low, no);
  out.jump(BPF_JGT, value.high, yes, equal);
  return out.plain(kLoad, argument_offset(condition.argument, true));
}

Label emit_condition(Backwards& out, const SeccompCondition& condition, bool wide, Label yes, Label no) {
  switch (condition.compare) {
    case SeccompCompare::kEqual:
    case SeccompCompare::kMaskedEqual: return emit_equal(out, condition, wide, yes, no);
    case SeccompCompare::kNotEqual: return emit_equal(out, condition, wide, no, yes);
    case SeccompCompare::kGreater: return emit_greater(out, condition, false, wide, yes, no);
    case SeccompCompare::kGreaterEqual: return emit_greater(out, condition, true, wide, yes, no);
    case SeccompCompare::kLess: return emit_greater(out, condition, true, wide, no, yes);
    case SeccompCompare::kLessEqual: return emit_greater(out, condition, false, wide, no, yes);
  }
  return no;
}

Label emit_decision(Backwards& out, const SeccompDecision& decision, bool wide) {
  Label next = out.ret(decision.otherwise);
  for (auto branch = decision.branches.rbegin(); branch != decision.branches.rend(); ++branch) {
    Label entry = out.ret(branch->verdict);
    for (auto condition = branch->conditions.rbegin(); condition != branch->conditions.rend(); ++condition)
      entry = emit_condition(out, *condition, wide, entry, next);
    next = entry;
  }
  return next;
}

// Numbers from `first` up to the next range's have the same fate: a verdict, or a decision on arguments.
struct Range {
  std::uint32_t first = 0;
  std::uint32_t verdict = 0;
  const SeccompDecision* decision = nullptr;
};

std::vector<Range> ranges_of(const SeccompArch& arch) {
  std::vector<Range> ranges;
  auto append = [&](std::uint32_t first, std::uint32_t verdict, const SeccompDecision* decision) {
    bool same = !ranges.empty() && !decision && !ranges.back().decision && ranges.back().verdict == verdict;
    if (!same) ranges.push_back({first, verdict, decision});
  };
  std::uint64_t next = arch.first;
  for (const auto& [number, decision] : arch.calls) {
    if (number > next) append(static_cast<std::uint32_t>(next), arch.unlisted, nullptr);
    append(number, decision.otherwise, decision.branches.empty() ? nullptr : &decision);
    next = static_cast<std::uint64_t>(number) + 1;
  }
  if (next <= arch.last)
    append(static_cast<std::uint32_t>(next), arch.calls.empty() ? arch.unlisted : arch.beyond, nullptr);
  return ranges;
}

Label emit_search(Backwards& out, const SeccompArch& arch, const std::vector<Range>& ranges, std::size_t begin,
                  std::size_t end) {
  if (end - begin == 1) {
    const Range& range = ranges[begin];
    return range.decision ? emit_decision(out, *range.decision, arch.wide) : out.ret(range.verdict);
  }
  std::size_t middle = begin + (end - begin) / 2;
  Label right = emit_search(out, arch, ranges, middle, end);
  Label left = emit_search(out, arch, ranges, begin, middle);
  return out.jump(BPF_JGE, ranges[middle].first, right, left);
}

// The search over all architectures of one audit_arch: their number ranges follow each other.
Label emit_section(Backwards& out, std::vector<const SeccompArch*> members, std::uint32_t foreign) {
  std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->first < b->first; });
  Label entry = out.ret(foreign);
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    auto ranges = ranges_of(**member);
    Label search = emit_search(out, **member, ranges, 0, ranges.size());
    if ((*member)->last != ~0U) search = out.jump(BPF_JGT, (*member)->last, entry, search);
    if ((*member)->first != 0) search = out.jump(BPF_JGE, (*member)->first, search, out.ret(foreign));
    entry = search;
  }
  out.enter(entry);
  return out.plain(kLoad, offsetof(seccomp_data, nr));
}

}  // namespace

std::string generate_seccomp_program(const std::vector<SeccompArch>& architectures, std::uint32_t foreign) {
  std::vector<std::uint32_t> order;  // of first appearance: the machine's own first, so it is asked for first
  std::map<std::uint32_t, std::vector<const SeccompArch*>> sections;
  for (const SeccompArch& arch : architectures) {
    auto& members = sections[arch.audit_arch];
    if (members.empty()) order.push_back(arch.audit_arch);
    members.push_back(&arch);
  }
  Backwards out;
  Label entry = out.ret(foreign);
  for (auto audit_arch = order.rbegin(); audit_arch != order.rend(); ++audit_arch) {
    Label section = emit_section(out, sections[*audit_arch], foreign);
    entry = out.jump(BPF_JEQ, *audit_arch, section, entry);
  }
  out.enter(entry);
  out.plain(kLoad, offsetof(seccomp_data, arch));
  auto program = std::move(out).finish();
  if (program.size() > BPF_MAXINSNS)
    fail_invalid("the seccomp profile is too long: ", program.size(), " instructions, at most ", BPF_MAXINSNS,
                 " are possible");
  return std::string(reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter));
}

}  // namespace hull::linux
