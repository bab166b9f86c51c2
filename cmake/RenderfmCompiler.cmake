# One interface target carries warnings, sanitizers and debug checks to every module.
add_library(renderfm_compiler INTERFACE)
target_compile_options(renderfm_compiler INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wdouble-promotion
  # Results must not depend on which multiply-adds a compiler chooses to fuse.
  -ffp-contract=off)
if(RENDERFM_WARNINGS_AS_ERRORS)
  target_compile_options(renderfm_compiler INTERFACE -Werror)
endif()
if(RENDERFM_DEBUG_CHECKS)
  target_compile_definitions(renderfm_compiler INTERFACE RENDERFM_DEBUG_CHECKS=1)
endif()
if(RENDERFM_SANITIZE)
  target_compile_options(renderfm_compiler INTERFACE
    -fsanitize=${RENDERFM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    -O1 -g1)  # half the time to compile that -O2 -g takes; reports keep their lines
  target_link_options(renderfm_compiler INTERFACE -fsanitize=${RENDERFM_SANITIZE})
endif()

find_program(RENDERFM_CCACHE ccache)
if(RENDERFM_CCACHE)
  # Paths relative to the source, so that a second clone finds what the first has compiled; precompiled headers
  # are cached too.
  set(RENDERFM_CCACHE ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${RENDERFM_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)  # or ccache passes by what uses one
  endif()
  if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${RENDERFM_CCACHE})
  endif()
endif()
