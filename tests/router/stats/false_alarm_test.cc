// Looking forty times at an experiment in which nothing happens.
#include <boost/math/distributions/binomial.hpp>
#include <iostream>
#include <random>

#include "gtest/gtest.h"
#include "router/stats/comparison.h"

namespace espalier {
namespace {

constexpr int kExperiments = 2000;
constexpr int kLooks = 40;
constexpr int kUnitsPerLook = 125;  // both arms; 5,000 at the end, as N*
constexpr uint32_t kSeed = 20130101;

struct Alarms {
  int sequential = 0;
  int fixed = 0;
};

// One experiment under the null; whether each test raised an alarm at any look.
Alarms RunOne(std::mt19937_64& random) {
  std::normal_distribution<double> value(1, 2);
  AnalysisPlan sequential;
  AnalysisPlan fixed;
  fixed.engine = AnalysisEngine::kFixed;
  const MetricPlan metric;
  ArmData arms[2];
  Alarms alarms;
  for (int look = 0; look < kLooks; ++look) {
    for (int i = 0; i < kUnitsPerLook; ++i) arms[i % 2].sums.Add(value(random));
    if (Compare(sequential, metric, arms[0], arms[1]).p <= sequential.alpha) alarms.sequential = 1;
    if (Compare(fixed, metric, arms[0], arms[1]).p <= fixed.alpha) alarms.fixed = 1;
  }
  return alarms;
}

// The exact two-sided 99.9 % limits of a binomial count.
std::pair<double, double> Limits(double p) {
  const boost::math::binomial count(kExperiments, p);
  return {boost::math::quantile(count, 0.0005),
          boost::math::quantile(boost::math::complement(count, 0.0005))};
}

TEST(FalseAlarmTest, SequentialKeepsItsLevelOverFortyLooksAndFixedDoesNot) {
  std::cout << "seed " << kSeed << "\n";
  std::mt19937_64 random(kSeed);
  Alarms total;
  for (int i = 0; i < kExperiments; ++i) {
    const Alarms one = RunOne(random);
    total.sequential += one.sequential;
    total.fixed += one.fixed;
  }
  std::cout << "false alarms: sequential " << 100.0 * total.sequential / kExperiments << " %, fixed "
            << 100.0 * total.fixed / kExperiments << " %\n";
  // Never more often than alpha promises.
  EXPECT_LE(total.sequential, Limits(0.05).second);
  // What forty looks make of a level of 5 %.
  EXPECT_GE(total.fixed, Limits(0.31).first);
  EXPECT_LE(total.fixed, Limits(0.31).second);
}

}  // namespace
}  // namespace espalier
