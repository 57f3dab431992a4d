#include "services/cli/table_io.h"

#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "services/cli/npy_header.h"
#include "services/cli/table_writer.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;

class TableIoTest : public ::testing::Test {
 protected:
  TableIoTest() : folder_(testing::TempDir() + "/table_io_test." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~TableIoTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  // All rows of a file, read `chunk` at a time.
  static absl::StatusOr<std::vector<float>> ReadAll(const std::string& path, const RowSchema& schema,
                                                    size_t chunk = 2) {
    absl::StatusOr<std::unique_ptr<RowSource>> source = OpenRows(path, schema);
    if (!source.ok()) return source.status();
    std::vector<float> all;
    size_t bytes = 0;
    for (RowPart part = (*source)->Next(chunk); !part.bytes.empty(); part = (*source)->Next(chunk)) {
      bytes += part.bytes.size();
      std::vector<float> values;
      const absl::StatusOr<Rows> rows = (*source)->Read(part, values);
      if (!rows.ok()) return rows.status();
      EXPECT_EQ(rows->stride, schema.num_features * sizeof(float));
      if (rows->count == 0) continue;
      all.resize(all.size() + rows->count * schema.num_features);
      std::memcpy(all.data() + all.size() - rows->count * schema.num_features, rows->data,
                  rows->count * rows->stride);
    }
    EXPECT_EQ(bytes, (*source)->size());
    return all;
  }

  static std::string ErrorOf(const std::string& path, const RowSchema& schema) {
    const absl::StatusOr<std::vector<float>> rows = ReadAll(path, schema);
    EXPECT_FALSE(rows.ok());
    return std::string(Message(rows.status()));
  }

  const std::string folder_;
};

std::string NpyOf(const std::vector<uint64_t>& shape, const std::vector<float>& values,
                  const std::string& type = "<f4") {
  return MakeNpyHeader(type, shape) +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

TEST_F(TableIoTest, CsvColumnsAreFoundByNameOrElseByPosition) {
  const std::string path = Write("a.csv", "id,b,a\n7,2,1\n8,4,3\n9,6,5\n");
  EXPECT_THAT(*ReadAll(path, {2, {"a", "b"}}), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(*ReadAll(path, {3, {}}), ElementsAre(7, 2, 1, 8, 4, 3, 9, 6, 5));
  EXPECT_THAT(*ReadAll(path, {3, {"x", "y", "z"}}), ElementsAre(7, 2, 1, 8, 4, 3, 9, 6, 5));
  EXPECT_THAT(ErrorOf(path, {2, {"a", "x"}}),
              HasSubstr("has 3 columns (and no column \"x\"), the model has 2 features"));
}

TEST_F(TableIoTest, EmptyAndNaAreMissing) {
  const std::string path = Write("a.csv", "a,b,c,d\r\n,NA,NaN, nan\r\n1e3,-0,\"5\",inf\r\n");
  EXPECT_THAT(*ReadAll(path, {4, {}}),
              ElementsAre(IsNan(), IsNan(), IsNan(), IsNan(), 1000, 0, 5, HUGE_VALF));
}

TEST_F(TableIoTest, CsvErrorsNameLineAndColumn) {
  EXPECT_THAT(ErrorOf(Write("a.csv", "a,b\n1,2\n3,x4\n"), {2, {}}),
              HasSubstr("a.csv line 3, column b: \"x4\" is not a number"));
  EXPECT_THAT(ErrorOf(Write("a.csv", "a,b\n1,2\n1,2\n3\n"), {2, {}}),
              HasSubstr("line 4: has 1 fields, the header has 2"));
  EXPECT_THAT(ErrorOf(Write("a.csv", "a,b\n1,1e39\n"), {2, {}}), HasSubstr("line 2, column b: \"1e39\""));
  EXPECT_THAT(ErrorOf(Write("a.csv", "a,b\n1,\"2\n"), {2, {}}), HasSubstr("quote is never closed"));
  EXPECT_THAT(ErrorOf(Write("a.csv", ""), {2, {}}), HasSubstr("has no header row"));
}

// Whatever the size of the parts: quotes that hold line ends, empty lines that count and those that do not.
TEST_F(TableIoTest, APartEndsWhereARecordDoes) {
  const std::string records = Write("a.csv", "a,b\n1,2\n\"3\n\",4\n5,\"6\n\n\n\"\n7,8\n9,\"1\"\r\n\n\n");
  const std::string single = Write("b.csv", "a\n1\n\n\n\n2\n\n3\n\n");
  for (size_t chunk = 1; chunk < 8; ++chunk) {
    EXPECT_THAT(ReadAll(records, {2, {}}, chunk).status().message(), HasSubstr("line 3, column a: \"3"));
    EXPECT_THAT(*ReadAll(single, {1, {}}, chunk), ElementsAre(1, IsNan(), IsNan(), IsNan(), 2, IsNan(), 3))
        << chunk;
  }
  const std::string lines = Write("c.csv", "a,b,t\n1,2,\"x\ny\"\n3,4,\"\"\"\"\n\n5,6,z\n");
  for (size_t chunk = 1; chunk < 5; ++chunk) {
    EXPECT_THAT(ReadAll(lines, {2, {"a", "b"}}, chunk).status().message(), HasSubstr("line 5: has 1 fields"));
  }
}

TEST_F(TableIoTest, AHeaderAloneHasNoRows) {
  EXPECT_THAT(*ReadAll(Write("a.csv", "a,b\n"), {2, {}}), ElementsAre());
}

TEST_F(TableIoTest, LibsvmIsZeroBasedAndSparse) {
  const std::string text = "1 0:5 2:0\n-1.5 qid:3 1:2.5 # comment 0:1\n\n# nothing\n0:1 1:2\t2:3 \r\n0";
  for (const char* name : {"a.libsvm", "a.svm", "a.txt", "noend"}) {
    EXPECT_THAT(*ReadAll(Write(name, text), {3, {}}),
                ElementsAre(5, IsNan(), 0, IsNan(), 2.5f, IsNan(), 1, 2, 3, IsNan(), IsNan(), IsNan()))
        << name;
  }
}

TEST_F(TableIoTest, LibsvmErrorsNameTheLine) {
  const auto error = [&](const std::string& text) { return ErrorOf(Write("a.svm", text), {3, {}}); };
  EXPECT_THAT(error("1 0:1\n1 3:1\n"), HasSubstr("a.svm line 2: \"3:1\" is beyond the model's 3 features"));
  EXPECT_THAT(error("1 99999999999999999999:1\n"), HasSubstr("beyond"));
  EXPECT_THAT(error("1 -1:1\n"), HasSubstr("not of the form index:value"));
  EXPECT_THAT(error("1 0:1 7\n"), HasSubstr("\"7\" is not of the form index:value"));
  EXPECT_THAT(error("1 0:x\n"), HasSubstr("no value"));
  EXPECT_THAT(error("1 0:1 0:2\n"), HasSubstr("twice"));
}

TEST_F(TableIoTest, NpyIsFloat32InCOrder) {
  EXPECT_THAT(*ReadAll(Write("a.npy", NpyOf({3, 2}, {1, 2, 3, 4, 5, NAN})), {2, {}}),
              ElementsAre(1, 2, 3, 4, 5, IsNan()));
  EXPECT_THAT(*ReadAll(Write("no_extension", NpyOf({0, 2}, {})), {2, {}}), ElementsAre());
}

TEST_F(TableIoTest, NpyErrorsSayWhatIsWanted) {
  const auto error = [&](const std::string& bytes) { return ErrorOf(Write("a.npy", bytes), {2, {}}); };
  EXPECT_THAT(error(NpyOf({1, 2}, {1, 2}, "<f8")), HasSubstr("holds <f8, must hold float32"));
  EXPECT_THAT(error(NpyOf({1, 3}, {1, 2, 3})), HasSubstr("has shape (1, 3), must be (rows, 2)"));
  EXPECT_THAT(error(NpyOf({2}, {1, 2})), HasSubstr("has shape (2), must be (rows, 2)"));
  EXPECT_THAT(error(NpyOf({2, 2}, {1, 2, 3})), HasSubstr("ends after 12 bytes"));
  EXPECT_THAT(error(NpyOf({uint64_t{1} << 62, 2}, {1, 2, 3})), HasSubstr("ends after 12 bytes"));
  EXPECT_THAT(error("text"), HasSubstr("not in NumPy's format"));
}

TEST_F(TableIoTest, OnlyRegularFilesAreRead) {
  EXPECT_EQ(OpenRows(folder_ + "/none", {2, {}}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(ErrorOf(folder_, {2, {}}), HasSubstr("is not a regular file"));
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf(pipe, {2, {}}), HasSubstr("is not a regular file"));
}

template <typename Number>
absl::Status AppendTo(TableWriter& writer, const std::vector<Number>& values) {
  return writer.Append(writer.Encode(std::span<const Number>(values)));
}

TEST_F(TableIoTest, WritesCsvWithNamesAndExactNumbers) {
  const std::string path = folder_ + "/out.csv";
  auto writer = TableWriter::Create(path, {{2}, {"a,b", "say \"x\""}, false});
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(AppendTo(**writer, std::vector<float>{0.1f, -0.0f, 1e-45f, 16777216}).ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE((*writer)->Finish().ok());
  EXPECT_EQ(*ReadFile(path), "\"a,b\",\"say \"\"x\"\"\"\n0.1,-0\n1e-45,16777216\n");
}

TEST_F(TableIoTest, WritesNpyWithTheNumberOfRows) {
  const std::string path = folder_ + "/out.npy";
  auto writer = TableWriter::Create(path, {{2, 1}, {"a", "b"}, true});
  ASSERT_TRUE(writer.ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(AppendTo(**writer, std::vector<int32_t>{i, -i}).ok());
  }
  ASSERT_TRUE((*writer)->Finish().ok());
  const std::string bytes = *ReadFile(path);
  const absl::StatusOr<NpyHeader> header = ParseNpyHeader(bytes);
  EXPECT_THAT(header->shape, ElementsAre(3, 2, 1));
  EXPECT_EQ(header->type, "<i4");
  const std::vector<int32_t> expected = {0, 0, 1, -1, 2, -2};
  EXPECT_EQ(bytes.substr(header->data_begin),
            std::string(reinterpret_cast<const char*>(expected.data()), expected.size() * 4));
}

TEST_F(TableIoTest, AnAbandonedWriterLeavesNothing) {
  for (const char* name : {"/out.npy", "/out.csv"}) {
    auto writer = TableWriter::Create(folder_ + name, {{}, {"a"}, false});
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(AppendTo(**writer, std::vector<float>{1}).ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  EXPECT_FALSE(TableWriter::Create(folder_ + "/none/out.csv", {{}, {"a"}, false}).ok());
  EXPECT_FALSE(TableWriter::Create(folder_ + "/out.txt", {{}, {"a"}, false}).ok());
}

}  // namespace
}  // namespace espalier
