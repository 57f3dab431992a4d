#include "models/forest/python/array_view.h"

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace espalier::python {
namespace {

namespace nb = nanobind;

// What PEP 3118 calls the element types; NumPy writes native ones without a sign for the byte order, or with
// '@'.
std::optional<ElementType> ParseFormat(const Py_buffer& buffer) {
  std::string_view format = buffer.format == nullptr ? "B" : buffer.format;
  constexpr char kNative = std::endian::native == std::endian::little ? '<' : '>';
  if (format.size() == 2 && (format[0] == '@' || format[0] == '=' || format[0] == kNative)) {
    format.remove_prefix(1);
  }
  if (format == "f" && buffer.itemsize == 4) return ElementType::kFloat32;
  if (format == "d" && buffer.itemsize == 8) return ElementType::kFloat64;
  if ((format == "i" || format == "l") && buffer.itemsize == 4) return ElementType::kInt32;
  return std::nullopt;
}

// The array's dtype as NumPy writes it: ">f4", "int64"; of other buffers the format.
std::string TypeName(nb::handle array, const Py_buffer& buffer) {
  if (!nb::hasattr(array, "dtype")) return buffer.format == nullptr ? "bytes" : buffer.format;
  return TextOf(array.attr("dtype"));
}

// The addresses [begin, end) between which the elements lie, whatever the strides.
std::pair<uintptr_t, uintptr_t> Extent(const Py_buffer& buffer) {
  auto begin = reinterpret_cast<uintptr_t>(buffer.buf);
  if (buffer.len == 0) return {begin, begin};
  uintptr_t end = begin + static_cast<uintptr_t>(buffer.itemsize);
  for (int i = 0; i < buffer.ndim; ++i) {
    const Py_ssize_t reach = (buffer.shape[i] - 1) * buffer.strides[i];
    (reach < 0 ? begin : end) += static_cast<uintptr_t>(reach);
  }
  return {begin, end};
}

}  // namespace

std::string TextOf(nb::handle object) {
  const nb::object text = nb::steal(PyObject_Str(object.ptr()));
  const char* const bytes = text.is_valid() ? PyUnicode_AsUTF8(text.ptr()) : nullptr;
  if (bytes == nullptr) PyErr_Clear();
  return bytes == nullptr ? "?" : bytes;
}

ArrayView::ArrayView(const char* name, nb::handle array, Access access) : name_(name) {
  if (PyObject_GetBuffer(array.ptr(), &buffer_, PyBUF_STRIDES | PyBUF_FORMAT) != 0) {
    PyErr_Clear();
    const std::string type = TextOf(array.type().attr("__name__"));
    if (!nb::hasattr(array, "dtype")) {
      throw nb::type_error((std::string(name) + " is " + type + "; a NumPy array is needed").c_str());
    }
    throw nb::type_error((std::string(name) + " has dtype " + TextOf(array.attr("dtype")) +
                          ", of which no numbers can be read; float32 or float64 is needed")
                             .c_str());
  }
  const std::optional<ElementType> type = ParseFormat(buffer_);
  std::string fault;
  if (!type) {
    fault = std::string(name) + " has dtype " + TypeName(array, buffer_) +
            "; float32 or float64 in this machine's byte order is needed: .astype(numpy.float32)";
  } else if (access == kWrite && buffer_.readonly != 0) {
    fault = std::string(name) + " is read-only";
  }
  if (fault.empty()) {
    type_ = *type;
    return;
  }
  // There will be no destructor.
  PyBuffer_Release(&buffer_);
  if (!type) throw nb::type_error(fault.c_str());
  throw nb::value_error(fault.c_str());
}

espalier_rows ArrayView::Rows() const {
  const auto fail = [&](const std::string& fault) { throw nb::value_error((name_ + fault).c_str()); };
  if (buffer_.ndim != 2) {
    fail(" has shape " + Shape() +
         "; two dimensions are needed, (rows, features): one row is .reshape(1, -1)");
  }
  if (type_ == ElementType::kInt32)
    fail(" has dtype int32; float32 or float64 is needed: .astype(numpy.float32)");
  // The strides of a dimension that is never stepped along mean nothing.
  if (size(1) > 1 && size(0) > 0 && buffer_.strides[1] != buffer_.itemsize) {
    fail(" has columns that do not lie beside each other (strides " + std::to_string(buffer_.strides[0]) +
         ", " + std::to_string(buffer_.strides[1]) + " bytes): numpy.ascontiguousarray makes a copy");
  }
  espalier_rows rows = {};
  rows.struct_size = sizeof(rows);
  rows.type = type_ == ElementType::kFloat64 ? ESPALIER_FLOAT64 : ESPALIER_FLOAT32;
  rows.values = buffer_.buf;
  rows.num_rows = size(0);
  rows.num_columns = size(1);
  if (size(0) > 1) {
    if (buffer_.strides[0] <= 0 && buffer_.len != 0) {
      fail(" has rows that do not follow each other (stride " + std::to_string(buffer_.strides[0]) +
           " bytes): numpy.ascontiguousarray makes a copy");
    }
    rows.row_stride = static_cast<size_t>(buffer_.strides[0] > 0 ? buffer_.strides[0] : 0);
  }
  return rows;
}

bool ArrayView::Overlaps(const ArrayView& other) const {
  const auto [begin, end] = Extent(buffer_);
  const auto [other_begin, other_end] = Extent(other.buffer_);
  return begin < other_end && other_begin < end;
}

std::string ArrayView::Shape() const {
  std::string text = "(";
  for (int i = 0; i < buffer_.ndim; ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(buffer_.shape[i]);
  }
  return text + (buffer_.ndim == 1 ? ",)" : ")");
}

}  // namespace espalier::python
