// What assignment does to many units, against exact limits.
#include <array>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <map>

#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "router/experiment/compiled_experiment.h"
#include "router/experiment/routing_table.h"
#include "router/experiment/unit_hash.h"
#include "tests/router/experiment/documents.h"

namespace espalier {
namespace {

constexpr int kUnits = 100'000;
// Chance of a false alarm of one check.
constexpr double kAlarm = 1e-7;

std::shared_ptr<const RoutingTable> MakeTable(const std::vector<v1::Experiment>& documents) {
  auto table = RoutingTable::Create(documents);
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

// The variant that each unit gets, by index; -1 when it is not enrolled.
std::vector<int> VariantsOf(const ModelRoute& route) {
  std::vector<int> variants(kUnits);
  for (int i = 0; i < kUnits; ++i) {
    const std::string unit = StrCat("user-", i);
    Assignment out;
    route.Assign(MapAttributes{{"user_id", std::string_view(unit)}}, {}, 0, 0, out);
    variants[static_cast<size_t>(i)] = out.experiment == nullptr ? -1 : static_cast<int>(out.variant_index);
  }
  return variants;
}

void ExpectShare(int64_t count, int64_t of, double share) {
  const boost::math::binomial_distribution<double> expected(static_cast<double>(of), share);
  EXPECT_GE(static_cast<double>(count), boost::math::quantile(expected, kAlarm / 2)) << "of " << of;
  EXPECT_LE(static_cast<double>(count), boost::math::quantile(boost::math::complement(expected, kAlarm / 2)))
      << "of " << of;
}

TEST(AssignmentSharesTest, SharesFollowWeightsAndCoverage) {
  for (const auto layout : {v1::Experiment::CUMULATIVE, v1::Experiment::CANARY}) {
    auto document = MakeExperiment("shares", "m", {0.7, 0.2, 0.1});
    document.set_layout(layout);
    document.set_coverage(0.4);
    const auto variants = VariantsOf(*MakeTable({document})->Find("m"));
    ExpectShare(std::count(variants.begin(), variants.end(), 0), kUnits, 0.28);
    ExpectShare(std::count(variants.begin(), variants.end(), 1), kUnits, 0.08);
    ExpectShare(std::count(variants.begin(), variants.end(), 2), kUnits, 0.04);
  }
}

TEST(AssignmentSharesTest, HoldoutsKeepTheirShareOut) {
  auto document = MakeExperiment("held-out", "m");
  document.mutable_holdout()->set_name("all-year");
  document.mutable_holdout()->set_share(0.05);
  const auto variants = VariantsOf(*MakeTable({document})->Find("m"));
  ExpectShare(std::count(variants.begin(), variants.end(), -1), kUnits, 0.05);
  ExpectShare(std::count(variants.begin(), variants.end(), 1), kUnits, 0.475);
}

TEST(AssignmentSharesTest, OneHoldoutKeepsTheSameUnitsOutOfEveryExperiment) {
  auto first = MakeExperiment("a", "m");
  auto second = MakeExperiment("b", "n");
  for (auto* document : {&first, &second}) {
    document->mutable_holdout()->set_name("all-year");
    document->mutable_holdout()->set_share(0.2);
  }
  const auto table = MakeTable({first, second});
  const auto a = VariantsOf(*table->Find("m"));
  const auto b = VariantsOf(*table->Find("n"));
  for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i] < 0, b[i] < 0) << i;
}

// Pearson's statistic of a two-way table stays below its quantile: nothing of one says anything of the other.
template <size_t kRows, size_t kColumns>
void ExpectIndependent(const std::vector<int>& a, const std::vector<int>& b) {
  std::array<std::array<double, kColumns>, kRows> cells{};
  std::array<double, kRows> rows{};
  std::array<double, kColumns> columns{};
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] < 0 || b[i] < 0) continue;
    const auto row = static_cast<size_t>(a[i]);
    const auto column = static_cast<size_t>(b[i]);
    ++cells[row][column], ++rows[row], ++columns[column], ++total;
  }
  double statistic = 0;
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t column = 0; column < kColumns; ++column) {
      const double expected = rows[row] * columns[column] / total;
      statistic += (cells[row][column] - expected) * (cells[row][column] - expected) / expected;
    }
  }
  const boost::math::chi_squared_distribution<double> distribution((kRows - 1) * (kColumns - 1));
  EXPECT_LT(statistic, boost::math::quantile(boost::math::complement(distribution, kAlarm)));
}

