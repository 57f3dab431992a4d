#include "services/cli/table_writer.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/cli/npy_header.h"

namespace espalier {
namespace {

// A file beside its final name until it is complete.
class PendingFile {
 public:
  explicit PendingFile(const std::string& path)
      : path_(path),
        pending_(StrCat(path, ".", getpid(), ".part")),
        file_(std::fopen(pending_.c_str(), "wb")) {}

  ~PendingFile() {
    if (file_ == nullptr) return;
    std::fclose(file_);
    std::remove(pending_.c_str());
  }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  absl::Status status() const { return file_ != nullptr ? absl::OkStatus() : ErrnoError(); }

  absl::Status Append(const void* bytes, size_t size) {
    return std::fwrite(bytes, 1, size, file_) == size ? absl::OkStatus() : ErrnoError();
  }

  // Replaces the first bytes.
  absl::Status Overwrite(std::string_view bytes) {
    return std::fseek(file_, 0, SEEK_SET) == 0 ? Append(bytes.data(), bytes.size()) : ErrnoError();
  }

  absl::Status Finish() {
    if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0) return ErrnoError();
    if (std::rename(pending_.c_str(), path_.c_str()) != 0) return ErrnoError();
    std::fclose(std::exchange(file_, nullptr));
    return absl::OkStatus();
  }

 private:
  absl::Status ErrnoError() const {
    return Error(absl::StatusCode::kFailedPrecondition, path_, ": ", std::strerror(errno));
  }

  const std::string path_;
  const std::string pending_;
  std::FILE* file_;
};

class NpyWriter final : public TableWriter {
 public:
  NpyWriter(const std::string& path, TableShape shape) : file_(path), shape_(std::move(shape)) {}

  absl::Status Start() {
    ESPALIER_RETURN_IF_ERROR(file_.status());
    const std::string header = Header();
    return file_.Append(header.data(), header.size());
  }

  std::string Encode(std::span<const float> values) const override { return Bytes(values); }
  std::string Encode(std::span<const double> values) const override { return Bytes(values); }
  std::string Encode(std::span<const int32_t> values) const override { return Bytes(values); }

  absl::Status Append(std::string_view rows) override {
    numbers_ += rows.size() / (shape_.doubles ? sizeof(double) : sizeof(float));
    return file_.Append(rows.data(), rows.size());
  }

  absl::Status Finish() override {
    ESPALIER_RETURN_IF_ERROR(file_.Overwrite(Header()));
    return file_.Finish();
  }

 private:
  std::string Header() const {
    uint64_t width = 1;
    for (const uint64_t size : shape_.row_shape) width *= size;
    std::vector<uint64_t> shape = {width == 0 ? 0 : numbers_ / width};
    shape.insert(shape.end(), shape_.row_shape.begin(), shape_.row_shape.end());
    return MakeNpyHeader(shape_.integers ? "<i4" : shape_.doubles ? "<f8" : "<f4", shape);
  }

  template <typename Number>
  static std::string Bytes(std::span<const Number> values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }

  PendingFile file_;
  const TableShape shape_;
  uint64_t numbers_ = 0;
};

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

class CsvWriter final : public TableWriter {
 public:
  CsvWriter(const std::string& path, TableShape shape) : file_(path), shape_(std::move(shape)) {}

  absl::Status Start() {
    ESPALIER_RETURN_IF_ERROR(file_.status());
    std::string header;
    for (const std::string& name : shape_.column_names)
      header += (header.empty() ? "" : ",") + CsvField(name);
    header += '\n';
    return file_.Append(header.data(), header.size());
  }

  std::string Encode(std::span<const float> values) const override { return Text(values); }
  std::string Encode(std::span<const double> values) const override { return Text(values); }
  std::string Encode(std::span<const int32_t> values) const override { return Text(values); }

  absl::Status Append(std::string_view rows) override { return file_.Append(rows.data(), rows.size()); }

  absl::Status Finish() override { return file_.Finish(); }

 private:
  template <typename Number>
  std::string Text(std::span<const Number> values) const {
    const size_t width = shape_.column_names.size();
    std::string text;
    for (size_t i = 0; i < values.size(); ++i) {
      // Of a float64, -2.2250738585072014e-308 is one of the longest.
      char digits[32];
      text.append(digits, std::to_chars(digits, digits + sizeof(digits), values[i]).ptr);
      text += (i + 1) % width == 0 ? '\n' : ',';
    }
    return text;
  }

  PendingFile file_;
  const TableShape shape_;
};

template <typename Writer>
absl::StatusOr<std::unique_ptr<TableWriter>> Start(const std::string& path, TableShape shape) {
  auto writer = std::make_unique<Writer>(path, std::move(shape));
  ESPALIER_RETURN_IF_ERROR(writer->Start());
  return writer;
}

}  // namespace

bool IsTablePath(const std::string& path) { return path.ends_with(".npy") || path.ends_with(".csv"); }

absl::StatusOr<std::unique_ptr<TableWriter>> TableWriter::Create(const std::string& path, TableShape shape) {
  if (path.ends_with(".npy")) return Start<NpyWriter>(path, std::move(shape));
  if (path.ends_with(".csv")) return Start<CsvWriter>(path, std::move(shape));
  return InvalidArgument(path, ": must end in .npy or .csv");
}

}  // namespace espalier
