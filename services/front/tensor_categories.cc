#include "services/front/tensor_categories.h"

#include <cstring>
#include <optional>
#include <string_view>

#include "absl/strings/escaping.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/front/wire.h"

namespace espalier {
namespace {

constexpr uint32_t kBytesContents = 8;
constexpr size_t kQuotedBytes = 64;

// Takes one name after another.
class CodeSink {
 public:
  CodeSink(const InferTensor& tensor, uint64_t count, const CategoryNames& names, uint32_t feature,
           float* out, size_t stride)
      : tensor_(tensor), count_(count), names_(names), feature_(feature), out_(out), stride_(stride) {}

  absl::Status Add(std::string_view name) {
    if (row_ == count_) return WrongCount("more");
    const std::optional<float> value = names_.Value(feature_, name);
    if (!value.has_value()) {
      return InvalidArgument("input '", tensor_.name, "' row ", row_, ": category \"",
                             absl::Utf8SafeCHexEscape(ToAbsl(name.substr(0, kQuotedBytes))),
                             "\" is none that the model was trained on");
    }
    out_[stride_ * row_++] = *value;
    return absl::OkStatus();
  }

  absl::Status Finish() const { return row_ == count_ ? absl::OkStatus() : WrongCount("fewer"); }

 private:
  absl::Status WrongCount(std::string_view what) const {
    return InvalidArgument("input '", tensor_.name, "': the shape needs ", count_, " elements, there are ",
                           what);
  }

  const InferTensor& tensor_;
  const uint64_t count_;
  const CategoryNames& names_;
  const uint32_t feature_;
  float* const out_;
  const size_t stride_;
  uint64_t row_ = 0;
};

// Each element is its length (32 bits, little-endian) and its bytes.
absl::Status AddRaw(const InferTensor& tensor, CodeSink& sink) {
  std::string_view rest = tensor.raw;
  while (!rest.empty()) {
    uint32_t size = 0;
    if (rest.size() >= sizeof(size)) std::memcpy(&size, rest.data(), sizeof(size));
    if (rest.size() < sizeof(size) || size > rest.size() - sizeof(size)) {
      return InvalidArgument("input '", tensor.name, "': raw contents end inside of an element");
    }
    ESPALIER_RETURN_IF_ERROR(sink.Add(rest.substr(sizeof(size), size)));
    rest.remove_prefix(sizeof(size) + size);
  }
  return absl::OkStatus();
}

absl::Status AddContents(const InferTensor& tensor, CodeSink& sink) {
  WireReader reader(tensor.contents);
  while (reader.Next()) {
    if (reader.field() > kBytesContents) continue;
    if (!reader.Is(kBytesContents, WireType::kBytes)) {
      return InvalidArgument("input '", tensor.name, "': only bytes_contents belong to datatype BYTES");
    }
    ESPALIER_RETURN_IF_ERROR(sink.Add(reader.bytes()));
  }
  return reader.ok() ? absl::OkStatus()
                     : InvalidArgument("input '", tensor.name, "': contents are malformed");
}

}  // namespace

uint64_t SmallestBytesPayload(uint64_t count, bool raw) { return count * (raw ? sizeof(uint32_t) : 2); }

absl::Status ReadCategories(const InferTensor& tensor, uint64_t count, bool raw, const CategoryNames& names,
                            uint32_t feature, float* out, size_t stride) {
  if (!names.Has(feature)) {
    return InvalidArgument(
        "input '", tensor.name,
        "': datatype BYTES needs a model that holds the names of its categories; this one takes "
        "numbers (category codes)");
  }
  CodeSink sink(tensor, count, names, feature, out, stride);
  ESPALIER_RETURN_IF_ERROR(raw ? AddRaw(tensor, sink) : AddContents(tensor, sink));
  return sink.Finish();
}

}  // namespace espalier
