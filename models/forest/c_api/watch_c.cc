// The C interface to a directory that is followed: a ModelManager over a builder that prepares handles.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "espalier/watch.h"
#include "models/base/caller_struct.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/c_api/forest_handle.h"
#include "models/forest/c_api/guarded_call.h"
#include "models/forest/c_api/watch_changes.h"
#include "models/repository/model_manager.h"
#include "models/repository/warm_up.h"

namespace espalier {
namespace {

// What the struct had in the first version.
constexpr size_t kFirstOptionsSize =
    offsetof(espalier_watch_options, context) + sizeof(espalier_watch_options::context);

// A version, and what its handles point at.
struct EmbeddedModel final : LoadedModel {
  DescribedForest described;
};

class EmbeddedModelBuilder final : public PlainModelBuilder {
 public:
  using PlainModelBuilder::PlainModelBuilder;

  absl::StatusOr<ModelHandle> Build(const VersionSource& source, ModelBytes bytes,
                                    const ModelRules& /*rules*/) const override {
    auto model = std::make_shared<EmbeddedModel>();
    ESPALIER_RETURN_IF_ERROR(LoadVersion(source, std::move(bytes), *model));
    ESPALIER_RETURN_IF_ERROR(WarmUp(*model->forest, OutputKind::kValue, {}));
    model->described = DescribedForest(model->forest);
    model->described.model_version = model->version;
    model->described.sha256 = model->sha256;
    return model;
  }
};

}  // namespace
}  // namespace espalier

struct espalier_watch {
  espalier_watch_options options = {};
  // Touched by publishers only, who take turns.
  std::shared_ptr<const espalier::ModelCatalog> told;
  // Last, so that it dies first: its thread uses the rest.
  std::unique_ptr<espalier::ModelManager> manager;

  void Tell(int32_t kind, const std::string& model, int64_t version, const std::string& text) const {
    if (options.on_event == nullptr) return;
    espalier_watch_event event = {};
    event.struct_size = sizeof(event);
    event.kind = kind;
    event.version = version;
    event.model = model.c_str();
    event.text = text.c_str();
    options.on_event(options.context, &event);
  }

  void TellChanges() {
    std::shared_ptr<const espalier::ModelCatalog> now = manager->catalog().Get();
    for (const espalier::WatchChange& change : espalier::ChangesBetween(*told, *now)) {
      Tell(change.kind, change.model, change.version, change.text);
    }
    told = std::move(now);
  }
};

namespace espalier {
namespace {

bool IsTold(LogLevel level, std::string_view line) {
  // A refusal is an event of its own.
  return level != LogLevel::kInfo && !line.starts_with("model_version_refused");
}

ModelManager::Options ManagerOptions(const char* directory, espalier_watch& watch) {
  VersionPolicy policy;
  if (watch.options.latest != 0) {
    policy = {.kind = VersionPolicy::Kind::kLatest, .latest = watch.options.latest};
  }
  ModelManager::Options options{.directory = directory,
                                .builder = std::make_shared<const EmbeddedModelBuilder>(std::move(policy))};
  if (watch.options.poll_millis != 0) options.poll_millis = watch.options.poll_millis;
  options.on_load = [&watch](std::string_view model, int64_t version, const absl::Status& result) {
    if (result.ok()) return;
    watch.Tell(ESPALIER_WATCH_REFUSED, std::string(model), version, std::string(Message(result)));
  };
  options.log = [&watch](LogLevel level, std::string_view line) {
    if (IsTold(level, line)) watch.Tell(ESPALIER_WATCH_WARNING, "", 0, std::string(line));
  };
  return options;
}

absl::StatusOr<std::unique_ptr<espalier_watch>> OpenWatch(const char* directory,
                                                          const espalier_watch_options* options) {
  if (directory == nullptr) return InvalidArgument("directory is NULL");
  auto watch = std::make_unique<espalier_watch>();
  if (options != nullptr) {
    ESPALIER_ASSIGN_OR_RETURN(watch->options, CopyIn("espalier_watch_options", options, kFirstOptionsSize));
  }
  if (watch->options.manual > 1) {
    return InvalidArgument("espalier_watch_options.manual is ", watch->options.manual, ", must be 0 or 1");
  }
  ESPALIER_ASSIGN_OR_RETURN(watch->manager, ModelManager::Create(ManagerOptions(directory, *watch)));
  watch->told = watch->manager->catalog().Get();
  watch->manager->catalog().OnPublish([raw = watch.get()] { raw->TellChanges(); });
  watch->manager->Poll();
  if (watch->options.manual == 0) watch->manager->Start();
  return watch;
}

absl::Status GetForest(const espalier_watch* watch, const char* model, const char* version,
                       espalier_forest** forest) {
  if (forest == nullptr) return InvalidArgument("forest is NULL");
  *forest = nullptr;
  if (watch == nullptr) return InvalidArgument("watch is NULL");
  if (model == nullptr) return InvalidArgument("model is NULL");
  const std::shared_ptr<const ModelCatalog> catalog = watch->manager->catalog().Get();
  const CatalogModel* const found = catalog->Find(model);
  if (found == nullptr) {
    return Error(absl::StatusCode::kNotFound, "the directory has no model \"", model, "\"");
  }
  ESPALIER_ASSIGN_OR_RETURN(const ModelHandle* handle, found->Resolve(version == nullptr ? "" : version));
  const DescribedForest& described = static_cast<const EmbeddedModel&>(**handle).described;
  auto result = std::make_unique<espalier_forest>();
  result->described = {*handle, &described};
  *forest = result.release();
  return absl::OkStatus();
}

}  // namespace
}  // namespace espalier

espalier_status espalier_watch_open(const char* directory, const espalier_watch_options* options,
                                    espalier_watch** watch) {
  return espalier::Guarded([&]() -> absl::Status {
    if (watch == nullptr) return espalier::InvalidArgument("watch is NULL");
    *watch = nullptr;
    ESPALIER_ASSIGN_OR_RETURN(std::unique_ptr<espalier_watch> opened,
                              espalier::OpenWatch(directory, options));
    *watch = opened.release();
    return absl::OkStatus();
  });
}

espalier_status espalier_watch_poll(espalier_watch* watch) {
  return espalier::Guarded([&]() -> absl::Status {
    if (watch == nullptr) return espalier::InvalidArgument("watch is NULL");
    watch->manager->Poll();
    return absl::OkStatus();
  });
}

espalier_status espalier_watch_get(const espalier_watch* watch, const char* model, const char* version,
                                   espalier_forest** forest) {
  return espalier::Guarded([&] { return espalier::GetForest(watch, model, version, forest); });
}

void espalier_watch_close(espalier_watch* watch) { delete watch; }
