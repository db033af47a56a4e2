// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite.h"

#include <sqlite3.h>

#include <utility>

#include "base/error.h"

namespace hull::store {

namespace {

[[noreturn]] void fail_with(sqlite3* connection, std::string_view what) {
  int code = connection ? sqlite3_errcode(connection) : SQLITE_NOMEM;
  Kind kind = Kind::kInternal;
  if (code == SQLITE_FULL) kind = Kind::kUnavailable;
  if (code == SQLITE_CONSTRAINT) kind = Kind::kConflict;
  fail(kind, "hull.db: ", what, ": ", connection ? sqlite3_errmsg(connection) : "out of memory");
}

}  // namespace

Query::Query(Query&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      parameter_(other.parameter_),
      column_(other.column_) {}

Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(std::string_view text) {
  // A null pointer would be NULL, not ''.
  const char* data = text.data() ? text.data() : "";
  if (sqlite3_bind_text64(statement_, ++parameter_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK)
    fail_with(connection_, "bind");
  return *this;
}

Query& Query::bind(std::int64_t number) {
  if (sqlite3_bind_int64(statement_, ++parameter_, number) != SQLITE_OK) fail_with(connection_, "bind");
  return *this;
}

bool Query::step() {
  column_ = 0;
  int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) fail_with(connection_, sqlite3_sql(statement_));
  return false;
}

std::string Query::text() {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column_));
  auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column_++));
  return text ? std::string(text, size) : std::string();
}

std::int64_t Query::number() { return sqlite3_column_int64(statement_, column_++); }

Connection::Connection(const std::string& path) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr) != SQLITE_OK) {
    std::string text = handle_ ? sqlite3_errmsg(handle_) : "out of memory";
    sqlite3_close(handle_);
    fail(Kind::kInternal, "cannot open ", path, ": ", text);
  }
}

Connection::~Connection() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Query Connection::query(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (!statement && sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    statements_.erase(sql);
    fail_with(handle_, sql);
  }
  return Query(handle_, statement);
}

void Connection::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail_with(handle_, sql);
}

int Connection::changes() const { return sqlite3_changes(handle_); }

}  // namespace hull::store
