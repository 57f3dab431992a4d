// The assignment for C++17 applications: espalier/assign.h with lifetimes, and with values instead of codes.
//
//   auto experiments = espalier::embedded::Experiments::Load("experiments");
//   if (!experiments.ok()) return Report(experiments.status().message());
//   espalier::embedded::Request request;
//   request.model = "flight-delay";
//   request.unit = "N12345";
//   request.attributes = {{"origin", "JFK"}, {"passengers", 180}};
//   auto assignment = experiments->Assign(request);
//   if (assignment.ok() && assignment->routed()) Predict(assignment->version());
//
// Header only: what the library exports is the C interface, so the compiler, the standard library and the
// Abseil of an application need not be those of espalier. Nothing here throws but std::bad_alloc. Experiments
// are immutable, cheap to copy (copies share them) and safe to use from any number of threads; to take a new
// file, load it and put the new Experiments in the place of the old ones.
#ifndef ESPALIER_ASSIGN_HPP_
#define ESPALIER_ASSIGN_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "espalier/assign.h"
#include "espalier/status.hpp"

namespace espalier::embedded {

// A name and a text, number, bool or list of texts, which are the caller's. The name ends with a zero byte.
class Attribute {
 public:
  Attribute(const char* name, std::string_view text) : Attribute(ESPALIER_TEXT, name) {
    // An empty view may point anywhere.
    c_.text = text.empty() ? "" : text.data();
    c_.text_size = text.size();
  }
  Attribute(const char* name, const char* text) : Attribute(name, std::string_view(text)) {}
  Attribute(const char* name, const std::string& text) : Attribute(name, std::string_view(text)) {}
  Attribute(const char* name, const std::vector<const char*>& texts) : Attribute(ESPALIER_TEXTS, name) {
    c_.texts = texts.data();
    c_.num_texts = texts.size();
  }
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
  Attribute(const char* name, T value) : Attribute(TypeOf<T>(), name) {
    if constexpr (std::is_floating_point_v<T>) {
      c_.number = value;
    } else {
      c_.integer = static_cast<int64_t>(value);
    }
  }

  const espalier_attribute& c() const { return c_; }

 private:
  Attribute(int type, const char* name) {
    c_.name = name;
    c_.type = type;
  }

  template <typename T>
  static constexpr int TypeOf() {
    if (std::is_same_v<T, bool>) return ESPALIER_BOOLEAN;
    return std::is_floating_point_v<T> ? ESPALIER_NUMBER : ESPALIER_INTEGER;
  }

  espalier_attribute c_ = {};
};
static_assert(sizeof(Attribute) == sizeof(espalier_attribute), "a vector of one is an array of the other");

// What the fields mean: espalier_request. The views are the caller's.
struct Request {
  std::string model;
  std::string_view unit;
  std::string_view request_id;
  uint64_t event_id = 0;
  int64_t now_micros = 0;
  std::string_view attributes_json;
  std::vector<Attribute> attributes;
};

// What became of an assignment: espalier_answer.
struct Answer {
  bool served_control = false;
  uint32_t status = 0;
  uint32_t rows = 0;
  uint32_t latency_micros = 0;
  std::string sha256;
  std::vector<float> scores;
  std::vector<float> features;
};

// A value; its views live as long as it does.
class Assignment {
 public:
  // Whether an experiment concerns the model. If not, there is no variant.
  bool routed() const { return c_.variant != nullptr; }
  // Whether the unit takes part, so that an exposure is to be logged.
  bool enrolled() const { return c_.enrolled != 0; }
  // "" and 0 when not routed.
  std::string_view variant() const { return View(c_.variant); }
  int64_t version() const { return c_.version; }
  // "" when not enrolled.
  std::string_view experiment() const { return View(c_.experiment); }
  // "hash", "not enrolled: coverage", ...
  std::string_view reason() const { return View(c_.reason); }
  // Nothing when there is no unit, or no layer.
  std::optional<uint32_t> bucket() const { return Slot(c_.bucket); }
  std::optional<uint32_t> layer_slot() const { return Slot(c_.layer_slot); }
  std::string_view unit() const { return {c_.unit, c_.unit_size}; }
  uint32_t config_version() const { return c_.config_version; }
  uint64_t event_id() const { return c_.event_id; }

  // The exposure as a line of JSON, for an enrolled unit with an event id.
  Result<std::string> ExposureJson(const Answer& answer = {}) const {
    espalier_answer c = {};
    c.struct_size = sizeof(c);
    c.served_control = answer.served_control ? 1 : 0;
    c.status = answer.status;
    c.rows = answer.rows;
    c.latency_micros = answer.latency_micros;
    c.sha256 = answer.sha256.c_str();
    c.scores = answer.scores.data();
    c.num_scores = answer.scores.size();
    c.features = answer.features.data();
    c.num_features = answer.features.size();
    std::string line(1024, '\0');
    size_t size = 0;
    espalier_status code = espalier_exposure_json(&c_, &c, &line[0], line.size(), &size);
    if (code == ESPALIER_OUT_OF_RANGE) {
      line.resize(size + 1);
      code = espalier_exposure_json(&c_, &c, &line[0], line.size(), &size);
    }
    if (code != ESPALIER_OK) return Status::Of(code, espalier_assign_error());
    line.resize(size);
    return line;
  }

