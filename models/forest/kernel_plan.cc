#include "models/forest/kernel_plan.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/bit_slicer.h"
#include "models/forest/interleaved_walker.h"
#include "models/forest/mask_walker.h"

namespace espalier {
namespace {

// Rows on which walkers are timed, and the bit slicer's smaller and larger block.
constexpr size_t kWalkedRows = 4;
constexpr size_t kSmallBlock = 64;
constexpr size_t kLargeBlock = 256;
constexpr int kRepeats = 3;
constexpr size_t kNever = std::numeric_limits<size_t>::max();
// Forests of more features are not tried: the rows would cost more than the choice is worth.
constexpr uint32_t kMaxSampledFeatures = 4096;

constexpr std::string_view kInterleavedWalker = "interleaved_walker";
constexpr std::string_view kMaskWalker = "mask_walker";
constexpr std::string_view kBitSlicer = "bit_slicer";

// Rows whose values are thresholds of the forest, so that they spread over its leaves; one in sixteen is
// missing.
std::vector<float> SampleRows(const RankTable& ranks, uint32_t num_features) {
  std::vector<float> rows(kLargeBlock * num_features, 0.0f);
  std::minstd_rand random(1);
  for (const RankTable::Part& part : ranks.parts()) {
    const float* thresholds = ranks.thresholds() + part.pivots + RankTable::kBucket;
    for (size_t row = 0; row < kLargeBlock; ++row) {
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
  return {kInterleavedWalker, kMaskWalker, kBitSlicer};
}

absl::StatusOr<KernelPlan> KernelPlan::Create(const AnyNodeTable& table, uint32_t num_features,
                                              uint32_t num_outputs, std::string_view kernel) {
  KernelPlan plan;
  plan.walker_ = MakeInterleavedWalker(table, num_outputs);
  plan.Use(*plan.walker_);
  std::optional<HeapTrees> heaps =
      std::visit([](const auto& nodes) { return HeapTrees::Build(nodes); }, table);
  if (heaps.has_value()) {
    plan.heaps_ = std::make_unique<const HeapTrees>(*std::move(heaps));
    plan.mask_walker_ = MakeMaskWalker(*plan.heaps_, num_outputs);
    plan.bit_slicer_ = MakeBitSlicer(*plan.heaps_, num_outputs);
  }
  if (!kernel.empty()) {
    ESPALIER_RETURN_IF_ERROR(plan.Force(kernel));
  } else if (plan.heaps_ != nullptr && num_features <= kMaxSampledFeatures) {
    plan.Choose(num_features, num_outputs);
  }
  return plan;
}

void KernelPlan::Use(const Kernel& kernel) {
  small_ = large_ = &kernel;
  large_from_ = kNever;
  description_ = kernel.Name();
}

absl::Status KernelPlan::Force(std::string_view name) {
  const std::vector<std::string_view> names = KernelNames();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return InvalidArgument("kernel \"", name, "\" is none of interleaved_walker, mask_walker, bit_slicer");
  }
  if (name == kInterleavedWalker) return absl::OkStatus();
  const Kernel* kernel = name == kMaskWalker ? mask_walker_.get() : bit_slicer_.get();
  if (kernel == nullptr) {
    return Error(absl::StatusCode::kFailedPrecondition, "kernel ", name,
                 " cannot take this forest on this processor");
  }
  Use(*kernel);
  return absl::OkStatus();
}

void KernelPlan::Choose(uint32_t num_features, uint32_t num_outputs) {
  const std::vector<float> sample = SampleRows(heaps_->ranks, num_features);
  const auto time = [&](const Kernel& kernel, size_t rows) {
    return Time(kernel, sample, num_features, rows, heaps_->num_trees(), num_outputs);
  };
  double row = time(*walker_, kWalkedRows) / kWalkedRows;
  if (mask_walker_ != nullptr) {
    const double masked = time(*mask_walker_, kWalkedRows) / kWalkedRows;
    if (masked < row) Use(*mask_walker_);
    row = std::min(row, masked);
  }
  // A block costs the slicer about the same however many of its rows are in use.
  for (const size_t block : {kSmallBlock, kLargeBlock}) {
    const double rows = std::ceil(time(*bit_slicer_, block) / row);
    if (rows > static_cast<double>(block)) continue;
    large_ = bit_slicer_.get();
    large_from_ = static_cast<size_t>(rows);
    description_ = StrCat(description_, "; ", large_->Name(), " from ", large_from_, " rows");
    return;
  }
}

size_t KernelPlan::MemoryBytes() const {
  size_t bytes = walker_->MemoryBytes();
  if (heaps_ != nullptr) bytes += heaps_->MemoryBytes() + bit_slicer_->MemoryBytes();
  return bytes;
}

}  // namespace espalier
