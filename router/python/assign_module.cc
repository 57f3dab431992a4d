// The module espalier_forest._assign: espalier/assign.hpp for Python. People import espalier_forest.assign.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "espalier/assign.hpp"

namespace espalier::python {
namespace {

namespace nb = nanobind;
using namespace nanobind::literals;
using embedded::Assignment;
using embedded::EventIds;
using embedded::Experiments;
using embedded::Result;

PyObject* ExceptionOf(espalier_status code) {
  switch (code) {
    case ESPALIER_NOT_FOUND:
      return PyExc_FileNotFoundError;
    case ESPALIER_PERMISSION_DENIED:
      return PyExc_PermissionError;
    case ESPALIER_RESOURCE_EXHAUSTED:
      return PyExc_MemoryError;
    case ESPALIER_INTERNAL:
      return PyExc_RuntimeError;
    default:
      return PyExc_ValueError;
  }
}

template <typename T>
T Value(Result<T> result) {
  if (result.ok()) return *std::move(result);
  PyErr_SetString(ExceptionOf(result.status().code()), result.status().message().c_str());
  throw nb::python_error();
}

Experiments Load(const std::string& path) {
  return Value([&] {
    const nb::gil_scoped_release others_go_on;
    return Experiments::Load(path);
  }());
}

// A path, as the functions of os take it.
Experiments LoadPath(nb::handle path) {
  const nb::bytes bytes(nb::module_::import_("os").attr("fsencode")(path));
  return Load(std::string(bytes.c_str(), bytes.size()));
}

Experiments LoadText(std::string_view text, const std::string& name) {
  return Value(Experiments::LoadMemory(text, name));
}

// The JSON of a dict, or nothing for None.
std::string AttributesJson(nb::handle attributes) {
  if (attributes.is_none()) return "";
  return nb::cast<std::string>(nb::module_::import_("json").attr("dumps")(attributes, "allow_nan"_a = false));
}

Assignment Assign(const Experiments& experiments, const std::string& model,
                  std::optional<std::string_view> unit, std::optional<nb::dict> attributes,
                  std::optional<std::string_view> request_id, uint64_t event_id, int64_t now_micros) {
  const std::string json = attributes.has_value() ? AttributesJson(*attributes) : "";
  embedded::Request request;
  request.model = model;
  request.unit = unit.value_or("");
  request.attributes_json = json;
  request.request_id = request_id.value_or("");
  request.event_id = event_id;
  request.now_micros = now_micros;
  return Value(experiments.Assign(request));
}

std::string ExposureJson(const Assignment& assignment, bool served_control, uint32_t status, uint32_t rows,
                         uint32_t latency_micros, std::string sha256, std::vector<float> scores,
                         std::vector<float> features) {
  embedded::Answer answer;
  answer.served_control = served_control;
  answer.status = status;
  answer.rows = rows;
  answer.latency_micros = latency_micros;
  answer.sha256 = std::move(sha256);
  answer.scores = std::move(scores);
  answer.features = std::move(features);
  return Value(assignment.ExposureJson(answer));
}

// Of a text that may be absent.
std::optional<std::string_view> Present(const char* text) {
  return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
}

nb::dict Describe(const Experiments& experiments, size_t index) {
  const espalier_experiment_info info = Value(experiments.Describe(index));
  nb::dict described;
  described["experiment"] = info.experiment;
  described["model"] = info.model;
  described["state"] = info.state;
  described["unit_attribute"] = info.unit_attribute;
  described["config_version"] = info.config_version;
  described["num_variants"] = info.num_variants;
  return described;
}

nb::list DescribeAll(const Experiments& experiments) {
  nb::list all;
  for (size_t i = 0; i < experiments.size(); ++i) all.append(Describe(experiments, i));
  return all;
}

NB_MODULE(_assign, module) {
  module.attr("__version__") = espalier_assign_version();

  nb::class_<Assignment>(module, "Assignment")
      .def_prop_ro("enrolled", &Assignment::enrolled)
      .def_prop_ro("experiment", [](const Assignment& a) { return Present(a.c().experiment); })
      .def_prop_ro("variant", [](const Assignment& a) { return Present(a.c().variant); })
      .def_prop_ro(
          "version",
          [](const Assignment& a) { return a.routed() ? std::optional<int64_t>(a.version()) : std::nullopt; })
      .def_prop_ro("reason", &Assignment::reason)
      .def_prop_ro("unit", &Assignment::unit)
      .def_prop_ro("bucket", &Assignment::bucket)
      .def_prop_ro("layer_slot", &Assignment::layer_slot)
      .def_prop_ro("config_version", &Assignment::config_version)
      .def_prop_ro("control", [](const Assignment& a) { return Present(a.c().control); })
      .def_prop_ro("control_version", [](const Assignment& a) { return a.c().control_version; })
      .def_prop_ro("serve_control_on_error",
                   [](const Assignment& a) { return a.c().serve_control_on_error != 0; })
      .def_prop_ro("event_id", &Assignment::event_id)
      .def_prop_ro("now_micros", [](const Assignment& a) { return a.c().now_micros; })
      .def("exposure_json", &ExposureJson, nb::kw_only(), "served_control"_a = false, "status"_a = 0,
           "rows"_a = 0, "latency_micros"_a = 0, "sha256"_a = "", "scores"_a = std::vector<float>(),
           "features"_a = std::vector<float>());

  nb::class_<Experiments>(module, "Experiments")
      .def("__len__", &Experiments::size)
      .def("describe", &DescribeAll)
      .def("assign", &Assign, "model"_a, "unit"_a = nb::none(), "attributes"_a = nb::none(), nb::kw_only(),
           "request_id"_a = nb::none(), "event_id"_a = 0, "now_micros"_a = 0);

  nb::class_<EventIds>(module, "EventIds")
      .def(
          "__init__",
          [](EventIds* self, uint32_t front, uint64_t last_id) {
            new (self) EventIds(Value(EventIds::Create(front, last_id)));
          },
          "front"_a, "last_id"_a = 0)
      .def("next", &EventIds::Next, "now_micros"_a = 0);

  module.def("load", &LoadPath, "path"_a);
  module.def("load_text", &LoadText, "text"_a, "name"_a = "experiments.yaml");
}

}  // namespace
}  // namespace espalier::python