  // For what the C interface has beyond this class.
  const espalier_assignment& c() const { return c_; }

 private:
  friend class Experiments;

  explicit Assignment(std::shared_ptr<espalier_experiments> experiments)
      : experiments_(std::move(experiments)) {
    c_.struct_size = sizeof(c_);
  }

  static std::string_view View(const char* text) { return text == nullptr ? std::string_view() : text; }
  static std::optional<uint32_t> Slot(int32_t slot) {
    return slot < 0 ? std::nullopt : std::optional<uint32_t>(static_cast<uint32_t>(slot));
  }

  // Keeps the texts alive.
  std::shared_ptr<espalier_experiments> experiments_;
  espalier_assignment c_ = {};
};

class Experiments {
 public:
  // Of a file or a directory.
  static Result<Experiments> Load(const std::string& path) {
    espalier_experiments* experiments = nullptr;
    const espalier_status code = espalier_experiments_load(path.c_str(), &experiments);
    return Take(code, experiments);
  }
  // `name` stands for the file in errors; when it ends in ".json", the text is JSON.
  static Result<Experiments> LoadMemory(std::string_view text, const std::string& name) {
    espalier_experiments* experiments = nullptr;
    const char* const bytes = text.empty() ? "" : text.data();
    const espalier_status code =
        espalier_experiments_load_memory(bytes, text.size(), name.c_str(), &experiments);
    return Take(code, experiments);
  }

  // How many there are, in whatever state; `Describe` counts them by key.
  size_t size() const { return espalier_experiments_count(experiments_.get()); }
  Result<espalier_experiment_info> Describe(size_t index) const {
    espalier_experiment_info info = {};
    info.struct_size = sizeof(info);
    const espalier_status code = espalier_experiments_describe(experiments_.get(), index, &info);
    if (code != ESPALIER_OK) return Status::Of(code, espalier_assign_error());
    return info;
  }

  Result<Assignment> Assign(const Request& request) const {
    espalier_request c = {};
    c.struct_size = sizeof(c);
    c.model = request.model.c_str();
    SetText(request.unit, c.unit, c.unit_size);
    SetText(request.request_id, c.request_id, c.request_id_size);
    c.event_id = request.event_id;
    c.now_micros = request.now_micros;
    SetText(request.attributes_json, c.attributes_json, c.attributes_json_size);
    c.attributes = request.attributes.empty() ? nullptr : &request.attributes.front().c();
    c.num_attributes = request.attributes.size();
    Assignment assignment(experiments_);
    const espalier_status code = espalier_experiments_assign(experiments_.get(), &c, &assignment.c_);
    if (code != ESPALIER_OK) return Status::Of(code, espalier_assign_error());
    return assignment;
  }

  // For what the C interface has beyond this class; lives as long as the last copy of these experiments.
  const espalier_experiments* c() const { return experiments_.get(); }

 private:
  explicit Experiments(espalier_experiments* experiments)
      : experiments_(experiments, espalier_experiments_free) {}

  static Result<Experiments> Take(espalier_status code, espalier_experiments* loaded) {
    if (code != ESPALIER_OK) return Status::Of(code, espalier_assign_error());
    return Experiments(loaded);
  }

  static void SetText(std::string_view text, const char*& data, size_t& size) {
    data = text.empty() ? nullptr : text.data();
    size = text.size();
  }

  std::shared_ptr<espalier_experiments> experiments_;
};

// Makes the event ids of one process; any number of threads may use it.
class EventIds {
 public:
  // `front` and `last_id`: espalier_event_ids_create.
  static Result<EventIds> Create(uint32_t front, uint64_t last_id = 0) {
    espalier_event_ids* ids = nullptr;
    const espalier_status code = espalier_event_ids_create(front, last_id, &ids);
    if (code != ESPALIER_OK) return Status::Of(code, espalier_assign_error());
    return EventIds(ids);
  }

  // The next one; 0: by the system's clock.
  uint64_t Next(int64_t now_micros = 0) const {
    uint64_t id = 0;
    // Fails for NULL only.
    (void)espalier_event_ids_next(ids_.get(), now_micros, &id);
    return id;
  }

 private:
  explicit EventIds(espalier_event_ids* ids) : ids_(ids, espalier_event_ids_free) {}

  std::shared_ptr<espalier_event_ids> ids_;
};

}  // namespace espalier::embedded

#endif  // ESPALIER_ASSIGN_HPP_
