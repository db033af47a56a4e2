// SPDX-License-Identifier: Apache-2.0
#include "build/step_history.h"

#include <algorithm>
#include <map>
#include <set>

#include "archive/sha256.h"
#include "base/file.h"
#include "base/log.h"
#include "oci/json.h"
#include "store/layout.h"

namespace hull::build {

namespace {

constexpr std::size_t kMostNamed = 3;      // files, variables
constexpr std::size_t kLongestValue = 60;  // bytes of a value that is shown

std::string shown(std::string_view value) {
  if (value.size() <= kLongestValue) return quoted(value);
  return cat(quoted(value.substr(0, kLongestValue)), "…");
}

// "a, b, c and 4 more"
std::string listed(const std::vector<std::string>& words) {
  std::vector<std::string> first(words.begin(), words.begin() + static_cast<long>(std::min(words.size(), kMostNamed)));
  std::string text = join(first, ", ");
  if (words.size() > kMostNamed) text += cat(" and ", words.size() - kMostNamed, " more");
  return text;
}

using Map = std::map<std::string, std::string>;

// What is only here, only there, or different; `differs` says what there is to say about the last.
template <class Differs>
std::vector<std::string> differences(const Map& before, const Map& after, Differs differs) {
  std::vector<std::string> out;
  for (const auto& [name, value] : after) {
    auto old = before.find(name);
    if (old == before.end())
      out.push_back(cat(name, " is new"));
    else if (old->second != value)
      out.push_back(differs(name, old->second, value));
  }
  for (const auto& [name, value] : before)
    if (!after.contains(name)) out.push_back(cat(name, " is gone"));
  return out;
}

Map variables_of(const std::string& list) {
  Map out;
  for (std::string_view one : split(list, kBetweenItems)) {
    auto [name, value] = split_once(one, '=');
    if (!name.empty()) out[std::string(name)] = value.value_or("");
  }
  return out;
}

Map files_of(const std::string& listing) {
  Map out;
  for (std::string_view line : split(listing, '\n')) {
    auto [path, rest] = split_once(line, kBetweenItems);
    if (!line.empty()) out[std::string(path)] = rest.value_or("");
  }
  return out;
}

// "100644 0:0 <digest>": what of it is different.
std::string file_difference(const std::string& path, const std::string& before, const std::string& after) {
  auto old = split(before, ' '), fresh = split(after, ' ');
  if (old.size() != fresh.size() || old.size() < 2) return cat(path, " changed");
  bool content = std::ranges::equal(old.begin() + 2, old.end(), fresh.begin() + 2, fresh.end());
  if (!content) return cat(path, " changed");
  if (old[0] != fresh[0]) return cat("the mode of ", path, " changed");
  return cat("the owner of ", path, " changed");
}

}  // namespace

StepHistory::StepHistory(const std::string& data_root, const std::string& project)
    : directory_(data_root + "/build/why"),
      file_(cat(directory_, "/", store::hex_of(archive::sha256_digest(project)), ".steps")) {
  auto text = read_if_exists(file_);
  if (!text) return;
  old_text_ = std::move(*text);
  try {
    old_ = from_json<std::vector<StepNote>>(parse_json(old_text_));
  } catch (const Error& e) {
    log::info("what the last build has noted cannot be read: ", e.message());
  }
}

std::string StepHistory::listing_path(const std::string& digest) const {
  return cat(directory_, "/", store::hex_of(digest), ".files");
}

// The step that this one was: the same words in the same stage, the nearest of them; or else whatever stood there.
const StepNote* StepHistory::counterpart(const StepNote& step) const {
  const StepNote *same = nullptr, *there = nullptr;
  auto distance = [&](const StepNote& one) { return std::abs(one.number - step.number); };
  for (const StepNote& one : old_) {
    if (one.stage != step.stage) continue;
    if (one.number == step.number) there = &one;
    if (one.instruction == step.instruction && (!same || distance(one) < distance(*same))) same = &one;
  }
  return same ? same : there;
}

std::optional<std::string> StepHistory::last_key(const std::string& stage, std::int64_t number,
                                                 const std::string& instruction) const {
  StepNote step;
  step.stage = stage;
  step.number = number;
  step.instruction = instruction;
  const StepNote* old = counterpart(step);
  return old ? std::optional(old->key) : std::nullopt;
}

std::string StepHistory::changed_files(const std::string& before, const std::string& after) const {
  auto old = read_if_exists(listing_path(before)), fresh = read_if_exists(listing_path(after));
  if (!old || !fresh) return "the files changed";
  auto found = differences(files_of(*old), files_of(*fresh), file_difference);
  return found.empty() ? "the files changed" : listed(found);
}

std::string StepHistory::why(const StepNote& step, const std::string& below) const {
  if (old_.empty()) return "no earlier build of this context and Dockerfile is known";
  const StepNote* old = counterpart(step);
  if (!old) return "the step is new";
  if (old->instruction != step.instruction) return cat("the instruction changed: it was ", shown(old->instruction));
  if (old->key == step.key) return "its result is not in the cache any more";
  std::vector<std::string> reasons;
  auto files = [](const std::vector<KeyPart>& parts) {
    std::vector<std::string> digests;
    for (const KeyPart& part : parts)
      if (part.label == kFiles) digests.push_back(part.value);
    return digests;
  };
  auto old_files = files(old->parts), new_files = files(step.parts);
  for (std::size_t i = 0; i < std::min(old_files.size(), new_files.size()); ++i)
    if (old_files[i] != new_files[i]) reasons.push_back(changed_files(old_files[i], new_files[i]));
  auto by_label = [](const std::vector<KeyPart>& parts) {
    Map out;
    for (const KeyPart& part : parts)
      if (part.label != kFiles) out[part.label] += part.value;
    return out;
  };
  Map before = by_label(old->parts), after = by_label(step.parts);
  bool other_layers = before[std::string(kLayersBelow)] != after[std::string(kLayersBelow)];
  for (Map* one : {&before, &after}) one->erase(std::string(kLayersBelow));
  for (const std::string& reason :
       differences(before, after, [](const std::string&label, const std::string&was, const std::string&is) {
         if (label == kVariables)
           return listed(differences(variables_of(was), variables_of(is),
                                     [](const std::string& name, const std::string& a, const std::string& b) {
                                       return cat(name, " was ", shown(a), " and is ", shown(b));
                                     }));
         return cat("the ", label, " was ", shown(was), " and is ", shown(is));
       }))
    reasons.push_back(reason);
  if (other_layers) reasons.push_back(cat("it stands on another result of ", below));
  return reasons.empty() ? "it depends on something that changed" : join(reasons, "; ");
}

void StepHistory::note(StepNote step) {
  std::scoped_lock lock(mutex_);
  new_.push_back(std::move(step));
}

// One that is lost makes a sentence less exact, nothing more.
void StepHistory::keep_listings(const StepKey& key) const {
  for (const auto& [digest, listing] : key.listings()) {
    std::string path = listing_path(digest);
    if (exists(path)) continue;
    make_directories(directory_, 0700);
    write_file_atomically(path, listing(), 0600, Durability::kProcessCrash);
  }
}

void StepHistory::save(bool whole) {
  std::scoped_lock lock(mutex_);
  if (!whole)
    for (const StepNote& old : old_)
      if (std::ranges::none_of(new_,
                               [&](const StepNote& one) { return one.stage == old.stage && one.number == old.number; }))
        new_.push_back(old);
  std::ranges::sort(new_, {}, [](const StepNote& one) { return std::pair(one.stage, one.number); });
  std::string text = dump_json(to_json(new_));
  if (text == old_text_) return;
  make_directories(directory_, 0700);
  write_file_atomically(file_, text, 0600, Durability::kProcessCrash);
  // Of the lists of files those of the last build are kept.
  std::set<std::string> kept;
  for (const StepNote& step : new_)
    for (const KeyPart& part : step.parts)
      if (part.label == kFiles) kept.insert(part.value);
  for (const StepNote& step : old_)
    for (const KeyPart& part : step.parts)
      if (part.label == kFiles && !kept.contains(part.value)) remove_tree(listing_path(part.value));
}

}  // namespace hull::build
