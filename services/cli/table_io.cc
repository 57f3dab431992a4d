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
        new NpyRows(std::move(file), header->data_begin, header->shape[0], row_bytes));
  }

  RowPart Next(size_t max_rows) override {
    const size_t bytes = std::min(rest_.size(), max_rows * row_bytes_);
    const RowPart part = {rest_.substr(0, bytes)};
    rest_.remove_prefix(bytes);
    return part;
  }

  absl::StatusOr<Rows> Read(const RowPart& part, std::vector<float>& /*values*/) const override {
    return Rows{reinterpret_cast<const std::byte*>(part.bytes.data()), part.bytes.size() / row_bytes_,
                row_bytes_};
  }

  size_t size() const override { return size_; }

 private:
  NpyRows(MappedFile file, size_t begin, uint64_t rows, size_t row_bytes)
      : file_(std::move(file)),
        row_bytes_(row_bytes),
        size_(rows * row_bytes),
        rest_(file_.bytes().substr(begin, size_)) {}

  static std::string ShapeText(const std::vector<uint64_t>& shape) {
    std::string text;
    for (const uint64_t size : shape) text += StrCat(text.empty() ? "" : ", ", size);
    return StrCat("(", text, ")");
  }

  const MappedFile file_;
  const size_t row_bytes_;
  const size_t size_;
  std::string_view rest_;
};

// The rows that were parsed into `values`.
Rows AsRows(const std::vector<float>& values, size_t num_features) {
  const size_t row_bytes = num_features * sizeof(float);
  const size_t count = num_features == 0 ? 0 : values.size() / num_features;
  return {reinterpret_cast<const std::byte*>(values.data()), count, row_bytes};
}

// The length of the first `lines` lines of `text`, and of those after them up to one that is not empty.
size_t LengthOfLines(std::string_view text, size_t lines) {
  size_t end = 0;
  while (lines > 0 && end < text.size()) {
    const size_t begin = end;
    end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const bool empty = text.substr(begin, end - begin).find_first_not_of("\r\n") == std::string_view::npos;
    if (lines > 1 || !empty) --lines;
  }
  return end;
}

// Cuts parts off a text.
class PartCutter {
 public:
  explicit PartCutter(std::string_view text = {}, uint64_t first_line = 1)
      : rest_(text), line_(first_line), size_(text.size()) {}

  std::string_view rest() const { return rest_; }
  uint64_t line() const { return line_; }
  size_t size() const { return size_; }

  RowPart Cut(size_t bytes) {
    const RowPart part = {rest_.substr(0, bytes), line_};
    rest_.remove_prefix(bytes);
    line_ += static_cast<uint64_t>(std::count(part.bytes.begin(), part.bytes.end(), '\n'));
    return part;
  }

 private:
  std::string_view rest_;
  uint64_t line_;
  size_t size_;
};

class CsvRows final : public RowSource {
 public:
  static absl::StatusOr<std::unique_ptr<RowSource>> Open(const std::string& path, MappedFile file,
                                                         const RowSchema& schema) {
    std::unique_ptr<CsvRows> rows(new CsvRows(path, std::move(file), schema.category_names));
    ESPALIER_RETURN_IF_ERROR(rows->ReadHeader(schema));
    return rows;
  }

  // A line is a record, unless there are quotes.
  RowPart Next(size_t max_rows) override {
    const size_t lines = LengthOfLines(cutter_.rest(), max_rows);
    if (cutter_.rest().substr(0, lines).find('"') == std::string_view::npos) return cutter_.Cut(lines);
    CsvReader reader(cutter_.rest(), cutter_.line());
    std::vector<std::string_view> fields;
    for (size_t i = 0; i < max_rows && reader.Next(fields);)
      i += fields.size() == 1 && fields[0].empty() ? 0 : 1;
    // What is wrong is said when the part is read.
    return cutter_.Cut(reader.status().ok() ? cutter_.rest().size() - reader.rest().size()
                                            : cutter_.rest().size());
  }

