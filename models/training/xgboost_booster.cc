#include "models/training/xgboost_booster.h"

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "xgboost/c_api.h"

namespace espalier {
namespace {

// What XGBoost would have printed on this thread: its callback carries no pointer of the caller's.
thread_local std::string* thread_log = nullptr;

void CollectLog(const char* message) {
  if (thread_log != nullptr) thread_log->append(message).push_back('\n');
}

// XGBoost's message is "[12:00:00] file.cc:12: reason\nStack trace:\n..."; the reason may itself have lines.
std::string Reason(std::string_view message) {
  message = message.substr(0, message.find("\nStack trace"));
  if (!message.empty() && message.front() == '[') {
    const size_t position = message.find(": ");
    if (position != std::string_view::npos) message.remove_prefix(position + 2);
  }
  std::string reason(message);
  for (char& c : reason) {
    if (c == '\n') c = ' ';
  }
  while (!reason.empty() && reason.back() == ' ') reason.pop_back();
  return reason;
}

// XGBoost has one code for every failure. All that it is given is the caller's spec and table, so what it
// refuses is an invalid argument, unless memory ran out.
absl::Status Check(int code, std::string_view action) {
  if (code == 0) return absl::OkStatus();
  const std::string reason = Reason(XGBGetLastError());
  const bool no_memory = reason.find("bad_alloc") != std::string::npos;
  return Error(no_memory ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kInvalidArgument,
               "XGBoost cannot ", action, ": ", reason);
}

// XGBoost reads arrays in place, described in the JSON of Python's __array_interface__.
std::string ArrayJson(const float* data, size_t rows, size_t columns) {
  char text[160];
  std::snprintf(text, sizeof text,
                R"({"data":[%)" PRIuPTR
                R"(,true],"shape":[%zu,%zu],"strides":null,"typestr":"<f4","version":3})",
                reinterpret_cast<uintptr_t>(data), rows, columns);
  return text;
}

absl::Status SetColumn(void* matrix, const char* field, const std::vector<float>& values) {
  return Check(
      XGDMatrixSetInfoFromInterface(matrix, field, ArrayJson(values.data(), values.size(), 1).c_str()),
      StrCat("take the column ", field));
}

std::vector<DMatrixHandle> Handles(const std::vector<const XgboostMatrix*>& matrices) {
  std::vector<DMatrixHandle> handles;
  handles.reserve(matrices.size());
  for (const XgboostMatrix* matrix : matrices) handles.push_back(matrix->handle());
  return handles;
}

std::vector<const char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  pointers.reserve(texts.size());
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  return pointers;
}

// Calls `set(field, texts, size)`, one of XGBoost's two setters, with the features' names and types.
template <typename Set>
absl::Status SetFeatures(Set set, const std::vector<std::string>& names,
                         const std::vector<bool>& categorical) {
  std::vector<const char*> types;
  types.reserve(names.size());
  for (const bool is_category : categorical) types.push_back(is_category ? "c" : "float");
  ESPALIER_RETURN_IF_ERROR(
      Check(set("feature_name", Pointers(names).data(), names.size()), "take the features' names"));
  return Check(set("feature_type", types.data(), names.size()), "take the features' types");
}

// "[3]\ttrain-logloss:0.5\tvalid-logloss:0.6".
std::vector<Metric> ParseMetrics(std::string_view line) {
  std::vector<Metric> metrics;
  size_t start = line.find('\t');
  while (start != std::string_view::npos) {
    const size_t end = line.find('\t', start + 1);
    const std::string_view item =
        line.substr(start + 1, end == std::string_view::npos ? end : end - start - 1);
    const size_t colon = item.rfind(':');
    if (colon != std::string_view::npos) {
      metrics.push_back({std::string(item.substr(0, colon)),
                         std::strtod(std::string(item.substr(colon + 1)).c_str(), nullptr)});
    }
    start = end;
  }
  return metrics;
}

}  // namespace

void XgboostMatrix::Free::operator()(void* handle) const { XGDMatrixFree(handle); }

absl::StatusOr<XgboostMatrix> XgboostMatrix::Create(const LabelledRows& rows,
                                                    const std::vector<std::string>& names,
                                                    const std::vector<bool>& categorical, int threads) {
  DMatrixHandle handle = nullptr;
  const std::string config = StrCat(R"({"missing":NaN,"nthread":)", threads, "}");
  const std::string values = ArrayJson(rows.values.data(), rows.rows(), names.size());
  ESPALIER_RETURN_IF_ERROR(
      Check(XGDMatrixCreateFromDense(values.c_str(), config.c_str(), &handle), "take the table"));
  XgboostMatrix matrix(handle);
  const auto set = [handle](const char* field, const char** texts, bst_ulong size) {
    return XGDMatrixSetStrFeatureInfo(handle, field, texts, size);
  };
  ESPALIER_RETURN_IF_ERROR(SetFeatures(set, names, categorical));
  ESPALIER_RETURN_IF_ERROR(SetColumn(handle, "label", rows.labels));
  if (!rows.weights.empty()) ESPALIER_RETURN_IF_ERROR(SetColumn(handle, "weight", rows.weights));
  return matrix;
}

