#include "services/events/sqlite.h"

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "tests/services/events/event_log_fixture.h"

namespace espalier {
namespace {

TEST(SqliteTest, BindsAndReadsEveryType) {
  const TemporaryDirectory directory;
  absl::StatusOr<Sqlite> db = Sqlite::Open(directory.path() + "/a.db", Sqlite::Mode::kReadWriteCreate);
  ASSERT_TRUE(db.ok()) << db.status();
  ASSERT_TRUE(db->Execute("CREATE TABLE t (a, b, c, d, e)").ok());
  absl::StatusOr<SqliteStatement> insert = db->Prepare("INSERT INTO t VALUES (?,?,?,?,?)");
  ASSERT_TRUE(insert.ok());
  const std::byte blob[] = {std::byte{0}, std::byte{255}};
  insert->BindInt(1, -7);
  insert->BindDouble(2, 0.1);
  insert->BindText(3, std::string_view());
  insert->BindBlob(4, blob);
  insert->BindNull(5);
  ASSERT_TRUE(insert->Run().ok());
  EXPECT_EQ(db->changes(), 1);
  absl::StatusOr<SqliteStatement> select = db->Prepare("SELECT * FROM t");
  ASSERT_TRUE(select.ok());
  ASSERT_TRUE(select->Step());
  EXPECT_EQ(select->Int(0), -7);
  EXPECT_EQ(select->Double(1), 0.1);
  EXPECT_FALSE(select->IsNull(2));
  EXPECT_EQ(select->Text(2), "");
  EXPECT_EQ(select->Blob(3).size(), 2u);
  EXPECT_TRUE(select->IsNull(4));
  EXPECT_FALSE(select->Step());
  EXPECT_TRUE(select->status().ok());
}

TEST(SqliteTest, ErrorsNameTheFile) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a.db";
  EXPECT_EQ(Sqlite::Open(path, Sqlite::Mode::kReadOnly).status().code(), absl::StatusCode::kNotFound);
  std::ofstream(path) << "This is a text file of more than a hundred bytes, which no version of SQLite has "
                         "ever written; it is refused.";
  const absl::Status status = Sqlite::Open(path, Sqlite::Mode::kReadOnly).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(status)), testing::HasSubstr(path));
}

}  // namespace
}  // namespace espalier
