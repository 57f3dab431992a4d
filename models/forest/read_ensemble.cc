#include "models/forest/read_ensemble.h"

#include "models/base/file.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/field_text.h"
#include "models/forest/json_source.h"
#include "models/forest/read_binary_model.h"
#include "models/forest/read_document_model.h"
#include "models/forest/read_lightgbm_model.h"
#include "models/forest/read_sklearn_model.h"
#include "models/forest/ubjson_source.h"

namespace espalier {
namespace {

// UBJSON: after the brace a count, or the type of the length of the first key. JSON: a quote, space or brace.
bool IsUbjson(std::string_view bytes) {
  constexpr std::string_view kAfterBrace = "LlIiU#$N";
  return bytes.size() >= 2 && bytes[0] == '{' && kAfterBrace.find(bytes[1]) != std::string_view::npos;
}

bool IsJson(std::string_view bytes) { return !Trimmed(bytes).empty() && Trimmed(bytes).front() == '{'; }

}  // namespace

absl::StatusOr<Ensemble> ReadEnsemble(std::string_view bytes, const ReadLimits& limits) {
  if (IsLightGbmModel(bytes)) return ReadLightGbmModel(bytes, limits);
  // Before the others, because a base score may look like a brace.
  if (IsBinaryModel(bytes)) return ReadBinaryModel(bytes, limits);
  if (IsUbjson(bytes)) {
    UbjsonSource source(bytes);
    ESPALIER_ASSIGN_OR_RETURN(Ensemble ensemble, ReadDocumentModel(source, limits));
    ensemble.format = "xgboost_ubj";
    return ensemble;
  }
  if (IsSklearnModel(bytes)) return ReadSklearnModel(bytes, limits);
  if (IsJson(bytes)) {
    JsonSource source(bytes);
    ESPALIER_ASSIGN_OR_RETURN(Ensemble ensemble, ReadDocumentModel(source, limits));
    ensemble.format = "xgboost_json";
    return ensemble;
  }
  constexpr std::string_view kAllowed =
      "must be XGBoost's JSON, UBJSON or binary format, LightGBM's text, or JSON of export_sklearn.py";
  if (bytes.empty()) return InvalidArgument("the model is empty: ", kAllowed);
  return InvalidArgument("the model starts with ", Quoted(bytes.substr(0, 8)), ": ", kAllowed);
}

absl::StatusOr<Ensemble> ReadEnsembleFile(const std::string& path, const ReadLimits& limits) {
  ESPALIER_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes, limits);
  if (!ensemble.ok()) return Annotate(ensemble.status(), path);
  return ensemble;
}

}  // namespace espalier
