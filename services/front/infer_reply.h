// Encodes a ModelInferResponse straight into the transport's buffer.
#ifndef ESPALIER_SERVICES_FRONT_INFER_REPLY_H_
#define ESPALIER_SERVICES_FRONT_INFER_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "services/front/infer_outputs.h"

namespace espalier {

// Where a reply goes.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  // A buffer of exactly `size` bytes, which is filled before the call that asked for it returns.
  virtual std::byte* Allocate(size_t size) = 0;
};

// What a reply says beside its tensors.
struct InferReply {
  std::string_view model_name;
  std::string_view model_version;
  std::string_view id;
  // Empty when no experiment took part.
  std::string_view experiment;
  std::string_view variant;
  uint64_t event_id = 0;
  // Tensors as raw_output_contents, rather than typed contents.
  bool raw = true;
};

// Not thread-safe; one a request thread, whose buffers are reused.
class InferReplyEncoder {
 public:
  void Encode(const InferReply& reply, std::span<const OutputTensor> tensors, ReplySink& sink);

 private:
  void AddParameter(std::string_view name, std::string_view value);
  void AddTensor(const OutputTensor& tensor, bool typed);

  std::string head_;
  std::string scratch_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_INFER_REPLY_H_
