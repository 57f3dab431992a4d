#include "services/events/sqlite.h"

#include <sqlite3.h>

#include <filesystem>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// How long a statement waits for another process's lock.
constexpr int kBusyMillis = 5000;

absl::StatusCode CodeOf(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status SqliteError(std::string_view file, sqlite3* db, int code) {
  return Error(CodeOf(code), file, ": ", sqlite3_errmsg(db), " (SQLite error ", sqlite3_extended_errcode(db),
               ")");
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Sqlite::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

void SqliteStatement::BindInt(int parameter, int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
}

void SqliteStatement::BindDouble(int parameter, double value) {
  sqlite3_bind_double(statement_.get(), parameter, value);
}

void SqliteStatement::BindText(int parameter, std::string_view value) {
  // An empty view may have no data, which SQLite would take for NULL.
  sqlite3_bind_text(statement_.get(), parameter, value.empty() ? "" : value.data(),
                    static_cast<int>(value.size()), SQLITE_STATIC);
}

void SqliteStatement::BindBlob(int parameter, std::span<const std::byte> value) {
  if (value.empty()) {
    sqlite3_bind_zeroblob(statement_.get(), parameter, 0);
  } else {
    sqlite3_bind_blob64(statement_.get(), parameter, value.data(), value.size(), SQLITE_STATIC);
  }
}

void SqliteStatement::BindNull(int parameter) { sqlite3_bind_null(statement_.get(), parameter); }

bool SqliteStatement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  status_ =
      code == SQLITE_DONE ? absl::OkStatus() : SqliteError(file_, sqlite3_db_handle(statement_.get()), code);
  return false;
}

absl::Status SqliteStatement::Run() {
  const int code = sqlite3_step(statement_.get());
  absl::Status status;
  if (code != SQLITE_DONE && code != SQLITE_ROW) {
    status = SqliteError(file_, sqlite3_db_handle(statement_.get()), code);
  }
  sqlite3_reset(statement_.get());
  return status;
}

void SqliteStatement::Reset() { sqlite3_reset(statement_.get()); }

int64_t SqliteStatement::Int(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double SqliteStatement::Double(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string_view SqliteStatement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::span<const std::byte> SqliteStatement::Blob(int column) const {
  const auto* blob = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  return {blob, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool SqliteStatement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

absl::StatusOr<Sqlite> Sqlite::Open(const std::string& path, Mode mode) {
  std::error_code ignored;
  if (mode == Mode::kReadOnly && !std::filesystem::exists(path, ignored)) {
    return Error(absl::StatusCode::kNotFound, path, ": no such file");
  }
  const int flags =
      mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Sqlite opened(path, db);
  if (code != SQLITE_OK) return SqliteError(path, db, code);
  sqlite3_busy_timeout(db, kBusyMillis);
  // SQLite reads the file only now: a file that is no database is found out here.
  ESPALIER_RETURN_IF_ERROR(opened.Execute("PRAGMA schema_version"));
  return opened;
}

absl::Status Sqlite::Execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : SqliteError(path_, db_.get(), code);
}

absl::StatusOr<SqliteStatement> Sqlite::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return SqliteError(path_, db_.get(), code);
  return SqliteStatement(path_, statement);
}

absl::StatusOr<int64_t> Sqlite::QueryInt(std::string_view sql) {
  ESPALIER_ASSIGN_OR_RETURN(SqliteStatement query, Prepare(sql));
  const int64_t value = query.Step() ? query.Int(0) : 0;
  ESPALIER_RETURN_IF_ERROR(query.status());
  return value;
}

int64_t Sqlite::changes() const { return sqlite3_changes64(db_.get()); }
bool Sqlite::autocommit() const { return sqlite3_get_autocommit(db_.get()) != 0; }

}  // namespace espalier
