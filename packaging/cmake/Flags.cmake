# One interface target carries every flag of the project; each of our targets links it PRIVATE.
add_library(qkscope_flags INTERFACE)
target_compile_features(qkscope_flags INTERFACE cxx_std_20)
target_compile_options(qkscope_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Woverloaded-virtual -fvisibility-inlines-hidden)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlaps and overruns in any "text" + std::string (bugs 105329 and 105651, mended in 13).
  target_compile_options(qkscope_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow>)
endif()
target_compile_definitions(qkscope_flags INTERFACE
  QT_NO_KEYWORDS QT_NO_CAST_FROM_ASCII QT_NO_CAST_TO_ASCII QT_NO_CONTEXTLESS_CONNECT
  QT_NO_NARROWING_CONVERSIONS_IN_CONNECT QT_USE_QSTRINGBUILDER
  QKSCOPE_VERSION="${PROJECT_VERSION}")
target_include_directories(qkscope_flags INTERFACE ${PROJECT_SOURCE_DIR})

# Dev: as fast as Release for the arithmetic, yet with assertions and line tables.
# project() has put an empty CMAKE_CXX_FLAGS_DEV into the cache, so a default there would come too late.
if(NOT CMAKE_CXX_FLAGS_DEV)
  set(CMAKE_CXX_FLAGS_DEV "-O2 -g1")
endif()
set(CMAKE_CUDA_FLAGS_DEV "-O2" CACHE STRING "")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

if(QKSCOPE_SANITIZE)
  # nvcc knows none of these.
  add_compile_options(
    "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${QKSCOPE_SANITIZE};-fno-sanitize-recover=undefined;-fno-omit-frame-pointer>")
  add_link_options(-fsanitize=${QKSCOPE_SANITIZE})
endif()
if(QKSCOPE_FUZZ)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link,address,undefined>)
  add_link_options(-fsanitize=address,undefined)
endif()
