// JSON as XGBoost writes it: RFC 8259, and the bare words NaN, Infinity and -Infinity as numbers.
//
// A reader of our own rather than a general library because of those words, which no strict parser takes, and
// because nine tenths of a model are arrays of short numbers, which are read here in one pass from the
// caller's bytes, without a copy and without an index.
#ifndef ESPALIER_MODELS_FOREST_JSON_SOURCE_H_
#define ESPALIER_MODELS_FOREST_JSON_SOURCE_H_

#include <string>
#include <string_view>
#include <vector>

#include "models/forest/document_source.h"

namespace espalier {

class JsonSource final : public DocumentSource {
 public:
  // `bytes` must outlive the source.
  explicit JsonSource(std::string_view bytes);

  absl::StatusOr<Kind> Peek() override;
  absl::Status EnterObject() override { return Enter('{', "an object"); }
  absl::StatusOr<bool> NextKey(std::string& key) override;
  absl::Status EnterArray() override { return Enter('[', "an array"); }
  absl::StatusOr<bool> NextElement() override { return NextItem(']'); }
  absl::Status ReadText(std::string& text) override;
  absl::Status ReadIntegers(std::vector<int32_t>& values, size_t max_count) override;
  absl::Status ReadFloats(std::vector<float>& values, size_t max_count) override;
  // As ReadFloats(), to the nearest float64.
  absl::Status ReadDoubles(std::vector<double>& values, size_t max_count);
  size_t Position() const override { return at_ - begin_; }
  absl::Status ReadFloatsAt(size_t position, std::vector<float>& values, size_t max_count) override;
  absl::Status SkipValue() override;
  absl::Status Finish() override;

 private:
  // "byte 12: expected an object, found ..."
  absl::Status Expected(std::string_view what) const;
  void SkipSpace();
  // Whether the bytes at the cursor are `word`; if so, steps over it.
  bool Take(std::string_view word);
  absl::Status Enter(char bracket, std::string_view what);
  // Steps over the comma before the next item, or over the closing bracket.
  absl::StatusOr<bool> NextItem(char bracket);
  absl::Status ReadString(std::string& text);
  absl::Status ReadEscape(std::string& text);
  absl::StatusOr<uint32_t> ReadHexDigits();
  absl::Status SkipString();
  absl::Status SkipContainer();
  absl::Status SkipScalar();
  template <typename Value, typename ReadOne>
  absl::Status ReadArray(std::vector<Value>& values, size_t max_count, ReadOne read_one);
  absl::Status ReadInteger(int32_t& value);
  // A number of `what`, "float32".
  template <typename Number>
  absl::Status ReadNumber(std::string_view what, Number& value);

  const char* const begin_;
  const char* const end_;
  const char* at_;
  size_t depth_ = 0;
  // No item of the innermost open container has been read yet.
  bool first_ = false;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_JSON_SOURCE_H_
