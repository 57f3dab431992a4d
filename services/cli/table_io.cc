#include "services/cli/table_io.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "models/base/csv.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/cli/mapped_file.h"
#include "services/cli/npy_header.h"

namespace espalier {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// The nearest float32. Nothing for text that is no number, or one that float32 cannot hold.
std::optional<float> ParseFloat(std::string_view text) {
  const std::optional<double> value = ParseNumber(text);
  if (!value.has_value()) return std::nullopt;
  const auto nearest = static_cast<float>(*value);
  if (std::isinf(nearest) && !std::isinf(*value)) return std::nullopt;
  return nearest;
}

class NpyRows final : public RowSource {
 public:
  static absl::StatusOr<std::unique_ptr<RowSource>> Open(const std::string& path, MappedFile file,
                                                         uint32_t num_features) {
    absl::StatusOr<NpyHeader> header = ParseNpyHeader(file.bytes());
    if (!header.ok()) return Annotate(header.status(), path);
    if (header->type != "<f4") {
      return InvalidArgument(path, ": holds ", header->type, ", must hold float32 ('<f4')");
    }
    if (header->fortran_order) return InvalidArgument(path, ": is in Fortran order, must be in C order");
    if (header->shape.size() != 2 || header->shape[1] != num_features) {
      return InvalidArgument(path, ": has shape ", ShapeText(header->shape), ", must be (rows, ",
                             num_features, ")");
    }
    const std::string_view data = file.bytes().substr(header->data_begin);
    const uint64_t row_bytes = uint64_t{num_features} * sizeof(float);
    if (row_bytes == 0 || header->shape[0] > data.size() / row_bytes) {
      return InvalidArgument(path, ": ends after ", data.size(), " bytes of values, shape ",
                             ShapeText(header->shape), " needs more");
    }
    return std::unique_ptr<RowSource>(
        new NpyRows(std::move(file), header->data_begin, header->shape[0], num_features));
  }

  absl::StatusOr<size_t> Read(size_t max_rows, std::vector<float>& rows) override {
    const size_t count = std::min<uint64_t>(max_rows, rows_left_);
    const size_t bytes = count * num_features_ * sizeof(float);
    rows.resize(count * num_features_);
    if (bytes != 0) std::memcpy(rows.data(), file_.bytes().data() + next_, bytes);
    next_ += bytes;
    rows_left_ -= count;
    return count;
  }

 private:
  NpyRows(MappedFile file, size_t begin, uint64_t rows, uint32_t num_features)
      : file_(std::move(file)), next_(begin), rows_left_(rows), num_features_(num_features) {}

  static std::string ShapeText(const std::vector<uint64_t>& shape) {
    std::string text;
    for (const uint64_t size : shape) text += StrCat(text.empty() ? "" : ", ", size);
    return StrCat("(", text, ")");
  }

  MappedFile file_;
  size_t next_;
  uint64_t rows_left_;
  const size_t num_features_;
};

class CsvRows final : public RowSource {
 public:
  static absl::StatusOr<std::unique_ptr<RowSource>> Open(const std::string& path, MappedFile file,
                                                         const RowSchema& schema) {
    std::unique_ptr<CsvRows> rows(new CsvRows(path, std::move(file), schema.category_names));
    ESPALIER_RETURN_IF_ERROR(rows->ReadHeader(schema));
    return rows;
  }

  absl::StatusOr<size_t> Read(size_t max_rows, std::vector<float>& rows) override {
    rows.clear();
    size_t count = 0;
    for (; count < max_rows && reader_.Next(fields_); ++count) {
      if (fields_.size() != header_.size()) {
        return InvalidArgument(path_, " line ", reader_.line(), ": has ", fields_.size(),
                               " fields, the header has ", header_.size());
      }
      for (uint32_t feature = 0; feature < columns_.size(); ++feature) {
        const std::string_view field = fields_[columns_[feature]];
        const bool named = categories_ != nullptr && categories_->Has(feature);
        const std::optional<float> value = named ? ParseCategory(feature, field) : ParseFloat(field);
        if (!value.has_value()) {
          return InvalidArgument(
              path_, " line ", reader_.line(), ", column ", header_[columns_[feature]], ": \"",
              field.substr(0, 64), "\" is ",
              named ? "no category that the model was trained on" : "not a number that float32 can hold");
        }
        rows.push_back(*value);
      }
    }
    if (!reader_.status().ok()) return Annotate(reader_.status(), path_);
    return count;
  }

 private:
  CsvRows(const std::string& path, MappedFile file, const CategoryNames* categories)
      : path_(path), file_(std::move(file)), reader_(file_.bytes()), categories_(categories) {}

  // What stands for a missing number stands for a missing category too, unless the model knows it by that
  // name.
  std::optional<float> ParseCategory(uint32_t feature, std::string_view field) const {
    const std::optional<float> code = categories_->Value(feature, field);
    if (code.has_value()) return code;
    const std::optional<float> number = ParseFloat(field);
    return number.has_value() && std::isnan(*number) ? number : std::nullopt;
  }

