# DuckDB through its C API as muster::duckdb: the pinned copy, fetched when there is none yet, or one's
# own with -DDUCKDB_ROOT=DIR (a folder that holds libduckdb.so and duckdb.h, also in lib/ and include/).
set(DUCKDB_ROOT "" CACHE PATH "Folder with libduckdb.so and duckdb.h; empty: the pinned DuckDB")

set(duckdb_root "${DUCKDB_ROOT}")
if(NOT duckdb_root)
  execute_process(COMMAND "${CMAKE_CURRENT_LIST_DIR}/install" RESULT_VARIABLE duckdb_status)
  if(NOT duckdb_status EQUAL 0)
    message(FATAL_ERROR "DuckDB is missing. Repeat this with network, or give a copy of your own: "
      "-DDUCKDB_ROOT=DIR, with libduckdb.so and duckdb.h in it")
  endif()
  set(duckdb_root "${CMAKE_CURRENT_LIST_DIR}/installed")
endif()
find_library(duckdb_library duckdb NO_CACHE NO_DEFAULT_PATH PATHS "${duckdb_root}" PATH_SUFFIXES lib)
find_path(duckdb_headers duckdb.h NO_CACHE NO_DEFAULT_PATH PATHS "${duckdb_root}" PATH_SUFFIXES include)
if(NOT duckdb_library OR NOT duckdb_headers)
  message(FATAL_ERROR "${duckdb_root} (DUCKDB_ROOT) holds no libduckdb.so or no duckdb.h")
endif()
add_library(muster::duckdb SHARED IMPORTED)
set_target_properties(muster::duckdb PROPERTIES
  IMPORTED_LOCATION "${duckdb_library}"
  INTERFACE_INCLUDE_DIRECTORIES "${duckdb_headers}")
