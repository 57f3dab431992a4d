// The rows of a request as the chosen version's forest eats them.
//
// A single two-dimensional FP32 tensor is used where it lies in the message; anything else (one tensor per
// feature, other datatypes) is gathered into a matrix that is reused from request to request. Not
// thread-safe; one a request thread.
#ifndef ESPALIER_SERVICES_FRONT_ROW_MATRIX_H_
#define ESPALIER_SERVICES_FRONT_ROW_MATRIX_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "models/forest/forest.h"
#include "models/repository/model_catalog.h"
#include "services/front/infer_request.h"

namespace espalier {

// How the inputs of one request are to be read.
struct RowRules {
  uint64_t max_rows = 1'000'000;
  // Columns that may be present though the chosen version does not use them; null: none.
  const absl::flat_hash_set<std::string>* reachable_columns = nullptr;
  // One matrix is refused, because the variants that could answer differ in their features.
  bool by_name_only = false;
};

class RowMatrix {
 public:
  // INVALID_ARGUMENT, naming the tensor or column, for shapes, sizes, datatypes and columns that do not fit
  // `version`; RESOURCE_EXHAUSTED above `rules.max_rows`. Views of `request`'s bytes are kept until the next
  // call.
  absl::Status Assemble(const InferRequest& request, const LoadedModel& version, const RowRules& rules);

  // Gives back what a large request made grow.
  void Trim();

  const Rows& rows() const { return rows_; }
  // Empty, or rows().count * num_outputs() elements.
  std::span<const float> base_margin() const { return base_margin_; }
  // The rows as bytes, row-major without gaps.
  std::span<const std::byte> bytes() const { return {rows_.data, rows_.count * rows_.stride}; }

 private:
  absl::Status UseMatrix(const InferRequest& request, const InferTensor& tensor, const LoadedModel& version,
                         const RowRules& rules);
  absl::Status GatherColumns(const InferRequest& request, const InferTensor* margin,
                             const LoadedModel& version, const RowRules& rules);
  absl::Status PlaceColumns(const InferRequest& request, const InferTensor* margin,
                            const LoadedModel& version, const RowRules& rules);
  absl::Status UseBaseMargin(const InferRequest& request, const InferTensor& tensor,
                             const LoadedModel& version);

  Rows rows_;
  std::span<const float> base_margin_;
  std::vector<float> matrix_;
  std::vector<float> margin_;
  // The tensor of each column, or null while none was seen.
  std::vector<const InferTensor*> columns_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_ROW_MATRIX_H_