void XgboostBooster::Free::operator()(void* handle) const { XGBoosterFree(handle); }

absl::StatusOr<XgboostBooster> XgboostBooster::Create(const std::vector<const XgboostMatrix*>& matrices) {
  const std::vector<DMatrixHandle> handles = Handles(matrices);
  BoosterHandle handle = nullptr;
  ESPALIER_RETURN_IF_ERROR(Check(XGBoosterCreate(handles.data(), handles.size(), &handle), "start a model"));
  return XgboostBooster(handle);
}

absl::Status XgboostBooster::SetParam(const std::string& name, const std::string& value) {
  return Check(XGBoosterSetParam(handle_.get(), name.c_str(), value.c_str()),
               StrCat("set parameter ", name, "=", value));
}

absl::Status XgboostBooster::NameFeatures(const std::vector<std::string>& names,
                                          const std::vector<bool>& categorical) {
  const auto set = [this](const char* field, const char** texts, bst_ulong size) {
    return XGBoosterSetStrFeatureInfo(handle_.get(), field, texts, size);
  };
  return SetFeatures(set, names, categorical);
}

absl::Status XgboostBooster::SetAttribute(const std::string& name, const std::string& value) {
  return Check(XGBoosterSetAttr(handle_.get(), name.c_str(), value.c_str()), StrCat("set attribute ", name));
}

absl::Status XgboostBooster::Update(int round, const XgboostMatrix& matrix) {
  return Check(XGBoosterUpdateOneIter(handle_.get(), round, matrix.handle()), StrCat("train round ", round));
}

absl::StatusOr<RoundMetrics> XgboostBooster::Evaluate(int round,
                                                      const std::vector<const XgboostMatrix*>& matrices,
                                                      const std::vector<std::string>& names) {
  std::vector<DMatrixHandle> handles = Handles(matrices);
  std::vector<const char*> texts = Pointers(names);
  const char* line = nullptr;
  ESPALIER_RETURN_IF_ERROR(
      Check(XGBoosterEvalOneIter(handle_.get(), round, handles.data(), texts.data(), handles.size(), &line),
            StrCat("evaluate round ", round)));
  return RoundMetrics{round, ParseMetrics(line)};
}

absl::StatusOr<XgboostBooster> XgboostBooster::Slice(int rounds) const {
  BoosterHandle handle = nullptr;
  ESPALIER_RETURN_IF_ERROR(Check(XGBoosterSlice(handle_.get(), 0, rounds, 1, &handle),
                                 StrCat("keep the first ", rounds, " rounds")));
  return XgboostBooster(handle);
}

absl::StatusOr<std::vector<float>> XgboostBooster::Predict(const XgboostMatrix& matrix) const {
  constexpr char kConfig[] =
      R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* values = nullptr;
  ESPALIER_RETURN_IF_ERROR(Check(
      XGBoosterPredictFromDMatrix(handle_.get(), matrix.handle(), kConfig, &shape, &dimensions, &values),
      "predict"));
  size_t size = 1;
  for (bst_ulong i = 0; i < dimensions; ++i) size *= shape[i];
  return std::vector<float>(values, values + size);
}

absl::StatusOr<std::string> XgboostBooster::Save() const {
  bst_ulong size = 0;
  const char* bytes = nullptr;
  ESPALIER_RETURN_IF_ERROR(Check(
      XGBoosterSaveModelToBuffer(handle_.get(), R"({"format":"ubj"})", &size, &bytes), "save the model"));
  return std::string(bytes, size);
}

std::string XgboostVersion() {
  int major = 0, minor = 0, patch = 0;
  XGBoostVersion(&major, &minor, &patch);
  return StrCat(major, ".", minor, ".", patch);
}

XgboostLog::XgboostLog() {
  thread_log = new std::string;
  XGBRegisterLogCallback(&CollectLog);
}

XgboostLog::~XgboostLog() {
  delete thread_log;
  thread_log = nullptr;
}

absl::Status XgboostLog::TakeUnknownParams() {
  const std::string log = std::move(*thread_log);
  thread_log->clear();
  const size_t start = log.find("Parameters: {");
  if (start == std::string::npos) return absl::OkStatus();
  const size_t end = log.find('}', start);
  const std::string names = log.substr(start + 13, end == std::string::npos ? end : end - start - 13);
  return InvalidArgument(
      "XGBoost does not use these parameters:", names.substr(0, names.find_last_not_of(' ') + 1),
      "; they are misspelt, or do not belong to this objective or booster");
}

}  // namespace espalier
