#include "router/stats/fixed.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

namespace espalier {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using StudentsT = boost::math::students_t_distribution<double>;

bool Usable(double degrees_of_freedom) { return degrees_of_freedom > 0 && std::isfinite(degrees_of_freedom); }

}  // namespace

double WelchDegreesOfFreedom(const Estimate& control, const Estimate& treatment) {
  if (control.n < 2 || treatment.n < 2) return kNan;
  const double c = control.variance / static_cast<double>(control.n);
  const double t = treatment.variance / static_cast<double>(treatment.n);
  return (c + t) * (c + t) /
         (c * c / static_cast<double>(control.n - 1) + t * t / static_cast<double>(treatment.n - 1));
}

double FixedP(double z, double degrees_of_freedom) {
  if (!Usable(degrees_of_freedom) || std::isnan(z)) return kNan;
  return 2 * boost::math::cdf(boost::math::complement(StudentsT(degrees_of_freedom), std::abs(z)));
}

double FixedHalfWidth(double degrees_of_freedom, double alpha) {
  return FixedOneSidedWidth(degrees_of_freedom, alpha / 2);
}

double FixedOneSidedWidth(double degrees_of_freedom, double alpha) {
  if (!Usable(degrees_of_freedom)) return kNan;
  return boost::math::quantile(boost::math::complement(StudentsT(degrees_of_freedom), alpha));
}

}  // namespace espalier
