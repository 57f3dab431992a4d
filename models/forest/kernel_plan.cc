#include "models/forest/kernel_plan.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/answer_walker.h"
#include "models/forest/bit_slicer.h"
#include "models/forest/key_walker.h"
#include "models/forest/mask_walker.h"

namespace espalier {
namespace {

// Rows on which walkers are timed, and the bit slicer's smaller and larger block.
constexpr size_t kWalkedRows = 4;
constexpr size_t kSmallBlock = 64;
constexpr size_t kLargeBlock = 256;
constexpr int kRepeats = 2;
constexpr size_t kNever = std::numeric_limits<size_t>::max();
// Forests of more features are not tried: the rows would cost more than the choice is worth.
constexpr uint32_t kMaxSampledFeatures = 4096;

// A small forest may be walked node by node before the answers to its questions are made; larger ones are not
// laid out as nodes to try it.
constexpr uint32_t kMaxTriedTrees = 64;

constexpr std::string_view kInterleavedWalker = "interleaved_walker";
constexpr std::string_view kAnswerWalker = "answer_walker";
constexpr std::string_view kKeyWalker = "key_walker";
constexpr std::string_view kMaskWalker = "mask_walker";
constexpr std::string_view kBitSlicer = "bit_slicer";

// Rows whose values are thresholds and categories of the forest, so that they spread over its leaves; one in
// sixteen is missing.
std::vector<float> SampleRows(const QuestionTable& questions, uint32_t num_features) {
  std::vector<float> rows(kLargeBlock * num_features, 0.0f);
  std::minstd_rand random(1);
  const auto fill = [&](uint32_t feature, const auto& value_of) {
    for (size_t row = 0; row < kLargeBlock; ++row) {
      const uint32_t draw = static_cast<uint32_t>(random());
      rows[row * num_features + feature] = draw % 16 == 0 ? std::nanf("") : value_of(draw / 16);
    }
  };
  for (const QuestionTable::Part& part : questions.parts()) {
    const float* thresholds = questions.thresholds() + part.pivots + QuestionTable::kBucket;
    fill(part.feature, [&](uint32_t draw) { return thresholds[draw % part.count]; });
  }
  for (const QuestionTable::Sets& sets : questions.sets()) {
    fill(sets.feature, [&](uint32_t draw) { return static_cast<float>(draw % (sets.span + 1)); });
  }
  return rows;
}

// Times kernels on sample rows.
class Stopwatch {
 public:
  Stopwatch(const HeapTrees& heaps, const Ensemble& ensemble)
      : sample_(SampleRows(heaps.questions, ensemble.num_features)),
        stride_(ensemble.num_features * sizeof(float)),
        trees_{0, heaps.num_trees()},
        margins_(kLargeBlock * ensemble.num_outputs) {}

  // Seconds for `count` rows: the shortest of a few tries.
  double Time(const Kernel& kernel, size_t count) {
    const Rows rows = {reinterpret_cast<const std::byte*>(sample_.data()), count, stride_};
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < kRepeats; ++i) {
      const auto start = std::chrono::steady_clock::now();
      kernel.AddMargins(rows, trees_, margins_.data());
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      best = std::min(best, taken.count());
    }
    return best;
  }

 private:
  const std::vector<float> sample_;
  const size_t stride_;
  const TreeRange trees_;
  std::vector<float> margins_;
};

}  // namespace

std::vector<std::string_view> KernelPlan::KernelNames() {
  return {kInterleavedWalker, kAnswerWalker, kKeyWalker, kMaskWalker, kBitSlicer};
}

absl::StatusOr<KernelPlan> KernelPlan::Create(const Ensemble& ensemble, std::string_view kernel) {
  KernelPlan plan;
  if (std::optional<HeapTrees> heaps = HeapTrees::Build(ensemble); heaps.has_value()) {
    plan.heaps_ = std::make_unique<const HeapTrees>(*std::move(heaps));
    plan.heap_nodes_ =
        std::make_unique<const HeapNodes>(*plan.heaps_, ensemble.num_features, ensemble.num_outputs);
    plan.answer_walker_ = MakeAnswerWalker(*plan.heaps_, ensemble.num_outputs);
    plan.key_walker_ = MakeKeyWalker(*plan.heaps_, ensemble.num_features, ensemble.num_outputs);
    plan.mask_walker_ = MakeMaskWalker(*plan.heaps_, ensemble.num_outputs);
    plan.bit_slicer_ = MakeBitSlicer(*plan.heaps_, ensemble.num_outputs);
    plan.Use(*plan.answer_walker_);
  } else {
    // Whatever contradicts itself ends up here too.
    ESPALIER_RETURN_IF_ERROR(plan.LayOutNodes(ensemble));
    plan.Use(*plan.nodes_->walker);
  }
  if (!kernel.empty()) {
    ESPALIER_RETURN_IF_ERROR(plan.Force(ensemble, kernel));
  } else if (plan.heaps_ != nullptr && ensemble.num_features <= kMaxSampledFeatures) {
    plan.Choose(ensemble);
  }
  if (plan.small_ != plan.key_walker_.get()) plan.key_walker_.reset();
  if (plan.small_ != plan.mask_walker_.get()) plan.mask_walker_.reset();
  return plan;
}

