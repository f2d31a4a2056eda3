# One INTERFACE target carries the language level, warnings and sanitizers; nothing is global.
add_library(muster_flags INTERFACE)
target_compile_features(muster_flags INTERFACE cxx_std_20)
target_compile_options(muster_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wno-unused-parameter
  -fno-strict-aliasing -fstack-protector-strong -D_FORTIFY_SOURCE=2)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(muster_flags INTERFACE -Wthread-safety -Wthread-safety-beta
    -Wno-missing-field-initializers)
else()
  # g++ 12 sees dangling and uninitialized values in correct code of Abseil and the standard library.
  target_compile_options(muster_flags INTERFACE -Wno-missing-field-initializers
    -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds
    -Wno-restrict)
endif()
if(MUSTER_SANITIZE)
  target_compile_options(muster_flags INTERFACE
    -fsanitize=${MUSTER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    -U_FORTIFY_SOURCE)
  target_link_options(muster_flags INTERFACE -fsanitize=${MUSTER_SANITIZE})
endif()
if(MUSTER_FUZZ)
  target_compile_options(muster_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(MUSTER_MOLD mold)
if(MUSTER_MOLD)
  target_link_options(muster_flags INTERFACE -fuse-ld=mold)
endif()
