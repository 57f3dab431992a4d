#include "deploy/flights/flight_table.h"

#include <cmath>
#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"

namespace espalier {
namespace {

using ::testing::EndsWith;

class FlightTableTest : public ::testing::Test {
 protected:
  ~FlightTableTest() override { std::filesystem::remove(path_); }

  absl::StatusOr<FlightTable> Read(std::string_view csv, size_t limit = 100) {
    EXPECT_TRUE(WriteFileAtomically(path_, csv).ok());
    return ReadFlightTable(path_, {"distance", "temp"}, limit);
  }

  const std::string path_ =
      ::testing::TempDir() + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv";
};

constexpr char kTwo[] =
    "flight_id,departs,known,tail_number,late,temp,distance\n"
    "f1,1372669200,1372675320,N1,0,75.02,529\n"
    "f2,1372669260,1372675380,,1,,530\n";

TEST_F(FlightTableTest, ReadsFlightsAndTheirFeaturesInOrder) {
  const auto table = Read(kTwo);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->flights.size(), 2u);
  EXPECT_EQ(table->flights[0].id, "f1");
  EXPECT_EQ(table->flights[0].tail_number, "N1");
  EXPECT_EQ(table->flights[0].times.departs, 1372669200);
  EXPECT_EQ(table->flights[1].tail_number, "");
  EXPECT_EQ(table->flights[1].late, 1);
  EXPECT_EQ(table->row(0)[0], 529);
  EXPECT_EQ(table->row(0)[1], 75.02f);
  EXPECT_TRUE(std::isnan(table->row(1)[1]));
}

TEST_F(FlightTableTest, StopsAtTheLimit) { EXPECT_EQ(Read(kTwo, 1)->flights.size(), 1u); }

TEST_F(FlightTableTest, NamesWhatIsWrong) {
  EXPECT_THAT(std::string(Read("flight_id,departs\n").status().message()), EndsWith("no column tail_number"));
  const std::string header = "flight_id,departs,known,tail_number,late,temp,distance\n";
  EXPECT_THAT(std::string(Read(header + "f,,2,N,0,1,1\n").status().message()),
              EndsWith("line 2: '' is not a number"));
  EXPECT_THAT(std::string(Read(header + "f,1,2,N,0,cold,1\n").status().message()),
              EndsWith("line 2: 'cold' is not a number"));
  EXPECT_THAT(std::string(Read(header + "f,1\n").status().message()),
              EndsWith("line 2: 2 fields; the header has 7"));
}

}  // namespace
}  // namespace espalier