  absl::Status ReadHeader(const RowSchema& schema) {
    if (!reader_.Next(fields_)) {
      return reader_.status().ok() ? InvalidArgument(path_, ": has no header row")
                                   : Annotate(reader_.status(), path_);
    }
    header_.assign(fields_.begin(), fields_.end());
    std::string lacking;
    for (const std::string& name : schema.feature_names) {
      const std::optional<size_t> column = FindColumn(header_, name);
      if (column.has_value()) {
        columns_.push_back(*column);
      } else if (lacking.empty()) {
        lacking = StrCat(" (and no column \"", name, "\")");
      }
    }
    if (!schema.feature_names.empty() && lacking.empty()) return absl::OkStatus();
    if (header_.size() != schema.num_features) {
      return InvalidArgument(path_, ": has ", header_.size(), " columns", lacking, ", the model has ",
                             schema.num_features, " features");
    }
    columns_.resize(header_.size());
    for (size_t i = 0; i < columns_.size(); ++i) columns_[i] = i;
    return absl::OkStatus();
  }

  const std::string path_;
  const MappedFile file_;
  CsvReader reader_;
  const CategoryNames* const categories_;
  std::vector<std::string> header_;
  // For each feature its column.
  std::vector<size_t> columns_;
  std::vector<std::string_view> fields_;
};

// Cuts the next piece that ends in one of `ends` off `text`.
std::string_view CutToken(std::string_view& text, std::string_view ends) {
  const size_t end = std::min(text.find_first_of(ends), text.size());
  const std::string_view token = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return token;
}

class LibsvmRows final : public RowSource {
 public:
  LibsvmRows(const std::string& path, MappedFile file, uint32_t num_features)
      : path_(path), file_(std::move(file)), rest_(file_.bytes()), num_features_(num_features) {}

  absl::StatusOr<size_t> Read(size_t max_rows, std::vector<float>& rows) override {
    rows.clear();
    size_t count = 0;
    while (count < max_rows && !rest_.empty()) {
      std::string_view line = CutToken(rest_, "\n");
      ++line_;
      line = line.substr(0, line.find('#'));
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      rows.resize(rows.size() + num_features_, kMissing);
      ESPALIER_RETURN_IF_ERROR(ReadLine(line, rows.data() + count * num_features_));
      ++count;
    }
    return count;
  }

 private:
  absl::Status ReadLine(std::string_view line, float* row) const {
    bool first = true;
    for (; !line.empty(); first = false) {
      line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
      if (line.empty()) break;
      const std::string_view token = CutToken(line, " \t\r");
      const size_t colon = token.find(':');
      if (colon == std::string_view::npos && first) continue;  // the label
      if (token.starts_with("qid:")) continue;
      ESPALIER_RETURN_IF_ERROR(ReadPair(token, colon, row));
    }
    return absl::OkStatus();
  }

  absl::Status ReadPair(std::string_view token, size_t colon, float* row) const {
    const auto error = [&](const auto&... what) {
      return InvalidArgument(path_, " line ", line_, ": \"", token.substr(0, 64), "\" ", what...);
    };
    if (colon == std::string_view::npos) return error("is not of the form index:value");
    uint64_t index = 0;
    const char* const end = token.data() + colon;
    const auto parsed = std::from_chars(token.data(), end, index);
    if (parsed.ptr != end || (parsed.ec != std::errc() && parsed.ec != std::errc::result_out_of_range)) {
      return error("is not of the form index:value");
    }
    if (parsed.ec != std::errc() || index >= num_features_) {
      return error("is beyond the model's ", num_features_, " features, numbered from 0");
    }
    const std::optional<float> value = ParseFloat(token.substr(colon + 1));
    if (!value.has_value()) return error("has no value that float32 can hold");
    if (!std::isnan(row[index])) return error("gives a feature twice");
    row[index] = *value;
    return absl::OkStatus();
  }

  const std::string path_;
  const MappedFile file_;
  std::string_view rest_;
  const uint64_t num_features_;
  uint64_t line_ = 0;
};

bool IsLibsvm(const std::string& path, std::string_view bytes) {
  if (path.ends_with(".csv")) return false;
  if (path.ends_with(".libsvm") || path.ends_with(".svm")) return true;
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  return line.find(':') != std::string_view::npos && line.find(',') == std::string_view::npos;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowSource>> OpenRows(const std::string& path, const RowSchema& schema) {
  ESPALIER_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  if (IsNpy(file.bytes()) || path.ends_with(".npy")) {
    return NpyRows::Open(path, std::move(file), schema.num_features);
  }
  if (IsLibsvm(path, file.bytes())) {
    return std::make_unique<LibsvmRows>(path, std::move(file), schema.num_features);
  }
  return CsvRows::Open(path, std::move(file), schema);
}

}  // namespace espalier
