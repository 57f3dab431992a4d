// The module espalier_forest._forest: a model, and its predictions from and into NumPy arrays.
//
// One row from an array is the call that is made most: it goes from the interpreter to the kernel without a
// line of Python, and everything that can be known once per model is.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "espalier/forest.h"
#include "espalier/watch.h"
#include "models/forest/python/array_view.h"

namespace espalier::python {
namespace {

namespace nb = nanobind;
using namespace nanobind::literals;

constexpr std::array<std::string_view, 5> kOutputs = {"value", "margin", "contributions", "class", "leaf"};

[[noreturn]] void Throw(PyObject* type, const std::string& text) {
  PyErr_SetString(type, text.c_str());
  throw nb::python_error();
}

PyObject* ExceptionOf(espalier_status code) {
  switch (code) {
    case ESPALIER_NOT_FOUND:
      return PyExc_FileNotFoundError;
    case ESPALIER_UNAVAILABLE:
      return PyExc_LookupError;
    case ESPALIER_PERMISSION_DENIED:
      return PyExc_PermissionError;
    case ESPALIER_RESOURCE_EXHAUSTED:
      return PyExc_MemoryError;
    case ESPALIER_FAILED_PRECONDITION:
      return PyExc_OSError;
    case ESPALIER_UNIMPLEMENTED:
      return PyExc_NotImplementedError;
    case ESPALIER_INTERNAL:
      return PyExc_RuntimeError;
    default:
      return PyExc_ValueError;
  }
}

void Check(espalier_status code) {
  if (code != ESPALIER_OK) Throw(ExceptionOf(code), espalier_forest_error());
}

// What a call needs of Python, looked up once. Never destroyed: the interpreter may be gone by then.
struct Interpreter {
  nb::object array_type = nb::module_::import_("numpy").attr("ndarray");
  nb::object empty = nb::module_::import_("numpy").attr("empty");
  nb::object float32 = nb::module_::import_("numpy").attr("dtype")("float32");
  nb::object int32 = nb::module_::import_("numpy").attr("dtype")("int32");
};

const Interpreter& Python() {
  static const Interpreter* const python = new Interpreter();
  return *python;
}

int32_t ParseOutput(nb::handle output) {
  Py_ssize_t size = 0;
  const char* const text =
      PyUnicode_Check(output.ptr()) ? PyUnicode_AsUTF8AndSize(output.ptr(), &size) : nullptr;
  if (PyErr_Occurred() != nullptr) throw nb::python_error();
  for (size_t i = 0; text != nullptr && i < kOutputs.size(); ++i) {
    if (kOutputs[i] == std::string_view(text, size)) return static_cast<int32_t>(i);
  }
  throw nb::value_error(("output is " + TextOf(nb::repr(output)) +
                         "; it must be \"value\", \"margin\", \"contributions\", \"class\" or \"leaf\"")
                            .c_str());
}

uint32_t ParseCount(const char* name, nb::handle number) {
  // bool is an int, but True threads are none.
  if (!PyIndex_Check(number.ptr()) || PyBool_Check(number.ptr())) {
    throw nb::type_error((std::string(name) + " must be an int").c_str());
  }
  const Py_ssize_t count = PyNumber_AsSsize_t(number.ptr(), nullptr);
  if (count == -1 && PyErr_Occurred() != nullptr) throw nb::python_error();
  if (count < 0 || count > std::numeric_limits<int32_t>::max()) {
    throw nb::value_error(
        (std::string(name) + " is " + TextOf(nb::repr(number)) + "; it must be 0 to 2147483647").c_str());
  }
  return static_cast<uint32_t>(count);
}

struct FreeForest {
  void operator()(espalier_forest* forest) const { espalier_forest_free(forest); }
};

class PyForest {
 public:
  explicit PyForest(espalier_forest* forest) : forest_(forest) {
    info_.struct_size = sizeof(info_);
    Check(espalier_forest_describe(forest, &info_));
    for (size_t kind = 0; kind < widths_.size(); ++kind)
      widths_[kind] = WidthOf(static_cast<int32_t>(kind), 0, 0);
  }

