#include "models/forest/predict_in_parts.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "models/base/mutex.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// Trees that a part walks: some tenths of a millisecond, against some hundredths for starting a thread.
constexpr size_t kPartWork = size_t{1} << 18;
// A row's contributions cost about so many walks, its interactions so many.
constexpr size_t kContributionWork = 32;
constexpr size_t kInteractionWork = 512;
// Parts of more rows are multiples of this, which suits kernels that take rows in blocks.
constexpr size_t kBlockRows = 256;

size_t Walks(const PredictOptions& options) {
  // Every part prepares the background anew: it is not to be explained in small ones.
  if (options.background.has_value()) return 1;
  if (options.kind == OutputKind::kInteractions) return kInteractionWork;
  return options.kind == OutputKind::kContributions ? kContributionWork : 1;
}

size_t PartRows(const Forest& forest, const PredictOptions& options) {
  const size_t walks = Walks(options);
  const size_t work = size_t{forest.num_trees()} * walks + forest.num_features() / 8 + 1;
  const size_t rows = kPartWork / work + 1;
  return rows < kBlockRows ? rows : (rows + kBlockRows - 1) / kBlockRows * kBlockRows;
}

// The work of one call, shared by its threads.
template <typename Number>
class Parts {
 public:
  Parts(const Forest& forest, const Rows& rows, const PredictOptions& options, std::span<Number> out,
        size_t part_rows)
      : forest_(forest), rows_(rows), options_(options), out_(out), part_rows_(part_rows) {
    options_.threads = 1;
  }

  // Predicts parts until none is left.
  void Work() noexcept {
    for (size_t begin = next_.fetch_add(part_rows_); begin < rows_.count;
         begin = next_.fetch_add(part_rows_)) {
      const absl::Status status = PredictPart(begin, std::min(part_rows_, rows_.count - begin));
      if (status.ok()) continue;
      MutexLock lock(mutex_);
      status_.Update(status);
      return;
    }
  }

  absl::Status status() {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  absl::Status PredictPart(size_t begin, size_t count) try {
    PredictOptions options = options_;
    const size_t width = out_.size() / rows_.count;
    if (!options.base_margin.empty()) {
      const size_t outputs = forest_.num_outputs();
      options.base_margin = options.base_margin.subspan(begin * outputs, count * outputs);
    }
    const Rows part = {rows_.data + begin * rows_.stride, count, rows_.stride};
    return forest_.Predict(part, options, out_.subspan(begin * width, count * width));
  } catch (const std::bad_alloc&) {
    return Error(absl::StatusCode::kResourceExhausted, "no memory to predict ", count, " rows");
  }

  const Forest& forest_;
  const Rows rows_;
  PredictOptions options_;
  const std::span<Number> out_;
  const size_t part_rows_;
  std::atomic<size_t> next_{0};
  Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

// Starts up to `count` threads that run parts.Work(); fewer where the system has no more.
template <typename Number>
std::vector<std::thread> StartThreads(size_t count, Parts<Number>& parts) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  try {
    while (threads.size() < count) threads.emplace_back([&parts] { parts.Work(); });
  } catch (const std::system_error&) {
    // Those that there are do it all.
  }
  return threads;
}

// Whether `size` elements are rows of `width`.
bool AreRows(size_t size, size_t rows, size_t width) { return size / rows == width && size % rows == 0; }

template <typename Number>
absl::Status Predict(const Forest& forest, const Rows& rows, PredictOptions options, std::span<Number> out) {
  const size_t part_rows = PartRows(forest, options);
  const size_t parts_count = (rows.count + part_rows - 1) / part_rows;
  const size_t threads = std::min<size_t>(options.threads, parts_count);
  options.threads = 1;
  const size_t width = forest.OutputWidth(options.kind, options.iterations);
  // What does not fit is for Predict to refuse.
  const bool fits =
      threads > 1 && AreRows(out.size(), rows.count, width) &&
      (options.base_margin.empty() || AreRows(options.base_margin.size(), rows.count, forest.num_outputs()));
  if (!fits) return forest.Predict(rows, options, out);
  Parts<Number> parts(forest, rows, options, out, part_rows);
  std::vector<std::thread> helpers = StartThreads(threads - 1, parts);
  parts.Work();
  for (std::thread& helper : helpers) helper.join();
  return parts.status();
}

}  // namespace

absl::Status PredictInParts(const Forest& forest, const Rows& rows, const PredictOptions& options,
                            std::span<float> out) {
  return Predict(forest, rows, options, out);
}

absl::Status PredictInParts(const Forest& forest, const Rows& rows, const PredictOptions& options,
                            std::span<double> out) {
  return Predict(forest, rows, options, out);
}

absl::Status PredictInParts(const Forest& forest, const Rows& rows, const PredictOptions& options,
                            std::span<int32_t> out) {
  return Predict(forest, rows, options, out);
}

}  // namespace espalier
