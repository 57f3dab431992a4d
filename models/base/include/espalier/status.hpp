// Errors as values, for the C++17 classes over espalier's C interfaces (espalier/forest.hpp, assign.hpp).
#ifndef ESPALIER_STATUS_HPP_
#define ESPALIER_STATUS_HPP_

#include <optional>
#include <string>
#include <utility>

#include "espalier/status.h"

namespace espalier::embedded {

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(espalier_status code, std::string message) : code_(code), message_(std::move(message)) {}
  // What a function of a C interface returned, with the text of that library's thread. `text` is the thread's
  // buffer and is read only after the call, so that both may stand in one expression.
  static Status Of(espalier_status code, const char* text) {
    return code == ESPALIER_OK ? Status() : Status(code, text);
  }

  bool ok() const { return code_ == ESPALIER_OK; }
  // ESPALIER_INVALID_ARGUMENT, ...
  espalier_status code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  espalier_status code_ = ESPALIER_OK;
  std::string message_;
};

// A value, or why there is none. Reading the value of a result that is not ok() is a bug of the caller.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(Status status) : status_(std::move(status)) {}         // NOLINT: returned as it is
  Result(T value) : value_(std::in_place, std::move(value)) {}  // NOLINT: returned as it is

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  // By value, so that `for (x : *F())` has something to hold on to.
  T operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace espalier::embedded

#endif  // ESPALIER_STATUS_HPP_
