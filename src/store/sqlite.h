// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

// SQLite, as much of it as the database uses.
namespace hull::store {

// A prepared statement in use. Parameters are bound in order, columns read in order; given back (reset) by the
// destructor.
class Query {
 public:
  Query(sqlite3* connection, sqlite3_stmt* statement) : connection_(connection), statement_(statement) {}
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;
  ~Query();

  Query& bind(std::string_view text);
  Query& bind(std::int64_t number);
  // The next row. Throws Error{kConflict} when a constraint is violated, Error{kUnavailable} when the disk is full.
  bool step();
  std::string text();
  std::int64_t number();

 private:
  sqlite3* connection_;
  sqlite3_stmt* statement_;
  int parameter_ = 0, column_ = 0;
};

// One connection. Not thread-safe.
class Connection {
 public:
  explicit Connection(const std::string& path);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `sql` must live as long as the connection (a literal): its address finds the prepared statement again.
  Query query(const char* sql);
  void execute(const char* sql);  // one or several statements without parameters
  int changes() const;            // rows changed by the last statement

 private:
  sqlite3* handle_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

}  // namespace hull::store
