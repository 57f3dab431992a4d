// A repository directory of a test's own, tiny models to put into it, and what is logged meanwhile.
#ifndef ESPALIER_TESTS_MODELS_REPOSITORY_REPOSITORY_FOLDER_H_
#define ESPALIER_TESTS_MODELS_REPOSITORY_REPOSITORY_FOLDER_H_

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "models/repository/model_catalog.h"

namespace spdlog {
class logger;
}

namespace espalier {

struct TinyModelOptions {
  std::string objective = "reg:squarederror";
  int num_features = 2;
  int num_class = 0;
  // Empty, or one a feature.
  std::vector<std::string> feature_names;
};

// XGBoost JSON of one stump (or one a class) over a base score of 0 or its equal: the margin is `value` where
// feature 0 is < 0.5, and `value` + 0.5 elsewhere.
std::string TinyModel(float value, const TinyModelOptions& options = {});

// A linear model over two features in XGBoost's old binary format; it answers zeros with `value`.
std::string TinyBinaryModel(float value);

// What the loaded model answers for a row of zeros.
float PredictZeros(const LoadedModel& model);

// Created empty, removed with the object.
class RepositoryFolder {
 public:
  RepositoryFolder();
  ~RepositoryFolder();
  RepositoryFolder(const RepositoryFolder&) = delete;
  RepositoryFolder& operator=(const RepositoryFolder&) = delete;

  const std::string& path() const { return path_; }

  // Writes `text` to `name` ("a/1/xgboost.json") in place, with the folders that it needs.
  void Write(const std::string& name, std::string_view text) const;
  // Gives the file another time, and leaves its bytes.
  void Touch(const std::string& name) const;
  void Remove(const std::string& name) const;
  bool Has(const std::string& name) const;
  std::string Read(const std::string& name) const;

 private:
  const std::string path_;
};

// Takes all log lines of its lifetime.
class LogLines {
 public:
  LogLines();
  ~LogLines();
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;

  // Those that hold `text`.
  std::vector<std::string> With(std::string_view text) const;

 private:
  std::ostringstream lines_;
  std::shared_ptr<spdlog::logger> previous_;
};

}  // namespace espalier

#endif  // ESPALIER_TESTS_MODELS_REPOSITORY_REPOSITORY_FOLDER_H_