TEST(AssignmentSharesTest, ExperimentsOfDifferentLayersAreIndependent) {
  auto first = MakeExperiment("price", "m", {0.5, 0.3, 0.2});
  SetLayer(first, "pricing", 0, 0.5);
  auto second = MakeExperiment("rank", "n", {0.6, 0.4});
  SetLayer(second, "search", 0.2, 1);
  const auto table = MakeTable({first, second});
  const auto a = VariantsOf(*table->Find("m"));
  const auto b = VariantsOf(*table->Find("n"));
  ExpectIndependent<3, 2>(a, b);
  // And whether a unit is in the one says nothing of the other.
  std::vector<int> in_a(a.size());
  std::vector<int> in_b(b.size());
  for (size_t i = 0; i < a.size(); ++i) in_a[i] = a[i] >= 0, in_b[i] = b[i] >= 0;
  ExpectIndependent<2, 2>(in_a, in_b);
}

TEST(AssignmentSharesTest, VariantAndLayerSlotAreIndependent) {
  auto document = MakeExperiment("price", "m", {0.5, 0.5});
  SetLayer(document, "price", 0, 1);
  const auto variants = VariantsOf(*MakeTable({document})->Find("m"));
  std::vector<int> tenth(variants.size());
  for (size_t i = 0; i < tenth.size(); ++i) {
    tenth[i] = static_cast<int>(LayerSlot(StrCat("user-", i), "__price") / 100);
  }
  ExpectIndependent<2, 10>(variants, tenth);
}

TEST(AssignmentSharesTest, ExperimentsOfOneLayerExcludeEachOther) {
  auto first = MakeExperiment("a", "m");
  SetLayer(first, "l", 0, 0.4);
  auto second = MakeExperiment("b", "n");
  SetLayer(second, "l", 0.4, 1);
  const auto table = MakeTable({first, second});
  const auto a = VariantsOf(*table->Find("m"));
  const auto b = VariantsOf(*table->Find("n"));
  int64_t in_first = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_NE(a[i] >= 0, b[i] >= 0) << i;
    in_first += a[i] >= 0;
  }
  ExpectShare(in_first, kUnits, 0.4);
}

// By units, the figures of the design: 14.9 % and 4.9 % where 10 % suffices.
TEST(AssignmentSharesTest, CanaryMovesTenPercentWhereCumulativeMovesFifteen) {
  const auto moved = [](v1::Experiment::Layout layout, double& flipped) {
    auto before = MakeExperiment("moves", "m", {0.90, 0.05, 0.05});
    auto after = MakeExperiment("moves", "m", {0.80, 0.10, 0.10});
    before.set_layout(layout);
    after.set_layout(layout);
    const auto a = VariantsOf(*MakeTable({before})->Find("m"));
    const auto b = VariantsOf(*MakeTable({after})->Find("m"));
    int64_t changed = 0;
    flipped = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      changed += a[i] != b[i];
      flipped += a[i] != b[i] && a[i] != 0;
    }
    return changed;
  };
  double flipped = 0;
  ExpectShare(moved(v1::Experiment::CUMULATIVE, flipped), kUnits, 0.15);
  ExpectShare(static_cast<int64_t>(flipped), kUnits, 0.05);
  ExpectShare(moved(v1::Experiment::CANARY, flipped), kUnits, 0.10);
  EXPECT_EQ(flipped, 0);
}

}  // namespace
}  // namespace espalier