  const espalier_forest_info& info() const { return info_; }

  std::optional<std::vector<std::string>> FeatureNames() const {
    if (info_.has_feature_names == 0) return std::nullopt;
    std::vector<std::string> names(info_.num_features);
    for (uint32_t i = 0; i < info_.num_features; ++i) {
      const char* name = nullptr;
      Check(espalier_forest_feature_name(forest_.get(), i, &name));
      names[i] = name;
    }
    return names;
  }

  std::vector<bool> Categorical() const {
    std::vector<bool> categorical(info_.num_features);
    for (uint32_t i = 0; i < info_.num_features; ++i) {
      int32_t kind = ESPALIER_NUMERIC;
      Check(espalier_forest_feature_kind(forest_.get(), i, &kind));
      categorical[i] = kind == ESPALIER_CATEGORICAL;
    }
    return categorical;
  }

  // The names of a feature's categories by code; empty when the model has none.
  nb::list CategoryNames(uint32_t feature) const {
    uint32_t count = 0;
    Check(espalier_forest_num_categories(forest_.get(), feature, &count));
    nb::list names;
    for (uint32_t code = 0; code < count; ++code) {
      const char* name = nullptr;
      Check(espalier_forest_category_name(forest_.get(), feature, code, &name));
      names.append(nb::str(name));
    }
    return names;
  }

  nb::object Predict(nb::handle self, nb::handle x, nb::handle output, nb::handle iterations,
                     nb::handle base_margin, nb::handle threads, nb::handle out) const {
    nb::object converted;
    if (!x.type().is(Python().array_type)) {
      converted = nb::module_::import_("espalier_forest._rows").attr("as_array")(self, x);
      x = converted;
    }
    const ArrayView view("X", x, ArrayView::kRead);
    const espalier_rows rows = view.Rows();
    espalier_predict_options options = {};
    options.struct_size = sizeof(options);
    options.kind = ParseOutput(output);
    options.threads = ParseCount("threads", threads);
    const size_t width = SetIterations(iterations, &options);
    nb::object margins;
    std::optional<ArrayView> margin_view;
    if (!base_margin.is_none()) {
      margins = nb::module_::import_("espalier_forest._rows").attr("as_margins")(base_margin);
      margin_view.emplace("base_margin", margins, ArrayView::kRead);
      options.base_margin = static_cast<const float*>(margin_view->data());
      options.base_margin_size = margin_view->elements();
    }
    nb::object result = out.is_none() ? NewArray(options.kind, rows.num_rows, width) : nb::borrow(out);
    const ArrayView target("out", result, ArrayView::kWrite);
    if (!out.is_none()) CheckTarget(target, options.kind, rows.num_rows, width);
    if (!out.is_none() && (target.Overlaps(view) || (margin_view && target.Overlaps(*margin_view)))) {
      throw nb::value_error("out overlaps the input");
    }
    espalier_status status = ESPALIER_OK;
    {
      nb::gil_scoped_release release;
      status = IsInteger(options.kind)
                   ? espalier_forest_predict_int32(forest_.get(), &rows, &options,
                                                   static_cast<int32_t*>(target.data()), target.elements())
                   : espalier_forest_predict(forest_.get(), &rows, &options,
                                             static_cast<float*>(target.data()), target.elements());
    }
    Check(status);
    return result;
  }

 private:
  static bool IsInteger(int32_t kind) { return kind == ESPALIER_CLASS || kind == ESPALIER_LEAF; }

