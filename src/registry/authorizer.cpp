// SPDX-License-Identifier: Apache-2.0
#include "registry/authorizer.h"

#include <algorithm>

#include "base/base64.h"
#include "oci/json.h"
#include "registry/connection.h"

namespace hull::registry {

namespace {

constexpr auto kShortestLife = std::chrono::seconds(60);  // of a token that does not say how long it lives
constexpr auto kMargin = std::chrono::seconds(10);

class ChallengeReader {
 public:
  explicit ChallengeReader(std::string_view text) : rest_(text) {}

  std::vector<Challenge> read() {
    std::vector<Challenge> found;
    for (skip(); !rest_.empty(); skip()) {
      std::string word(token());
      if (word.empty()) {
        rest_.remove_prefix(1);
        continue;
      }
      skip_blanks();
      if (!rest_.empty() && rest_.front() == '=' && !found.empty()) {
        rest_.remove_prefix(1);
        skip_blanks();
        found.back().values[lower(word)] = value();
      } else {
        found.push_back({lower(word), {}});
      }
    }
    return found;
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }
  void skip() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == ','))
      rest_.remove_prefix(1);
  }
  std::string_view token() {
    std::string_view word = rest_.substr(0, rest_.find_first_of(" \t,=\""));
    rest_.remove_prefix(word.size());
    return word;
  }
  std::string value() {
    if (rest_.empty() || rest_.front() != '"') return std::string(token());
    rest_.remove_prefix(1);
    std::string text;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      text += rest_.front();
      rest_.remove_prefix(1);
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
    return text;
  }

  std::string_view rest_;
};

std::string form(const std::vector<std::pair<std::string, std::string>>& values) {
  std::string text;
  for (const auto& [name, value] : values)
    if (!value.empty()) text += cat(text.empty() ? "" : "&", name, "=", percent_encoded(value));
  return text;
}

std::string text_of(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

constexpr std::size_t kShownOfAnswer = 200;

// In the words of the token server, or else in those of Docker.
[[noreturn]] void refuse_token(const Response& response, const std::string& realm, bool with_password) {
  Kind kind = response.status == 401 || response.status == 403 ? Kind::kUnauthorized : Kind::kUnavailable;
  if (std::string said = errors_of(response); !said.empty()) fail(kind, said);
  if (kind == Kind::kUnauthorized && with_password) fail(kind, "unauthorized: incorrect username or password");
  if (response.status == 401) fail(kind, "unauthorized: authentication required");
  std::string_view body = std::string_view(response.body).substr(0, kShownOfAnswer);
  if (response.status < 500)
    fail(kind, "error parsing HTTP ", response.status, " response body: the token server ", realm, " says ",
         hull::quoted(body));
  fail(kind, "the token server ", realm, " answers with status ", response.status);
}

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) { return ChallengeReader(header).read(); }

std::string Authorizer::basic() const {
  return "Basic " + base64(cat(credentials_.username, ":", credentials_.password));
}

std::string Authorizer::header(const std::string& scope) {
  std::lock_guard guard(mutex_);
  if (!credentials_.registry_token.empty()) return "Bearer " + credentials_.registry_token;
  if (wants_basic_) return basic();
  auto token = tokens_.find(scope);
  if (token == tokens_.end() || token->second.expires < Clock::now()) return {};
  return "Bearer " + token->second.text;
}

bool Authorizer::answer(const Response& refusal, const std::string& scope, const std::string& tried, Session& session,
                        const Route& route, const std::stop_token& stop) {
  std::lock_guard guard(mutex_);
  if (!credentials_.registry_token.empty()) return false;
  std::vector<Challenge> challenges;
  for (const auto& [name, value] : refusal.headers)
    if (equals_ignoring_case(name, "WWW-Authenticate"))
      for (auto& one : parse_challenges(value)) challenges.push_back(std::move(one));
  bool basic_is_known = false;
  for (const Challenge& challenge : challenges) {
    basic_is_known |= challenge.scheme == "basic";
    if (challenge.scheme == "bearer" && challenge.values.contains("realm")) {
      // Another thread may have got one meanwhile.
      auto known = tokens_.find(scope);
      if (known != tokens_.end() && "Bearer " + known->second.text != tried && known->second.expires > Clock::now())
        return true;
      tokens_[scope] = fetch_token(challenge, scope, session, route, stop);
      return "Bearer " + tokens_[scope].text != tried;
    }
    if (challenge.scheme == "basic" && !credentials_.username.empty() && tried != basic()) {
      wants_basic_ = true;
      return true;
    }
  }
  if (basic_is_known && credentials_.username.empty())
    fail(Kind::kUnauthorized, "Get ", hull::quoted(refusal.url), ": no basic auth credentials");
  return false;
}

Authorizer::Token Authorizer::fetch_token(const Challenge& challenge, const std::string& scope, Session& session,
                                          const Route& route, const std::stop_token& stop) {
  std::string realm = challenge.values.at("realm");
  auto service = challenge.values.contains("service") ? challenge.values.at("service") : "";
  Request request;
  if (!credentials_.identity_token.empty()) {
    request.method = "POST";
    request.url = realm;
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = form({{"grant_type", "refresh_token"},
                         {"service", service},
                         {"client_id", "docker"},
                         {"scope", scope},
                         {"refresh_token", credentials_.identity_token}});
  } else {
    std::string query = form({{"account", credentials_.username},
                              {"client_id", credentials_.username.empty() ? "" : "docker"},
                              {"offline_token", credentials_.username.empty() ? "" : "true"},
                              {"service", service},
                              {"scope", scope}});
    request.url = cat(realm, realm.find('?') == realm.npos ? "?" : "&", query);
    if (!credentials_.username.empty()) request.authorization = basic();
  }
  Response response = session.perform(request, route, stop);
  if (!response.ok()) refuse_token(response, realm, !credentials_.empty());
  Json json = parse_json(response.body);
  Token token;
  token.text = text_of(json, "token").empty() ? text_of(json, "access_token") : text_of(json, "token");
  if (token.text.empty()) fail(Kind::kUnavailable, "authorization server did not include a token in the response");
  if (auto refresh = text_of(json, "refresh_token"); !refresh.empty()) new_identity_token_ = refresh;
  auto life = kShortestLife;
  if (auto expires = json.find("expires_in"); expires != json.end() && expires->is_number_integer())
    life = std::max(life, std::chrono::seconds(expires->get<std::int64_t>()));
  token.expires = Clock::now() + life - kMargin;
  return token;
}

}  // namespace hull::registry