  absl::StatusOr<Rows> Read(const RowPart& part, std::vector<float>& values) const override {
    values.clear();
    CsvReader reader(part.bytes, part.first_line);
    std::vector<std::string_view> fields;
    while (reader.Next(fields)) ESPALIER_RETURN_IF_ERROR(ReadRecord(fields, reader.line(), values));
    if (!reader.status().ok()) return Annotate(reader.status(), path_);
    return AsRows(values, columns_.size());
  }

  size_t size() const override { return cutter_.size(); }

 private:
  CsvRows(const std::string& path, MappedFile file, const CategoryNames* categories)
      : path_(path), file_(std::move(file)), categories_(categories) {}

  absl::Status ReadRecord(const std::vector<std::string_view>& fields, uint64_t line,
                          std::vector<float>& values) const {
    if (fields.size() != header_.size()) {
      return InvalidArgument(path_, " line ", line, ": has ", fields.size(), " fields, the header has ",
                             header_.size());
    }
    for (uint32_t feature = 0; feature < columns_.size(); ++feature) {
      const std::string_view field = fields[columns_[feature]];
      const bool named = categories_ != nullptr && categories_->Has(feature);
      const std::optional<float> value = named ? ParseCategory(feature, field) : ParseFloat(field);
      if (!value.has_value()) {
        return InvalidArgument(
            path_, " line ", line, ", column ", header_[columns_[feature]], ": \"", field.substr(0, 64),
            "\" is ",
            named ? "no category that the model was trained on" : "not a number that float32 can hold");
      }
      values.push_back(*value);
    }
    return absl::OkStatus();
  }

  // What stands for a missing number stands for a missing category too, unless the model knows it by that
  // name.
  std::optional<float> ParseCategory(uint32_t feature, std::string_view field) const {
    const std::optional<float> code = categories_->Value(feature, field);
    if (code.has_value()) return code;
    const std::optional<float> number = ParseFloat(field);
    return number.has_value() && std::isnan(*number) ? number : std::nullopt;
  }

  absl::Status ReadHeader(const RowSchema& schema) {
    CsvReader reader(file_.bytes());
    std::vector<std::string_view> fields;
    if (!reader.Next(fields)) {
      return reader.status().ok() ? InvalidArgument(path_, ": has no header row")
                                  : Annotate(reader.status(), path_);
    }
    header_.assign(fields.begin(), fields.end());
    const size_t begin = file_.bytes().size() - reader.rest().size();
    const std::string_view head = file_.bytes().substr(0, begin);
    cutter_ =
        PartCutter(reader.rest(), 1 + static_cast<uint64_t>(std::count(head.begin(), head.end(), '\n')));
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
  const CategoryNames* const categories_;
  PartCutter cutter_;
  std::vector<std::string> header_;
  // For each feature its column.
  std::vector<size_t> columns_;
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
      : path_(path), file_(std::move(file)), cutter_(file_.bytes()), num_features_(num_features) {}

  RowPart Next(size_t max_rows) override { return cutter_.Cut(LengthOfLines(cutter_.rest(), max_rows)); }

  absl::StatusOr<Rows> Read(const RowPart& part, std::vector<float>& values) const override {
    values.clear();
    uint64_t number = part.first_line;
    for (std::string_view rest = part.bytes; !rest.empty(); ++number) {
      std::string_view line = CutToken(rest, "\n");
      line = line.substr(0, line.find('#'));
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      values.resize(values.size() + num_features_, kMissing);
      const absl::Status read = ReadLine(line, values.data() + values.size() - num_features_);
      if (!read.ok()) return Annotate(read, StrCat(path_, " line ", number));
    }
    return AsRows(values, num_features_);
  }

  size_t size() const override { return cutter_.size(); }

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
      return InvalidArgument("\"", token.substr(0, 64), "\" ", what...);
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
  PartCutter cutter_;
  const uint64_t num_features_;
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
