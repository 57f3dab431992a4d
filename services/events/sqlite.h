// SQLite with our manners: owned handles, Status values that name the file, std::string_view in and out.
//
//   ESPALIER_ASSIGN_OR_RETURN(Sqlite db, Sqlite::Open(path, Sqlite::Mode::kReadOnly));
//   ESPALIER_ASSIGN_OR_RETURN(SqliteStatement select, db.Prepare("SELECT unit FROM exposures WHERE rows >
//   ?")); select.BindInt(1, 5); while (select.Step()) Use(select.Text(0));
//   ESPALIER_RETURN_IF_ERROR(select.status());
//
// A connection and its statements belong to one thread at a time.
#ifndef ESPALIER_SERVICES_EVENTS_SQLITE_H_
#define ESPALIER_SERVICES_EVENTS_SQLITE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3;
struct sqlite3_stmt;

namespace espalier {

// A prepared statement. Parameters count from 1, columns from 0.
class SqliteStatement {
 public:
  // Bound text and blobs are not copied: they live until the statement is reset or bound anew.
  void BindInt(int parameter, int64_t value);
  void BindDouble(int parameter, double value);
  void BindText(int parameter, std::string_view value);
  void BindBlob(int parameter, std::span<const std::byte> value);
  void BindNull(int parameter);

  // Goes to the next row; false at the end and after an error, which status() tells apart.
  bool Step();
  // Steps a statement that gives no rows, and resets it.
  absl::Status Run();
  // Makes the statement ready to be bound and stepped again.
  void Reset();
  const absl::Status& status() const { return status_; }

  int64_t Int(int column) const;
  double Double(int column) const;
  // Good until the next Step or Reset.
  std::string_view Text(int column) const;
  std::span<const std::byte> Blob(int column) const;
  bool IsNull(int column) const;

 private:
  friend class Sqlite;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  SqliteStatement(std::string file, sqlite3_stmt* statement)
      : file_(std::move(file)), statement_(statement) {}

  std::string file_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  absl::Status status_;
};

// A connection.
class Sqlite {
 public:
  enum class Mode { kReadOnly, kReadWriteCreate };

  // NOT_FOUND when a file to be read does not exist, FAILED_PRECONDITION when it is no database.
  static absl::StatusOr<Sqlite> Open(const std::string& path, Mode mode);

  // Runs statements without parameters, and ignores their rows.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<SqliteStatement> Prepare(std::string_view sql);
  // The first column of the first row; 0 when there is none.
  absl::StatusOr<int64_t> QueryInt(std::string_view sql);

  // Rows that the last insert, update or delete changed.
  int64_t changes() const;
  // Whether no transaction is open.
  bool autocommit() const;

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };

  Sqlite(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}

  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_EVENTS_SQLITE_H_
