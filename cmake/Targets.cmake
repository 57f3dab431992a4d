# The helpers by which every folder declares itself: one library a folder, with its DEPS spelled out.
# The DEPS lists are the architecture; tests/architecture checks them against the includes.

add_library(espalier_options INTERFACE)
target_compile_features(espalier_options INTERFACE cxx_std_20)
target_include_directories(espalier_options INTERFACE
  "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR};${CMAKE_BINARY_DIR}>")
# How we compile is our affair: who links an installed library chooses his own warnings.
set(options -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -ffp-contract=off)
if(ESPALIER_WERROR)
  list(APPEND options -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # A false alarm on assigning a literal to a std::string (GCC bug 105651).
  list(APPEND options -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  list(APPEND options -Wthread-safety)
endif()
target_compile_options(espalier_options INTERFACE "$<BUILD_INTERFACE:${options}>")
if(ESPALIER_SANITIZE STREQUAL "thread")
  # Protobuf's classes have further members where its headers see ThreadSanitizer, and the prebuilt library has not.
  set(ESPALIER_SANITIZE_DEFINITIONS -U__SANITIZE_THREAD__ -DESPALIER_TSAN)
endif()
if(ESPALIER_SANITIZE)
  target_compile_options(espalier_options INTERFACE ${ESPALIER_SANITIZE_DEFINITIONS}
    -fsanitize=${ESPALIER_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(espalier_options INTERFACE -fsanitize=${ESPALIER_SANITIZE})
endif()

# espalier_library(NAME SOURCES a.cc DEPS x y PRIVATE_DEPS z): a static library `espalier_NAME`, alias `espalier::NAME`.
function(espalier_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(espalier_${name} STATIC ${ARG_SOURCES})
  add_library(espalier::${name} ALIAS espalier_${name})
  target_link_libraries(espalier_${name} PUBLIC espalier_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# Optimises a library in sanitized builds that do not optimise, for its tests compute long.
function(espalier_optimize_when_sanitized name)
  if(ESPALIER_SANITIZE AND CMAKE_CXX_FLAGS_DEBUG MATCHES "-O0")
    target_compile_options(espalier_${name} PRIVATE -O1)
  endif()
endfunction()

# espalier_header_library(NAME DEPS x): the same for a folder without sources.
function(espalier_header_library name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_library(espalier_${name} INTERFACE)
  add_library(espalier::${name} ALIAS espalier_${name})
  target_link_libraries(espalier_${name} INTERFACE espalier_options ${ARG_DEPS})
endfunction()

# What `tests/run` builds in each further configuration: the tests that carry its label, and the fuzzers.
add_custom_target(tests_asan)
add_custom_target(tests_tsan)
add_custom_target(fuzzers)

# espalier_test(NAME SOURCES a_test.cc DEPS x LABELS tsan): a GoogleTest program, each case registered with CTest.
# LABELS say in which further configurations `tests/run` runs it: `asan` and `tsan`.
function(espalier_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE espalier_options ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  foreach(label ${ARG_LABELS})
    if(TARGET tests_${label})
      add_dependencies(tests_${label} ${name})
    endif()
  endforeach()
  # One word, which `ctest -L` searches: a list would not survive the way through the discovery.
  string(REPLACE ";" "_" labels "${ARG_LABELS}")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${labels}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# espalier_fuzz(NAME SOURCES a_fuzz.cc DEPS x): a libFuzzer program, built by the `fuzz` preset only.
function(espalier_fuzz name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(ESPALIER_FUZZ)
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE espalier_options ${ARG_DEPS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
  endif()
endfunction()

# espalier_proto(NAME PROTOS a.proto DEPS x [GRPC]): generated code, included as "path/of/a.pb.h" from the root. What
# lies below proto/google is published, and keeps its published name: "google/rpc/status.proto", whoever else has it.
function(espalier_proto name)
  cmake_parse_arguments(ARG "GRPC" "" "PROTOS;DEPS" ${ARGN})
  set(generated)
  foreach(proto ${ARG_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" base ${proto})
    set(imports -I ${CMAKE_SOURCE_DIR} -I ${CMAKE_SOURCE_DIR}/proto)
    if(proto MATCHES "^proto/google/")
      string(REGEX REPLACE "^proto/" "" base ${base})
      set(imports -I ${CMAKE_SOURCE_DIR}/proto)
    endif()
    set(outputs ${CMAKE_BINARY_DIR}/${base}.pb.cc ${CMAKE_BINARY_DIR}/${base}.pb.h)
    set(command --cpp_out=${CMAKE_BINARY_DIR})
    if(ARG_GRPC)
      list(APPEND outputs ${CMAKE_BINARY_DIR}/${base}.grpc.pb.cc ${CMAKE_BINARY_DIR}/${base}.grpc.pb.h)
      list(APPEND command --grpc_out=${CMAKE_BINARY_DIR} --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>)
    endif()
    add_custom_command(OUTPUT ${outputs}
      COMMAND protobuf::protoc ${imports} ${command} ${CMAKE_SOURCE_DIR}/${proto}
      DEPENDS ${CMAKE_SOURCE_DIR}/${proto} VERBATIM)
    list(APPEND generated ${outputs})
  endforeach()
  add_library(espalier_${name} STATIC ${generated})
  add_library(espalier::${name} ALIAS espalier_${name})
  target_include_directories(espalier_${name} SYSTEM PUBLIC ${CMAKE_BINARY_DIR})
  target_compile_features(espalier_${name} PUBLIC cxx_std_20)
  target_link_libraries(espalier_${name} PUBLIC protobuf::libprotobuf ${ARG_DEPS})
  if(ARG_GRPC)
    target_link_libraries(espalier_${name} PUBLIC gRPC::grpc++)
  endif()
  if(ESPALIER_SANITIZE)
    # Generated code is not what a sanitized build looks for, and takes minutes to instrument in full.
    target_compile_options(espalier_${name} PRIVATE ${ESPALIER_SANITIZE_DEFINITIONS} -fsanitize=${ESPALIER_SANITIZE}
      -fno-sanitize=undefined -O0)
  endif()
endfunction()