  size_t WidthOf(int32_t kind, uint32_t begin, uint32_t end) const {
    espalier_predict_options options = {};
    options.struct_size = sizeof(options);
    options.kind = kind;
    options.iteration_begin = begin;
    options.iteration_end = end;
    size_t width = 0;
    const espalier_status status = espalier_forest_output_width(forest_.get(), &options, &width);
    // A linear model has no leaves: whoever asks for them is told so by the prediction.
    if (begin != 0 || end != 0) Check(status);
    return width;
  }

  // Elements a row.
  size_t SetIterations(nb::handle iterations, espalier_predict_options* options) const {
    if (iterations.is_none()) return widths_[options->kind];
    if (!PyTuple_Check(iterations.ptr()) || PyTuple_GET_SIZE(iterations.ptr()) != 2) {
      throw nb::type_error("iterations must be a tuple (begin, end), or None");
    }
    options->iteration_begin = ParseCount("iterations[0]", PyTuple_GET_ITEM(iterations.ptr(), 0));
    options->iteration_end = ParseCount("iterations[1]", PyTuple_GET_ITEM(iterations.ptr(), 1));
    return WidthOf(options->kind, options->iteration_begin, options->iteration_end);
  }

  // What predictions of one kind have behind (rows): nothing, (width), or (outputs, features + 1).
  std::vector<size_t> ShapeOf(int32_t kind, size_t rows, size_t width) const {
    std::vector<size_t> shape = {rows};
    if (kind == ESPALIER_CONTRIBUTIONS) {
      if (info_.num_outputs > 1) shape.push_back(info_.num_outputs);
      shape.push_back(width / info_.num_outputs);
    } else if (width != 1 || kind == ESPALIER_LEAF) {
      shape.push_back(width);
    }
    return shape;
  }

  nb::object NewArray(int32_t kind, size_t rows, size_t width) const {
    const Interpreter& python = Python();
    nb::object shape;
    if (width == 1 && kind != ESPALIER_LEAF) {
      shape = nb::steal(PyLong_FromSize_t(rows));
    } else {
      nb::list sizes;
      for (const size_t size : ShapeOf(kind, rows, width)) sizes.append(size);
      shape = nb::tuple(sizes);
    }
    PyObject* const arguments[] = {shape.ptr(), (IsInteger(kind) ? python.int32 : python.float32).ptr()};
    PyObject* const array = PyObject_Vectorcall(python.empty.ptr(), arguments, 2, nullptr);
    if (array == nullptr) throw nb::python_error();
    return nb::steal(array);
  }

  void CheckTarget(const ArrayView& target, int32_t kind, size_t rows, size_t width) const {
    const ElementType type = IsInteger(kind) ? ElementType::kInt32 : ElementType::kFloat32;
    if (target.type() != type) {
      throw nb::type_error(IsInteger(kind) ? "out must be int32 for this output"
                                           : "out must be float32 for this output");
    }
    const std::vector<size_t> shape = ShapeOf(kind, rows, width);
    bool fits = target.contiguous() && target.dimensions() == static_cast<int>(shape.size());
    std::string wanted;
    for (size_t i = 0; i < shape.size(); ++i) {
      fits = fits && target.size(static_cast<int>(i)) == shape[i];
      wanted += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
    }
    if (fits) return;
    throw nb::value_error(("out has shape " + target.Shape() + (target.contiguous() ? "" : " with gaps") +
                           "; it must be contiguous, of shape (" + wanted + (shape.size() == 1 ? ",)" : ")"))
                              .c_str());
  }

