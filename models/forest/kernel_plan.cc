#include "models/forest/kernel_plan.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "models/base/strings.h"
#include "models/forest/bit_slicer.h"
#include "models/forest/interleaved_walker.h"
#include "models/forest/mask_walker.h"
#include "models/forest/rank_walker.h"

namespace espalier {
namespace {

// Rows on which walkers are timed, and those on which the bit slicer is: its smaller block.
constexpr size_t kWalkedRows = 8;
constexpr size_t kSlicedRows = 64;
constexpr int kRepeats = 3;
// A kernel that only wins by less than this share is not worth a second one.
constexpr size_t kNever = std::numeric_limits<size_t>::max();

constexpr std::string_view kInterleavedWalker = "interleaved_walker";
constexpr std::string_view kRankWalker = "rank_walker";
constexpr std::string_view kMaskWalker = "mask_walker";
constexpr std::string_view kBitSlicer = "bit_slicer";

// Rows whose values are thresholds of the forest, so that they spread over its leaves; one in sixteen is
// missing.
std::vector<float> SampleRows(const RankTable& ranks, uint32_t num_features) {
  std::vector<float> rows(kSlicedRows * num_features, 0.0f);
  std::minstd_rand random(1);
  for (const RankTable::Part& part : ranks.parts()) {
    const float* thresholds = ranks.thresholds() + part.pivots + RankTable::kBucket;
    for (size_t row = 0; row < kSlicedRows; ++row) {
      const uint32_t draw = static_cast<uint32_t>(random());
      float& value = rows[row * num_features + part.index];
      value = draw % 16 == 0 ? std::nanf("") : thresholds[draw / 16 % part.count];
    }
  }
  return rows;
}

// Seconds for `count` of the sample rows: the shortest of a few tries.
double Time(const Kernel& kernel, const std::vector<float>& sample, uint32_t num_features, size_t count,
            uint32_t num_trees, uint32_t num_outputs) {
  const Rows rows = {reinterpret_cast<const std::byte*>(sample.data()), count, num_features * sizeof(float)};
  std::vector<float> margins(count * num_outputs);
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    kernel.AddMargins(rows, {0, num_trees}, margins.data());
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = std::min(best, taken.count());
  }
  return best;
}

}  // namespace

std::vector<std::string_view> KernelPlan::KernelNames() {
  return {kInterleavedWalker, kRankWalker, kMaskWalker, kBitSlicer};
}

absl::StatusOr<KernelPlan> KernelPlan::Create(const AnyNodeTable& table, uint32_t num_features,
                                              uint32_t num_outputs, std::string_view kernel) {
  KernelPlan plan;
  plan.walker_ = MakeInterleavedWalker(table, num_outputs);
  std::optional<HeapTrees> heaps =
      std::visit([](const auto& nodes) { return HeapTrees::Build(nodes); }, table);
  if (heaps.has_value()) {
    plan.heaps_ = std::make_unique<const HeapTrees>(*std::move(heaps));
    for (auto make : {MakeMaskWalker, MakeRankWalker, MakeBitSlicer}) {
      std::unique_ptr<const Kernel> made = make(*plan.heaps_, num_outputs);
      if (made != nullptr) plan.others_.push_back(std::move(made));
    }
  }
  if (kernel.empty()) {
    plan.Choose(table, num_features, num_outputs);
    return plan;
  }
  const std::vector<std::string_view> names = KernelNames();
  if (std::find(names.begin(), names.end(), kernel) == names.end()) {
    return InvalidArgument("kernel \"", kernel, "\" is none of interleaved_walker, rank_walker, mask_walker, ",
                           "bit_slicer");
  }
  if (kernel == kInterleavedWalker) plan.small_ = plan.walker_.get();
  for (const auto& other : plan.others_) {
    if (other->Name() == kernel) plan.small_ = other.get();
  }
  if (plan.small_ == nullptr) {
    return Error(absl::StatusCode::kFailedPrecondition, "kernel ", kernel,
                 " cannot take this forest on this processor");
  }
  plan.large_ = plan.small_;
  plan.description_ = plan.small_->Name();
  return plan;
}

void KernelPlan::Choose(const AnyNodeTable& table, uint32_t num_features, uint32_t num_outputs) {
  small_ = large_ = walker_.get();
  large_from_ = kNever;
  description_ = small_->Name();
  if (heaps_ == nullptr) return;
  const std::vector<float> sample = SampleRows(heaps_->ranks, num_features);
  const auto time = [&](const Kernel& kernel, size_t rows) {
    return Time(kernel, sample, num_features, rows, heaps_->num_trees(), num_outputs) /
           static_cast<double>(rows);
  };
  double best = time(*small_, kWalkedRows);
  const Kernel* slicer = nullptr;
  for (const auto& other : others_) {
    if (other->Name() == kBitSlicer) {
      slicer = other.get();
    } else if (const double seconds = time(*other, kWalkedRows); seconds < best) {
      best = seconds;
      small_ = other.get();
    }
  }
  description_ = small_->Name();
  // A block costs the slicer the same however many of its rows are in use.
  const double block = time(*slicer, kSlicedRows) * static_cast<double>(kSlicedRows);
  large_ = slicer;
  large_from_ = static_cast<size_t>(std::ceil(block / best));
  description_ = StrCat(description_, "; ", slicer->Name(), " from ", large_from_, " rows");
}

size_t KernelPlan::MemoryBytes() const {
  size_t bytes = walker_->MemoryBytes() + (heaps_ == nullptr ? 0 : heaps_->MemoryBytes());
  for (const auto& other : others_) bytes += other->MemoryBytes();
  return bytes;
}

}  // namespace espalier
