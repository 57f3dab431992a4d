// What stands on a completion queue: one step of one call.
#ifndef ESPALIER_SERVICES_RPC_CALL_TAG_H_
#define ESPALIER_SERVICES_RPC_CALL_TAG_H_

namespace espalier {

class CallTag {
 public:
  virtual ~CallTag() = default;

  // The operation that carried this tag ended; `ok` as grpc::CompletionQueue::Next gives it. May delete the
  // object.
  virtual void Proceed(bool ok) = 0;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_CALL_TAG_H_
