#include "models/base/file.h"

#include <sys/stat.h>

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

class FileTest : public ::testing::Test {
 protected:
  FileTest() : folder_(testing::TempDir() + "/file_test." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

  const std::string folder_;
};

TEST_F(FileTest, ReadsBackWhatWasWritten) {
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(WriteFileAtomically(path, std::string("one\0two", 7)).ok());
  EXPECT_EQ(*ReadFile(path), std::string("one\0two", 7));
  ASSERT_TRUE(WriteFileAtomically(path, "three").ok());
  EXPECT_EQ(*ReadFile(path), "three");
}

TEST_F(FileTest, LeavesNoTemporaryFile) {
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/a", "x").ok());
  EXPECT_FALSE(WriteFileAtomically(folder_ + "/missing/a", "x").ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, RefusesWhatIsNoRegularFile) {
  EXPECT_EQ(ReadFile(folder_).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(ReadFile(folder_).status().message(), HasSubstr("is a directory"));
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(pipe).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadFile(folder_ + "/none").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FileTest, RefusesMoreThanItsLimit) {
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/a", "12345").ok());
  EXPECT_EQ(ReadFile(folder_ + "/a", 4).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(ReadFile(folder_ + "/a", 5).ok());
}

}  // namespace
}  // namespace espalier
