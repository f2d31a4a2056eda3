# How each outside package is found. All come from Debian 12's packages (see
# scripts/packages.txt), but for DuckDB, which Debian does not have; nothing is vendored.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(GTest REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Protobuf MODULE REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(regular_expressions REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
find_package(Boost 1.81 REQUIRED)
if(NOT MUSTER_PURE_ROOMS_ONLY)
  find_package(gRPC CONFIG REQUIRED)
  find_package(SQLite3 REQUIRED)
  find_package(CLI11 REQUIRED)
  find_package(spdlog REQUIRED)
  find_package(tomlplusplus REQUIRED)
  find_package(yaml-cpp REQUIRED)
  find_package(prometheus-cpp CONFIG REQUIRED)
  find_package(benchmark CONFIG REQUIRED)
  # Its library is not instrumented, so a sanitizer would see half of what it does.
  if(NOT MUSTER_SANITIZE)
    include(duckdb/duckdb)
  endif()
endif()

# Debian's copy of the google/rpc protos, for rich errors.
set(MUSTER_GOOGLE_APIS "/usr/share/gocode/src/github.com/gogo/googleapis" CACHE PATH
    "Folder that holds google/rpc/*.proto")
