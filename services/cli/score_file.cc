#include "services/cli/score_file.h"

#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "models/base/status_macros.h"

namespace espalier {
namespace {

struct ScoredPart {
  absl::Status status;
  size_t input_bytes = 0;
  size_t rows = 0;
  std::string output;
};

template <typename Number, typename Predict>
absl::Status Score(const Predict& predict, size_t width, const Rows& rows, const TableWriter& writer,
                   ScoredPart& part) {
  std::vector<Number> out(rows.count * width);
  ESPALIER_RETURN_IF_ERROR(predict(rows, std::span<Number>(out)));
  part.rows = rows.count;
  part.output = writer.Encode(std::span<const Number>(out));
  return absl::OkStatus();
}

absl::Status ReadAndScore(const ScorePlan& plan, const RowSource& source, const RowPart& input,
                          const TableWriter& writer, ScoredPart& part) {
  part.input_bytes = input.bytes.size();
  std::vector<float> values;
  ESPALIER_ASSIGN_OR_RETURN(const Rows rows, source.Read(input, values));
  if (plan.integers) return Score<int32_t>(plan.predict_integers, plan.width, rows, writer, part);
  if (plan.doubles) return Score<double>(plan.predict_doubles, plan.width, rows, writer, part);
  return Score<float>(plan.predict, plan.width, rows, writer, part);
}

// What has come out of the pipeline, in the order of the input.
class Tally {
 public:
  Tally(const ScorePlan& plan, TableWriter& writer) : plan_(plan), writer_(writer) {}

  bool failed() const { return failed_.load(std::memory_order_relaxed); }

  void Add(const ScoredPart& part) {
    if (!status_.ok()) return;
    status_ = part.status.ok() ? writer_.Append(part.output) : part.status;
    failed_ = !status_.ok();
    rows_ += part.rows;
    bytes_ += part.input_bytes;
    if (status_.ok() && plan_.on_progress) plan_.on_progress(rows_, bytes_);
  }

  absl::StatusOr<uint64_t> Result() const {
    if (!status_.ok()) return status_;
    return rows_;
  }

 private:
  const ScorePlan& plan_;
  TableWriter& writer_;
  absl::Status status_;
  uint64_t rows_ = 0;
  size_t bytes_ = 0;
  std::atomic<bool> failed_{false};
};

}  // namespace

absl::StatusOr<uint64_t> ScoreFile(const ScorePlan& plan, RowSource& source, TableWriter& writer) {
  Tally tally(plan, writer);
  const auto cut = [&](tbb::flow_control& control) {
    const RowPart part = tally.failed() ? RowPart{} : source.Next(plan.part_rows);
    if (part.bytes.empty()) control.stop();
    return part;
  };
  const auto score = [&](const RowPart& part) {
    ScoredPart scored;
    scored.status = ReadAndScore(plan, source, part, writer, scored);
    return scored;
  };
  const auto write = [&](const ScoredPart& part) { tally.Add(part); };
  tbb::task_arena arena(static_cast<int>(plan.threads));
  arena.execute([&] {
    tbb::parallel_pipeline(size_t{2} * plan.threads,
                           tbb::make_filter<void, RowPart>(tbb::filter_mode::serial_in_order, cut) &
                               tbb::make_filter<RowPart, ScoredPart>(tbb::filter_mode::parallel, score) &
                               tbb::make_filter<ScoredPart, void>(tbb::filter_mode::serial_in_order, write));
  });
  return tally.Result();
}

}  // namespace espalier
