#include "models/forest/c_api/input_rows.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "tests/models/forest/c_api/loaded_forest.h"
#include "tests/testing/xgboost_peer.h"

namespace espalier {
namespace {

using testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kColumns = 6;

void ExpectRefused(const espalier_rows& rows, const std::string& fragment) {
  absl::StatusOr<InputRows> input = InputRows::Create(&rows, kColumns);
  absl::Status status = input.status();
  if (status.ok()) {
    std::vector<float> scratch;
    status = input->Read(0, input->count(), &scratch).status();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << fragment;
  EXPECT_THAT(std::string(Message(status)), HasSubstr(fragment));
}

// The float32 that a float64 becomes.
float Converted(double value) {
  std::vector<double> row(kColumns, value);
  const espalier_rows rows = DenseRows(row, kColumns);
  std::vector<float> scratch;
  const absl::StatusOr<Rows> read = InputRows::Create(&rows, kColumns)->Read(0, 1, &scratch);
  EXPECT_TRUE(read.ok()) << Message(read.status());
  return scratch.back();
}

std::string Array(const void* data, size_t size, const std::string& type) {
  return StrCat(R"({"data":[)", reinterpret_cast<uintptr_t>(data), R"(,true],"shape":[)", size,
                R"(],"typestr":")", type, R"(","version":3})");
}

constexpr char kConfig[] =
    R"({"type":1,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"cache_id":0,"missing":NaN})";

// Rows in CSR, as the C interface and XGBoost take them.
struct Sparse {
  std::vector<uint64_t> offsets = {0};
  std::vector<uint32_t> columns;
  std::vector<float> values;

  explicit Sparse(const FloatMatrix& dense) {
    for (size_t i = 0; i < dense.values.size(); ++i) {
      if (!std::isnan(dense.values[i])) {
        columns.push_back(static_cast<uint32_t>(i % dense.columns));
        values.push_back(dense.values[i]);
      }
      if ((i + 1) % dense.columns == 0) offsets.push_back(values.size());
    }
  }

  espalier_rows Rows() const {
    return {.struct_size = sizeof(espalier_rows),
            .layout = ESPALIER_CSR,
            .values = values.data(),
            .num_rows = offsets.size() - 1,
            .num_columns = kColumns,
            .row_offsets = offsets.data(),
            .columns = columns.data(),
            .num_values = values.size()};
  }
};

class InputRowsPeerTest : public testing::Test {
 protected:
  static LabelledRows Data() {
    LabelledRows data;
    data.rows = RandomRows(3, 700, kColumns, 0.3);
    data.labels = RandomLabels(4, data.rows);
    return data;
  }

  const LabelledRows data_ = Data();
  const XgboostPeer peer_ = XgboostPeer::Train(data_, {{"max_depth", "5"}}, 8);
  const LoadedForest forest_ = LoadForestBytes(peer_.Save("ubj"));
  const espalier_predict_options margin_ = OptionsOf(ESPALIER_MARGIN);
};

TEST_F(InputRowsPeerTest, DoublesGiveXgboostsBits) {
  // Doubles between two floats, close to the thresholds of the model, which are midpoints of the data.
  std::vector<double> doubles;
  for (size_t i = 0; i < data_.rows.values.size(); ++i) {
    doubles.push_back(data_.rows.values[i] * (1 + (i % 7 - 3.0) * 0x1p-25));
  }
  const std::string array =
      StrCat(R"({"data":[)", reinterpret_cast<uintptr_t>(doubles.data()), R"(,true],"shape":[)",
             data_.rows.rows, ",", kColumns, R"(],"typestr":"<f8","version":3})");
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* theirs = nullptr;
  CheckXgboost(XGBoosterPredictFromDense(peer_.handle(), array.c_str(), kConfig, nullptr, &shape, &dimensions,
                                         &theirs));
  EXPECT_EQ(PredictFloats(forest_, DenseRows(doubles, kColumns), margin_),
            std::vector<float>(theirs, theirs + data_.rows.rows));
}

TEST_F(InputRowsPeerTest, SparseRowsGiveXgboostsBits) {
  const Sparse sparse(data_.rows);
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* theirs = nullptr;
  CheckXgboost(XGBoosterPredictFromCSR(peer_.handle(),
                                       Array(sparse.offsets.data(), sparse.offsets.size(), "<u8").c_str(),
                                       Array(sparse.columns.data(), sparse.columns.size(), "<u4").c_str(),
                                       Array(sparse.values.data(), sparse.values.size(), "<f4").c_str(),
                                       kColumns, kConfig, nullptr, &shape, &dimensions, &theirs));
  EXPECT_EQ(PredictFloats(forest_, sparse.Rows(), margin_),
            std::vector<float>(theirs, theirs + data_.rows.rows));
}

TEST_F(InputRowsPeerTest, AnyStrideAndAlignmentGiveTheSame) {
  const std::vector<float> expected = PredictFloats(forest_, DenseRows(data_.rows.values, kColumns), margin_);
  for (const int32_t type : {ESPALIER_FLOAT32, ESPALIER_FLOAT64}) {
    const size_t size = type == ESPALIER_FLOAT32 ? sizeof(float) : sizeof(double);
    const size_t stride = kColumns * size + 13;
    // The last row ends with the buffer, so that ASan sees a read beyond it.
    std::vector<char> bytes(3 + (data_.rows.rows - 1) * stride + kColumns * size);
    for (size_t i = 0; i < data_.rows.values.size(); ++i) {
      char* const to = &bytes[3 + i / kColumns * stride + i % kColumns * size];
      const double wide = data_.rows.values[i];
      std::memcpy(to, size == sizeof(float) ? static_cast<const void*>(&data_.rows.values[i]) : &wide, size);
    }
    espalier_rows rows = DenseRows(data_.rows.values, kColumns);
    rows.type = type;
    rows.values = &bytes[3];
    rows.row_stride = stride;
    EXPECT_EQ(PredictFloats(forest_, rows, margin_), expected) << type;
  }
}

TEST_F(InputRowsPeerTest, BaseMarginsFollowTheirRowsThroughTheChunks) {
  const Sparse sparse(data_.rows);
  ASSERT_GT(data_.rows.rows, InputRows::Create(&(const espalier_rows&)sparse.Rows(), kColumns)->ChunkRows());
  std::vector<float> base;
  for (size_t i = 0; i < data_.rows.rows; ++i) base.push_back(static_cast<float>(i));
  espalier_predict_options options = margin_;
  options.base_margin = base.data();
  options.base_margin_size = base.size();
  const XgboostPeer::Request request = {.type = XgboostPeer::kMargin, .base_margin = base};
  EXPECT_EQ(PredictFloats(forest_, sparse.Rows(), options), peer_.Predict(data_.rows, request));
}

TEST(InputRowsTest, DoublesAreRoundedToTheNearest) {
  EXPECT_EQ(Converted(0.1), 0.1f);
  EXPECT_EQ(Converted(1 + 0x1p-24), 1.0f);
  EXPECT_EQ(Converted(1 + 0x1.8p-24), 1 + 0x1p-23f);
  EXPECT_EQ(Converted(1e-60), 0.0f);
  EXPECT_EQ(Converted(kInfinity), std::numeric_limits<float>::infinity());
  EXPECT_EQ(Converted(-kInfinity), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::signbit(Converted(-1e-60)));
  EXPECT_TRUE(std::isnan(Converted(kNaN)));
}

TEST(InputRowsTest, DoublesBeyondFloatAreRefusedByPlace) {
  std::vector<double> values(3 * kColumns, 1.0);
  values[kColumns + 2] = -1e39;
  ExpectRefused(DenseRows(values, kColumns), "row 1, column 2 is -1e+39, which float32 cannot hold");
  const uint64_t offsets[] = {0, 0, 1};
  const uint32_t columns[] = {4};
  const double huge = 1e300;
  espalier_rows rows = Sparse(FloatMatrix{}).Rows();
  rows.type = ESPALIER_FLOAT64;
  rows.values = &huge;
  rows.num_rows = 2;
  rows.row_offsets = offsets;
  rows.columns = columns;
  rows.num_values = 1;
  ExpectRefused(rows, "row 1, column 4 is 1e+300");
}

TEST(InputRowsTest, OfTwoValuesInOneColumnTheLastCounts) {
  Sparse sparse(FloatMatrix{});
  sparse.offsets = {0, 3, 3};
  sparse.columns = {5, 1, 5};
  sparse.values = {10, 20, 30};
  const espalier_rows rows = sparse.Rows();
  std::vector<float> scratch(2 * kColumns, 99.0f);
  ASSERT_TRUE(InputRows::Create(&rows, kColumns)->Read(0, 2, &scratch).ok());
  EXPECT_EQ(scratch[5], 30);
  EXPECT_EQ(scratch[1], 20);
  EXPECT_TRUE(std::isnan(scratch[0]));
  EXPECT_TRUE(std::isnan(scratch[2 * kColumns - 1]));
}

TEST(InputRowsTest, EnumeratorsThatAreNoneAreRefused) {
  const std::vector<float> values(kColumns);
  for (const int32_t value : {-1, 2, 0x01000000}) {
    espalier_rows rows = DenseRows(values, kColumns);
    rows.layout = value;
    ExpectRefused(rows, StrCat("espalier_rows.layout is ", value));
    rows = DenseRows(values, kColumns);
    rows.type = value;
    ExpectRefused(rows, StrCat("espalier_rows.type is ", value));
  }
}

TEST(InputRowsTest, DenseRowsThatCannotBeAreRefused) {
  const std::vector<float> values(kColumns);
  const espalier_rows good = DenseRows(values, kColumns);
  espalier_rows rows = good;
  for (const size_t columns : {size_t{0}, kColumns - 1, kColumns + 1, SIZE_MAX}) {
    rows.num_columns = columns;
    ExpectRefused(rows, StrCat("num_columns is ", columns));
  }
  rows = good;
  rows.values = nullptr;
  ExpectRefused(rows, "espalier_rows.values is NULL");
  rows = good;
  rows.row_stride = kColumns * sizeof(float) - 1;
  ExpectRefused(rows, "row_stride is 23 bytes");
  rows = good;
  rows.num_rows = SIZE_MAX / 8;
  ExpectRefused(rows, "num_rows is");
  rows = good;
  rows.row_stride = SIZE_MAX;
  rows.num_rows = 2;
  ExpectRefused(rows, "num_rows is 2");
  rows = good;
  rows.struct_size = sizeof(rows) - 1;
  ExpectRefused(rows, "espalier_rows.struct_size is 71");
}

TEST(InputRowsTest, SparseRowsThatContradictThemselvesAreRefused) {
  Sparse sparse(FloatMatrix{});
  sparse.offsets = {0, 1, 3};
  sparse.columns = {0, 1, 2};
  sparse.values = {1, 2, 3};
  const espalier_rows good = sparse.Rows();
  espalier_rows rows = good;
  rows.row_offsets = nullptr;
  ExpectRefused(rows, "row_offsets is NULL");
  rows = good;
  rows.columns = nullptr;
  ExpectRefused(rows, "columns is NULL");
  rows = good;
  rows.values = nullptr;
  ExpectRefused(rows, "values is NULL");
  rows = good;
  rows.row_stride = 24;
  ExpectRefused(rows, "row_stride is 24");
  rows = good;
  rows.num_values = 2;
  ExpectRefused(rows, "row_offsets[2] is 3, must be 1 to 2");
  rows = good;
  rows.num_rows = SIZE_MAX;
  ExpectRefused(rows, "num_rows is");
  rows = good;
  rows.num_values = SIZE_MAX;
  ExpectRefused(rows, "num_values is");

  sparse.offsets = {2, 1, 3};
  ExpectRefused(sparse.Rows(), "row_offsets[1] is 1, must be 2 to 3");
  sparse.offsets = {0, 1, 3};
  sparse.columns = {0, 1, kColumns};
  ExpectRefused(sparse.Rows(), "columns[2] is 6, the model has 6");
}

}  // namespace
}  // namespace espalier
