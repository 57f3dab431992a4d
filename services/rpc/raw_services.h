// The services with their requests and replies as bytes.
//
// gRPC would answer a request that is no message of its type with INTERNAL, before the server sees it: what
// is malformed is the client's fault, and the server says so (unary_call.h). Inference reads its bytes in
// place.
#ifndef ESPALIER_SERVICES_RPC_RAW_SERVICES_H_
#define ESPALIER_SERVICES_RPC_RAW_SERVICES_H_

#include "proto/espalier/v1/outcomes.grpc.pb.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "proto/inference/inference.grpc.pb.h"

namespace espalier {
namespace raw_services_internal {

// Second<First<Base>>, and so on.
template <typename Base, template <typename> class... Layers>
struct Stacked {
  using Type = Base;
};
template <typename Base, template <typename> class First, template <typename> class... Rest>
struct Stacked<Base, First, Rest...> {
  using Type = typename Stacked<First<Base>, Rest...>::Type;
};

using Inference = inference::GRPCInferenceService;

}  // namespace raw_services_internal

using RawInferenceService = raw_services_internal::Stacked<
    raw_services_internal::Inference::AsyncService,
    raw_services_internal::Inference::WithRawMethod_ServerLive,
    raw_services_internal::Inference::WithRawMethod_ServerReady,
    raw_services_internal::Inference::WithRawMethod_ModelReady,
    raw_services_internal::Inference::WithRawMethod_ServerMetadata,
    raw_services_internal::Inference::WithRawMethod_ModelMetadata,
    raw_services_internal::Inference::WithRawMethod_ModelInfer,
    raw_services_internal::Inference::WithRawMethod_ModelStreamInfer,
    raw_services_internal::Inference::WithRawMethod_ModelConfig,
    raw_services_internal::Inference::WithRawMethod_ModelStatistics,
    raw_services_internal::Inference::WithRawMethod_RepositoryIndex,
    raw_services_internal::Inference::WithRawMethod_RepositoryModelLoad,
    raw_services_internal::Inference::WithRawMethod_RepositoryModelUnload,
    raw_services_internal::Inference::WithRawMethod_SystemSharedMemoryStatus,
    raw_services_internal::Inference::WithRawMethod_SystemSharedMemoryRegister,
    raw_services_internal::Inference::WithRawMethod_SystemSharedMemoryUnregister,
    raw_services_internal::Inference::WithRawMethod_CudaSharedMemoryStatus,
    raw_services_internal::Inference::WithRawMethod_CudaSharedMemoryRegister,
    raw_services_internal::Inference::WithRawMethod_CudaSharedMemoryUnregister,
    raw_services_internal::Inference::WithRawMethod_TraceSetting,
    raw_services_internal::Inference::WithRawMethod_LogSettings>::Type;

using RawOutcomesService = espalier::v1::Outcomes::WithRawMethod_Report<espalier::v1::Outcomes::AsyncService>;

// Watch is as gRPC makes it.
using RawHealthService =
    grpc::health::v1::Health::WithRawMethod_Check<grpc::health::v1::Health::AsyncService>;

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_RAW_SERVICES_H_
