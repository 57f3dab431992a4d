// NumPy arrays as the C interface takes them: where they lie, without a copy.
//
//   const ArrayView x("X", object, ArrayView::kRead);   // throws ValueError, TypeError
//   const espalier_rows rows = x.Rows();
//
// Reads arrays by the buffer protocol, so that NumPy is no part of the build. A view keeps its array's memory
// in place until it dies; it is made and dies under the interpreter's lock, and may be read without.
#ifndef ESPALIER_MODELS_FOREST_PYTHON_ARRAY_VIEW_H_
#define ESPALIER_MODELS_FOREST_PYTHON_ARRAY_VIEW_H_

#include <nanobind/nanobind.h>

#include <cstddef>
#include <string>

#include "espalier/forest.h"

namespace espalier::python {

enum class ElementType { kFloat32, kFloat64, kInt32 };

// str(object), or "?" of what has no text.
std::string TextOf(nanobind::handle object);

class ArrayView {
 public:
  enum Access { kRead, kWrite };

  // A view of `array`; messages call it `name`. TypeError for what is no array, and for elements that are
  // none of ElementType in the machine's byte order; ValueError for one that may not be written.
  ArrayView(const char* name, nanobind::handle array, Access access);
  ~ArrayView() { PyBuffer_Release(&buffer_); }
  ArrayView(const ArrayView&) = delete;
  ArrayView& operator=(const ArrayView&) = delete;

  ElementType type() const { return type_; }
  int dimensions() const { return buffer_.ndim; }
  size_t size(int dimension) const { return static_cast<size_t>(buffer_.shape[dimension]); }
  size_t elements() const { return static_cast<size_t>(buffer_.len) / static_cast<size_t>(buffer_.itemsize); }
  void* data() const { return buffer_.buf; }

  // Whether the elements lie in C order without gaps.
  bool contiguous() const { return PyBuffer_IsContiguous(&buffer_, 'C') != 0; }

  // The matrix as rows. ValueError unless it has two dimensions, floating elements, columns without gaps and
  // rows that follow each other.
  espalier_rows Rows() const;

  // Whether any byte of this view is one of `other`'s.
  bool Overlaps(const ArrayView& other) const;

  // "(3, 8)".
  std::string Shape() const;

 private:
  const char* const name_;
  Py_buffer buffer_;
  ElementType type_;
};

}  // namespace espalier::python

#endif  // ESPALIER_MODELS_FOREST_PYTHON_ARRAY_VIEW_H_
