#include "models/repository/version_loader.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "models/base/file.h"
#include "models/base/sha256.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/read_ensemble.h"

namespace espalier {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMaxLineageBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxChecksumBytes = 4096;

// What the version says about its origin. It changes no answer, so that a bad one is no reason to refuse.
void ReadLineage(const VersionSource& source, ModelBytes& result) {
  absl::StatusOr<std::string> text =
      ReadFile(absl::StrCat(source.folder, "/", kLineageFile), kMaxLineageBytes);
  if (absl::IsNotFound(text.status())) return;
  const Json json = text.ok() ? Json::parse(*text, nullptr, false) : Json(Json::value_t::discarded);
  if (json.is_discarded()) {
    result.lineage_fault = text.ok() ? "variant.json is not JSON" : Message(text.status());
    return;
  }
  result.lineage = *std::move(text);
  const auto sum = json.is_object() ? json.find("sha256") : json.end();
  if (sum == json.end()) return;
  result.checksums.emplace_back(kLineageFile, sum->is_string() ? sum->get<std::string>() : "no text");
}

void ReadChecksumFile(const VersionSource& source, ModelBytes& result) {
  std::string name = absl::StrCat(source.file, kChecksumSuffix);
  const absl::StatusOr<std::string> text =
      ReadFile(absl::StrCat(source.folder, "/", name), kMaxChecksumBytes);
  if (absl::IsNotFound(text.status())) return;
  result.checksums.emplace_back(std::move(name),
                                text.ok() ? text->substr(0, text->find_first_of(" \t\r\n")) : "unreadable");
}

absl::Status CheckChecksums(const VersionSource& source, const ModelBytes& bytes) {
  for (const auto& [file, sum] : bytes.checksums) {
    if (absl::AsciiStrToLower(sum) == bytes.sha256) continue;
    return Error(absl::StatusCode::kDataLoss, source.file, " has SHA-256 ", bytes.sha256, ", but ", file,
                 " says \"", sum, "\"");
  }
  return absl::OkStatus();
}

absl::flat_hash_map<std::string, uint32_t> IndexFeatures(const Forest& forest) {
  absl::flat_hash_map<std::string, uint32_t> index;
  const std::vector<std::string>& names = forest.feature_names();
  for (size_t i = 0; i < names.size(); ++i) index.emplace(names[i], static_cast<uint32_t>(i));
  return index;
}

absl::StatusOr<std::shared_ptr<const Forest>> CompileBytes(const VersionSource& source, std::string bytes) {
  absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes);
  if (!ensemble.ok()) return Annotate(ensemble.status(), source.file);
  // The file's bytes go before the compiled forest comes.
  bytes = std::string();
  absl::StatusOr<std::shared_ptr<const Forest>> forest = Forest::Compile(*std::move(ensemble));
  if (!forest.ok()) return Annotate(forest.status(), source.file);
  return forest;
}

}  // namespace

std::string ModelBytes::Fingerprint() const {
  std::string print = sha256;
  for (const auto& [file, sum] : checksums) print += StrCat("|", file, "=", sum);
  return print + "|" + lineage;
}

absl::StatusOr<ModelBytes> ReadModelBytes(const VersionSource& source) {
  ModelBytes result;
  ESPALIER_ASSIGN_OR_RETURN(result.bytes, ReadFile(absl::StrCat(source.folder, "/", source.file)));
  result.sha256 = Sha256Hex(result.bytes);
  ReadLineage(source, result);
  ReadChecksumFile(source, result);
  return result;
}

absl::Status LoadVersion(const VersionSource& source, ModelBytes bytes, LoadedModel& model) {
  ESPALIER_RETURN_IF_ERROR(CheckChecksums(source, bytes));
  model.name = source.model;
  model.version = source.version;
  model.version_text = std::to_string(source.version);
  model.sha256 = std::move(bytes.sha256);
  model.lineage = std::move(bytes.lineage);
  ESPALIER_ASSIGN_OR_RETURN(model.forest, CompileBytes(source, std::move(bytes.bytes)));
  model.feature_index = IndexFeatures(*model.forest);
  return absl::OkStatus();
}

}  // namespace espalier
