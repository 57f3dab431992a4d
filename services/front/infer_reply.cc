#include "services/front/infer_reply.h"

#include <charconv>
#include <cstring>

#include "services/front/wire.h"

namespace espalier {
namespace {

// Field numbers of ModelInferResponse and its parts (proto/inference/inference.proto).
namespace response_field {
constexpr uint32_t kModelName = 1, kModelVersion = 2, kId = 3, kParameters = 4, kOutputs = 5, kRaw = 6;
}
namespace tensor_field {
constexpr uint32_t kName = 1, kDatatype = 2, kShape = 3, kContents = 5;
}
constexpr uint32_t kStringParameter = 3;
constexpr uint32_t kIntContents = 2;
constexpr uint32_t kFp32Contents = 6;

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Bytes of int32 elements as packed varints; a negative one takes ten.
size_t PackedSize(std::span<const int32_t> ints) {
  size_t size = 0;
  for (const int32_t value : ints) size += WireWriter::VarintSize(static_cast<uint64_t>(int64_t{value}));
  return size;
}

std::byte* Append(std::byte* to, std::string_view bytes) {
  std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

}  // namespace

void InferReplyEncoder::AddParameter(std::string_view name, std::string_view value) {
  WireWriter writer(head_);
  const size_t inner = WireWriter::BytesSize(value.size());
  writer.Header(response_field::kParameters,
                WireWriter::BytesSize(name.size()) + WireWriter::BytesSize(inner));
  writer.Bytes(1, name);
  writer.Header(2, inner);
  writer.Bytes(kStringParameter, value);
}

void InferReplyEncoder::AddTensor(const OutputTensor& tensor, bool typed) {
  scratch_.clear();
  WireWriter inner(scratch_);
  inner.Bytes(tensor_field::kName, tensor.name);
  inner.Bytes(tensor_field::kDatatype, tensor.datatype());
  size_t shape_bytes = 0;
  for (const int64_t dim : tensor.shape()) shape_bytes += WireWriter::VarintSize(dim);
  inner.Header(tensor_field::kShape, shape_bytes);
  for (const int64_t dim : tensor.shape()) inner.Varint(dim);
  if (typed && tensor.is_int) {
    const size_t packed = PackedSize(tensor.ints);
    inner.Header(tensor_field::kContents, WireWriter::BytesSize(packed));
    inner.Header(kIntContents, packed);
    for (const int32_t value : tensor.ints) inner.Varint(static_cast<uint64_t>(int64_t{value}));
  } else if (typed) {
    inner.Header(tensor_field::kContents, WireWriter::BytesSize(tensor.bytes().size()));
    inner.Bytes(kFp32Contents, AsText(tensor.bytes()));
  }
  WireWriter(head_).Bytes(response_field::kOutputs, scratch_);
}

void InferReplyEncoder::Encode(const InferReply& reply, std::span<const OutputTensor> tensors,
                               ReplySink& sink) {
  head_.clear();
  WireWriter head(head_);
  head.Bytes(response_field::kModelName, reply.model_name);
  head.Bytes(response_field::kModelVersion, reply.model_version);
  if (!reply.id.empty()) head.Bytes(response_field::kId, reply.id);
  if (!reply.experiment.empty()) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof(digits), reply.event_id).ptr;
    AddParameter("espalier_experiment", reply.experiment);
    AddParameter("espalier_variant", reply.variant);
    AddParameter("espalier_event_id", std::string_view(digits, end - digits));
  }
  for (const OutputTensor& tensor : tensors) AddTensor(tensor, !reply.raw);

  size_t total = head_.size();
  if (reply.raw) {
    for (const OutputTensor& tensor : tensors) total += WireWriter::BytesSize(tensor.bytes().size());
  }
  std::byte* to = Append(sink.Allocate(total), head_);
  if (!reply.raw) return;
  for (const OutputTensor& tensor : tensors) {
    scratch_.clear();
    WireWriter(scratch_).Header(response_field::kRaw, tensor.bytes().size());
    to = Append(Append(to, scratch_), AsText(tensor.bytes()));
  }
}

}  // namespace espalier