  std::unique_ptr<espalier_forest, FreeForest> forest_;
  espalier_forest_info info_ = {};
  // By kind, of all iterations.
  std::array<size_t, kOutputs.size()> widths_ = {};
};

PyForest Load(nb::handle path) {
  PyObject* bytes = nullptr;
  if (PyUnicode_FSConverter(path.ptr(), &bytes) == 0) throw nb::python_error();
  const nb::object owner = nb::steal(bytes);
  espalier_forest* forest = nullptr;
  espalier_status status = ESPALIER_OK;
  {
    nb::gil_scoped_release release;
    status = espalier_forest_load(PyBytes_AS_STRING(bytes), &forest);
  }
  Check(status);
  return PyForest(forest);
}

PyForest LoadBytes(nb::handle bytes) {
  Py_buffer buffer;
  if (PyObject_GetBuffer(bytes.ptr(), &buffer, PyBUF_SIMPLE) != 0) throw nb::python_error();
  espalier_forest* forest = nullptr;
  espalier_status status = ESPALIER_OK;
  {
    nb::gil_scoped_release release;
    status = espalier_forest_load_memory(buffer.buf, static_cast<size_t>(buffer.len), &forest);
  }
  PyBuffer_Release(&buffer);
  Check(status);
  return PyForest(forest);
}

// A directory that is followed. Events wait in a queue until Python asks for them: the watch's thread takes
// no lock of the interpreter, so that neither waits for the other.
class PyWatch {
 public:
  struct Event {
    const char* kind;
    std::string model;
    int64_t version;
    std::string text;
  };

  PyWatch(nb::handle directory, double poll_seconds, uint32_t latest, bool manual) {
    if (!(poll_seconds >= 0.001 && poll_seconds <= 1e6)) {
      throw nb::value_error("poll_seconds must be 0.001 to 1000000");
    }
    PyObject* bytes = nullptr;
    if (PyUnicode_FSConverter(directory.ptr(), &bytes) == 0) throw nb::python_error();
    const nb::object owner = nb::steal(bytes);
    espalier_watch_options options = {};
    options.struct_size = sizeof(options);
    options.poll_millis = static_cast<uint32_t>(poll_seconds * 1000);
    options.latest = latest;
    options.manual = manual ? 1 : 0;
    options.on_event = [](void* self, const espalier_watch_event* event) {
      static_cast<PyWatch*>(self)->Note(*event);
    };
    options.context = this;
    espalier_status status = ESPALIER_OK;
    {
      nb::gil_scoped_release release;
      espalier_watch* watch = nullptr;
      status = espalier_watch_open(PyBytes_AS_STRING(bytes), &options, &watch);
      if (status == ESPALIER_OK) watch_ = {watch, espalier_watch_close};
    }
    Check(status);
  }
  ~PyWatch() { Close(); }
  PyWatch(const PyWatch&) = delete;
  PyWatch& operator=(const PyWatch&) = delete;

  PyForest Get(const std::string& model, nb::handle version) const {
    const std::string text = version.is_none() ? "" : TextOf(version);
    espalier_forest* forest = nullptr;
    const espalier_status status = espalier_watch_get(Open().get(), model.c_str(), text.c_str(), &forest);
    if (status == ESPALIER_NOT_FOUND) Throw(PyExc_LookupError, espalier_forest_error());
    Check(status);
    return PyForest(forest);
  }

  void Poll() {
    // Whoever closes meanwhile does not take it away.
    std::shared_ptr<espalier_watch> watch = Open();
    espalier_status status = ESPALIER_OK;
    {
      nb::gil_scoped_release release;
      status = espalier_watch_poll(watch.get());
      watch.reset();
    }
    Check(status);
  }

  nb::list TakeEvents() {
    std::deque<Event> events;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      events.swap(events_);
    }
    nb::list list;
    for (const Event& event : events) {
      list.append(nb::make_tuple(event.kind, event.model, event.version, event.text));
    }
    return list;
  }

  void Close() {
    std::shared_ptr<espalier_watch> watch = std::exchange(watch_, nullptr);
    nb::gil_scoped_release release;
    watch.reset();
  }

 private:
  // More are not kept; the oldest go first.
  static constexpr size_t kMostEvents = 10'000;

  std::shared_ptr<espalier_watch> Open() const {
    if (watch_ == nullptr) throw nb::value_error("the watch is closed");
    return watch_;
  }

