#include "services/rpc/grpc_status.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

std::string Repeated(const std::string& text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(GrpcStatusTest, AMessageThatFitsIsLeftAlone) {
  const std::string message = "output 'caf\xc3\xa9' is 100 %";
  EXPECT_EQ(ErrorText(message), message);
  EXPECT_EQ(ErrorText(std::string(kMaxErrorBytes, 'x')), std::string(kMaxErrorBytes, 'x'));
  EXPECT_EQ(ErrorText(""), "");
  const grpc::Status status = ToGrpc(absl::NotFoundError(message));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), message);
  EXPECT_EQ(FromGrpc(status), absl::NotFoundError(message));
}

TEST(GrpcStatusTest, ALongMessageIsCutToWhatAHeaderTakes) {
  EXPECT_EQ(ErrorText(std::string(kMaxErrorBytes + 1, 'x')), std::string(kMaxErrorBytes - 3, 'x') + "...");
  // Each of these takes three bytes in the header.
  EXPECT_EQ(ErrorText(std::string(20'000, '%')), std::string((kMaxErrorBytes - 3) / 3, '%') + "...");
  EXPECT_EQ(ToGrpc(absl::InvalidArgumentError(std::string(1 << 20, '\n'))).error_message().size(),
            (kMaxErrorBytes - 3) / 3 + 3);
}

TEST(GrpcStatusTest, TheCutLiesBetweenCharacters) {
  for (size_t before = 0; before < 12; ++before) {
    const std::string text = ErrorText(std::string(before, 'x') + Repeated("\xf0\x9f\x8c\xb3", 1000));
    EXPECT_THAT(text, StartsWith(std::string(before, 'x')));
    EXPECT_THAT(text, EndsWith("\xf0\x9f\x8c\xb3..."));
    EXPECT_LE(before + (text.size() - 3 - before) * 3 + 3, kMaxErrorBytes);
    EXPECT_GT(before + (text.size() - 3 - before) * 3 + 3, kMaxErrorBytes - 12);
  }
}

}  // namespace
}  // namespace espalier