absl::Status KernelPlan::LayOutNodes(const Ensemble& ensemble) {
  ESPALIER_ASSIGN_OR_RETURN(AnyNodeTable table, BuildNodeTable(ensemble));
  nodes_ = std::make_unique<const WalkedNodes>(std::move(table), ensemble.num_outputs);
  return absl::OkStatus();
}

void KernelPlan::Use(const Kernel& kernel) {
  small_ = large_ = &kernel;
  large_from_ = kNever;
  description_ = kernel.Name();
}

absl::Status KernelPlan::Force(const Ensemble& ensemble, std::string_view name) {
  const std::vector<std::string_view> names = KernelNames();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return InvalidArgument(
        "kernel \"", name,
        "\" is none of interleaved_walker, answer_walker, key_walker, mask_walker, bit_slicer");
  }
  if (name == kInterleavedWalker) {
    if (nodes_ == nullptr) ESPALIER_RETURN_IF_ERROR(LayOutNodes(ensemble));
    Use(*nodes_->walker);
    return absl::OkStatus();
  }
  const Kernel* kernel = name == kAnswerWalker ? answer_walker_.get()
                         : name == kKeyWalker  ? key_walker_.get()
                         : name == kMaskWalker ? mask_walker_.get()
                                               : bit_slicer_.get();
  if (kernel == nullptr) {
    return Error(absl::StatusCode::kFailedPrecondition, "kernel ", name,
                 " cannot take this forest on this processor");
  }
  Use(*kernel);
  return absl::OkStatus();
}

void KernelPlan::Choose(const Ensemble& ensemble) {
  Stopwatch stopwatch(*heaps_, ensemble);
  // What is good as nodes is known; what is not has no heaps.
  if (heaps_->num_trees() <= kMaxTriedTrees && !LayOutNodes(ensemble).ok()) return;
  double row = std::numeric_limits<double>::infinity();
  for (const Kernel* walker :
       {answer_walker_.get(), key_walker_.get(), mask_walker_.get(),
        nodes_ == nullptr ? nullptr : static_cast<const Kernel*>(nodes_->walker.get())}) {
    if (walker == nullptr) continue;
    const double time = stopwatch.Time(*walker, kWalkedRows) / kWalkedRows;
    if (time < row) Use(*walker);
    row = std::min(row, time);
  }
  if (nodes_ != nullptr && small_ != nodes_->walker.get()) nodes_.reset();
  // A block costs the slicer about the same however many of its rows are in use.
  for (const size_t block : {kSmallBlock, kLargeBlock}) {
    const double rows = std::ceil(stopwatch.Time(*bit_slicer_, block) / row);
    if (rows > static_cast<double>(block)) continue;
    large_ = bit_slicer_.get();
    large_from_ = static_cast<size_t>(rows);
    description_ = StrCat(description_, "; ", large_->Name(), " from ", large_from_, " rows");
    return;
  }
}

uint32_t KernelPlan::max_depth() const {
  if (heaps_ != nullptr) return heaps_->max_depth;
  return std::visit([](const auto& nodes) { return nodes.max_depth; }, nodes_->table);
}

bool KernelPlan::HasLeafVectors() const {
  return heaps_ == nullptr &&
         std::visit([](const auto& nodes) { return nodes.HasLeafVectors(); }, nodes_->table);
}

size_t KernelPlan::MemoryBytes() const {
  size_t bytes = nodes_ != nullptr ? nodes_->MemoryBytes() : 0;
  if (heaps_ != nullptr) bytes += heaps_->MemoryBytes() + heap_nodes_->MemoryBytes();
  if (key_walker_ != nullptr) bytes += key_walker_->MemoryBytes();
  if (mask_walker_ != nullptr) bytes += mask_walker_->MemoryBytes();
  return bytes;
}

}  // namespace espalier