  void Note(const espalier_watch_event& event) noexcept {
    static constexpr std::array<const char*, 6> kKinds = {"",        "loaded", "unloaded",
                                                          "refused", "label",  "warning"};
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.push_back({kKinds[event.kind], event.model, event.version, event.text});
    if (events_.size() > kMostEvents) events_.pop_front();
  }

  std::shared_ptr<espalier_watch> watch_;
  std::mutex mutex_;
  std::deque<Event> events_;
};

void BindWatch(nb::module_& m) {
  nb::class_<PyWatch> watch(m, "Watch", "A directory of models, followed.");
  watch.def(nb::init<nb::handle, double, uint32_t, bool>(), "directory"_a, nb::kw_only(),
            "poll_seconds"_a = 1.0, "latest"_a = 0, "manual"_a = false);
  watch.def("get", &PyWatch::Get, "model"_a, "version"_a.none() = nb::none());
  watch.def("poll", &PyWatch::Poll);
  watch.def("events", &PyWatch::TakeEvents);
  watch.def("close", &PyWatch::Close);
  watch.def("__enter__", [](nb::object self) { return self; });
  watch.def("__exit__", [](PyWatch& self, const nb::args&) { self.Close(); });
}

void BindForest(nb::module_& m) {
  nb::class_<PyForest> forest(m, "Forest", "A model that predicts; immutable, for any number of threads.");
  forest.def(
      "predict",
      [](nb::handle self, nb::handle x, nb::handle output, nb::handle iterations, nb::handle base_margin,
         nb::handle threads, nb::handle out) {
        return nb::inst_ptr<PyForest>(self)->Predict(self, x, output, iterations, base_margin, threads, out);
      },
      "X"_a.none(), "output"_a = "value", nb::kw_only(), "iterations"_a.none() = nb::none(),
      "base_margin"_a.none() = nb::none(), "threads"_a = 1, "out"_a.none() = nb::none(),
      "Predicts the rows of X. See espalier_forest/_forest.pyi.");
  forest.def_prop_ro("feature_names", &PyForest::FeatureNames);
  forest.def_prop_ro("categorical", &PyForest::Categorical);
  forest.def("category_names", &PyForest::CategoryNames, "feature"_a);
  forest.def_prop_ro("num_features", [](const PyForest& self) { return self.info().num_features; });
  forest.def_prop_ro("num_outputs", [](const PyForest& self) { return self.info().num_outputs; });
  forest.def_prop_ro("num_trees", [](const PyForest& self) { return self.info().num_trees; });
  forest.def_prop_ro("num_iterations", [](const PyForest& self) { return self.info().num_iterations; });
  forest.def_prop_ro("best_iteration", [](const PyForest& self) -> std::optional<int64_t> {
    if (self.info().best_iteration < 0) return std::nullopt;
    return self.info().best_iteration;
  });
  forest.def_prop_ro("objective", [](const PyForest& self) { return self.info().objective; });
  forest.def_prop_ro("format", [](const PyForest& self) { return self.info().format; });
  forest.def_prop_ro("version", [](const PyForest& self) { return self.info().version; });
  forest.def_prop_ro("kernel", [](const PyForest& self) { return self.info().kernel; });
  forest.def_prop_ro("model_version", [](const PyForest& self) { return self.info().model_version; });
  forest.def_prop_ro("sha256", [](const PyForest& self) { return self.info().sha256; });
  forest.def_prop_ro("memory_bytes", [](const PyForest& self) { return self.info().memory_bytes; });
}

}  // namespace
}  // namespace espalier::python

NB_MODULE(_forest, m) {
  m.attr("__version__") = espalier_forest_version();
  m.def("load", &espalier::python::Load, nanobind::arg("path"));
  m.def("load_bytes", &espalier::python::LoadBytes, nanobind::arg("model"));
  espalier::python::BindForest(m);
  espalier::python::BindWatch(m);
}
