# All tests with the label "threads"; and all headers that are generated from protos.
add_custom_target(threads_tests)
add_custom_target(generated_headers)

# muster_room(NAME name [HEADERS ...] [SOURCES ...] [USES ...] [USES_PRIVATELY ...])
# makes the target muster::<name>. USES is PUBLIC: for what the room's headers include.
function(muster_room)
  cmake_parse_arguments(ROOM "" "NAME" "HEADERS;SOURCES;USES;USES_PRIVATELY" ${ARGN})
  set(target muster_${ROOM_NAME})
  if(ROOM_SOURCES)
    add_library(${target} STATIC ${ROOM_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE ${ROOM_USES_PRIVATELY})
    target_link_libraries(${target} PRIVATE muster_flags)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${target} ${scope} ${ROOM_USES})
  target_include_directories(${target} ${scope} "${CMAKE_SOURCE_DIR}")
  target_compile_features(${target} ${scope} cxx_std_20)
  if(ROOM_HEADERS)
    target_sources(${target} ${scope} FILE_SET HEADERS
      BASE_DIRS "${CMAKE_SOURCE_DIR}" FILES ${ROOM_HEADERS})
    if(ROOM_SOURCES)
      set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
    endif()
  endif()
  add_library(muster::${ROOM_NAME} ALIAS ${target})
endfunction()

# muster_program(NAME name [SOURCES ...] [USES ...]) makes bin/<name>.
function(muster_program)
  cmake_parse_arguments(PROGRAM "" "NAME" "SOURCES;USES" ${ARGN})
  add_executable(${PROGRAM_NAME} ${PROGRAM_SOURCES})
  target_include_directories(${PROGRAM_NAME} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${PROGRAM_NAME} PRIVATE ${PROGRAM_USES} muster_flags)
endfunction()

# muster_test(NAME name SOURCES ... [USES ...] [LABELS ...]) makes one GoogleTest binary and one
# CTest test for it. The environment variable MUSTER_TEST_DATA is set for it. With the label
# "threads" it also runs under ThreadSanitizer in CI.
function(muster_test)
  cmake_parse_arguments(TEST "" "NAME" "SOURCES;USES;LABELS" ${ARGN})
  add_executable(${TEST_NAME} ${TEST_SOURCES})
  target_include_directories(${TEST_NAME} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${TEST_NAME} PRIVATE ${TEST_USES} GTest::gmock GTest::gtest_main muster_flags)
  set_target_properties(${TEST_NAME} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/test-bin")
  if("threads" IN_LIST TEST_LABELS)
    add_dependencies(threads_tests ${TEST_NAME})
  endif()
  add_test(NAME ${TEST_NAME} COMMAND ${TEST_NAME})
  set_tests_properties(${TEST_NAME} PROPERTIES TIMEOUT 300 LABELS "${TEST_LABELS}"
    ENVIRONMENT "MUSTER_TEST_DATA=${MUSTER_TEST_DATA};MUSTER_SOURCE_DIR=${CMAKE_SOURCE_DIR};TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/cmake/tsan.supp")
endfunction()

# muster_fuzz(NAME name SOURCES ... [USES ...]) makes a libFuzzer target that replays
# tests/fuzz/corpus/<name>; nothing where MUSTER_FUZZ is off.
function(muster_fuzz)
  if(NOT MUSTER_FUZZ)
    return()
  endif()
  cmake_parse_arguments(FUZZ "" "NAME" "SOURCES;USES" ${ARGN})
  add_executable(${FUZZ_NAME} ${FUZZ_SOURCES})
  target_include_directories(${FUZZ_NAME} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${FUZZ_NAME} PRIVATE ${FUZZ_USES} muster_flags)
  target_link_options(${FUZZ_NAME} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${FUZZ_NAME} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz-bin")
endfunction()
