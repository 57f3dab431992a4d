// What the tests of this folder have in common: documents in memory, and requests.
#ifndef ESPALIER_TESTS_ROUTER_C_API_LOADED_EXPERIMENTS_H_
#define ESPALIER_TESTS_ROUTER_C_API_LOADED_EXPERIMENTS_H_

#include <memory>
#include <string>
#include <string_view>

#include "espalier/assign.h"
#include "gtest/gtest.h"

namespace espalier {

using LoadedExperiments = std::unique_ptr<espalier_experiments, decltype(&espalier_experiments_free)>;

inline LoadedExperiments LoadText(std::string_view text, const char* name = "e.yaml") {
  espalier_experiments* experiments = nullptr;
  EXPECT_EQ(espalier_experiments_load_memory(text.data(), text.size(), name, &experiments), ESPALIER_OK)
      << espalier_assign_error();
  return {experiments, espalier_experiments_free};
}

inline espalier_request RequestOf(const char* model, const char* unit) {
  espalier_request request = {};
  request.struct_size = sizeof(request);
  request.model = model;
  request.unit = unit;
  request.now_micros = 1'700'000'000'000'000;
  return request;
}

inline espalier_assignment Assign(const LoadedExperiments& experiments, const espalier_request& request) {
  espalier_assignment assignment = {};
  assignment.struct_size = sizeof(assignment);
  EXPECT_EQ(espalier_experiments_assign(experiments.get(), &request, &assignment), ESPALIER_OK)
      << espalier_assign_error();
  return assignment;
}

}  // namespace espalier

#endif  // ESPALIER_TESTS_ROUTER_C_API_LOADED_EXPERIMENTS_H_
