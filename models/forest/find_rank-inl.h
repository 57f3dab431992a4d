// The search of a value among the thresholds of a part of a QuestionTable, for each of Highway's targets.

// Included once a target, in the way that hwy/foreach_target.h asks for.
#if defined(ESPALIER_MODELS_FOREST_FIND_RANK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_MODELS_FOREST_FIND_RANK_INL_H_
#undef ESPALIER_MODELS_FOREST_FIND_RANK_INL_H_
#else
#define ESPALIER_MODELS_FOREST_FIND_RANK_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "models/forest/question_table.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {

// How many of a bucket's thresholds are at or below the value; none for NaN.
HWY_INLINE uint32_t CountAtOrBelow(const float* bucket, float value) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<float, QuestionTable::kBucket> d;
  const auto x = hn::Set(d, value);
  size_t count = 0;
  for (size_t i = 0; i < QuestionTable::kBucket; i += hn::Lanes(d)) {
    count += hn::CountTrue(d, hn::Le(hn::LoadU(d, bucket + i), x));
  }
  return static_cast<uint32_t>(count);
}

// The rank of a value by a part's pivots and the buckets behind them; 0 for NaN.
HWY_INLINE uint32_t FindRank(const float* pivots, float value) {
  const uint32_t begin = CountAtOrBelow(pivots, value) * QuestionTable::kBucket;
  return begin + CountAtOrBelow(pivots + QuestionTable::kBucket + begin, value);
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // include guard
