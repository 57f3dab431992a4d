#include "models/base/csv.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;

std::vector<std::vector<std::string>> ReadAll(std::string_view bytes, absl::Status* status = nullptr) {
  CsvReader reader(bytes);
  std::vector<std::string_view> fields;
  std::vector<std::vector<std::string>> records;
  while (reader.Next(fields)) records.emplace_back(fields.begin(), fields.end());
  if (status != nullptr) *status = reader.status();
  return records;
}

TEST(CsvTest, SplitsRecordsAndFields) {
  EXPECT_THAT(ReadAll("a,b\n1,2\n"), ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2")));
}

TEST(CsvTest, KeepsEmptyFields) {
  EXPECT_THAT(ReadAll(",\n,x,"), ElementsAre(ElementsAre("", ""), ElementsAre("", "x", "")));
}

TEST(CsvTest, TakesCarriageReturnsByteOrderMarkAndMissingLastLineEnd) {
  EXPECT_THAT(ReadAll("\xEF\xBB\xBF"
                      "a,\"b\"\r\n1,2"),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2")));
}

TEST(CsvTest, UnquotesCommasLineEndsAndQuotes) {
  EXPECT_THAT(ReadAll("\"a,b\",\"c\nd\",\"e\"\"f\",\"\"\nx"),
              ElementsAre(ElementsAre("a,b", "c\nd", "e\"f", ""), ElementsAre("x")));
}

TEST(CsvTest, CountsLinesThroughQuotedLineEnds) {
  CsvReader reader("\"a\nb\"\nc\n");
  std::vector<std::string_view> fields;
  ASSERT_TRUE(reader.Next(fields));
  EXPECT_EQ(reader.line(), 1u);
  ASSERT_TRUE(reader.Next(fields));
  EXPECT_EQ(reader.line(), 3u);
}

TEST(CsvTest, EmptyLinesAtTheEndAreNoRecords) {
  EXPECT_THAT(ReadAll("a\n\n\r\n"), ElementsAre(ElementsAre("a")));
  EXPECT_TRUE(ReadAll("").empty());
}

TEST(CsvTest, NamesTheLineOfABrokenQuote) {
  absl::Status status;
  ReadAll("a\n\"b", &status);
  EXPECT_EQ(status.message(), "line 2: a quote is never closed");
  ReadAll("\"a\"b\n", &status);
  EXPECT_EQ(status.message(), "line 1: text follows a closing quote");
}

TEST(ParseNumberTest, ReadsNumbersAndMissingValues) {
  EXPECT_EQ(ParseNumber("1.5"), 1.5);
  EXPECT_EQ(ParseNumber(" -2e3 "), -2000);
  EXPECT_EQ(ParseNumber("+4"), 4);
  EXPECT_EQ(ParseNumber("-inf"), -INFINITY);
  EXPECT_EQ(ParseNumber("1e999"), INFINITY);
  EXPECT_EQ(ParseNumber("1e-999"), 0);
  for (const char* missing : {"", "  ", "NA", "nan", "NaN"})
    EXPECT_TRUE(std::isnan(*ParseNumber(missing))) << missing;
}

TEST(ParseNumberTest, RefusesWhatIsNoNumber) {
  for (const char* text : {"x", "1x", "1 2", "+-1", "0x10", "--1", "."}) {
    EXPECT_EQ(ParseNumber(text), std::nullopt) << text;
  }
}

TEST(FindColumnTest, FindsByName) {
  EXPECT_EQ(FindColumn({"a", "b"}, "b"), 1u);
  EXPECT_EQ(FindColumn({"a", "b"}, "c"), std::nullopt);
}

}  // namespace
}  // namespace espalier
