# Decides whether this build has CUDA, from RENDERFM_CUDA (AUTO, ON, OFF), nvcc and LibTorch. Sets
# RENDERFM_WITH_CUDA, RENDERFM_NVCC and RENDERFM_NVCC_VERSION, or stops where the parts do not fit.
# tests/house/cuda_choice_test.cmake runs this file with made-up compilers.
set(RENDERFM_OLDEST_CUDA 12.8)
set(RENDERFM_WITH_CUDA OFF)
set(RENDERFM_NVCC_VERSION "")
if(NOT DEFINED RENDERFM_CUDA_FOLDERS)
  set(RENDERFM_CUDA_FOLDERS /usr/local/cuda)
endif()

if(RENDERFM_CUDA STREQUAL "OFF")
  message(STATUS "renderfm: CUDA is switched off, building for the CPU only")
  return()
endif()
if(NOT RENDERFM_CUDA MATCHES "^(AUTO|ON)$")
  message(FATAL_ERROR "renderfm: RENDERFM_CUDA is '${RENDERFM_CUDA}'; it may be AUTO, ON or OFF")
endif()

find_program(RENDERFM_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_HOME ENV CUDA_PATH
             PATHS ${RENDERFM_CUDA_FOLDERS} PATH_SUFFIXES bin)
if(NOT RENDERFM_NVCC)
  if(RENDERFM_CUDA STREQUAL "ON")
    message(FATAL_ERROR "renderfm: RENDERFM_CUDA=ON, but nvcc was not found; install the CUDA Toolkit "
                        "(${RENDERFM_OLDEST_CUDA} or newer) or configure with -DRENDERFM_CUDA=OFF")
  endif()
  message(STATUS "renderfm: no nvcc found, building for the CPU only")
  return()
endif()
execute_process(COMMAND ${RENDERFM_NVCC} --version OUTPUT_VARIABLE _nvcc_text RESULT_VARIABLE _nvcc_result
                ERROR_QUIET)
string(REGEX MATCH "release ([0-9]+)\\.([0-9]+)" _ "${_nvcc_text}")
if(NOT _nvcc_result EQUAL 0 OR NOT CMAKE_MATCH_1)
  message(FATAL_ERROR "renderfm: ${RENDERFM_NVCC} --version did not name a release; repair the CUDA Toolkit "
                      "or configure with -DRENDERFM_CUDA=OFF")
endif()
set(RENDERFM_NVCC_VERSION "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
set(_nvcc_major "${CMAKE_MATCH_1}")

if(NOT LibTorch_CUDA_VERSION)
  if(RENDERFM_CUDA STREQUAL "ON")
    message(FATAL_ERROR "renderfm: RENDERFM_CUDA=ON, but the LibTorch ${LibTorch_VERSION} in "
                        "${LibTorch_ROOT_DIR} was built without CUDA")
  endif()
  message(STATUS "renderfm: LibTorch ${LibTorch_VERSION} has no CUDA, building for the CPU only")
  return()
endif()
# Within one major release CUDA's run-time libraries are compatible.
string(REGEX MATCH "^[0-9]+" _torch_cuda_major "${LibTorch_CUDA_VERSION}")
if(NOT _torch_cuda_major STREQUAL _nvcc_major OR RENDERFM_NVCC_VERSION VERSION_LESS RENDERFM_OLDEST_CUDA)
  message(FATAL_ERROR "renderfm: nvcc (${RENDERFM_NVCC}) is CUDA ${RENDERFM_NVCC_VERSION}, but LibTorch "
                      "${LibTorch_VERSION} was built for CUDA ${LibTorch_CUDA_VERSION}; install a matching "
                      "CUDA Toolkit (${RENDERFM_OLDEST_CUDA} or newer) or configure with -DRENDERFM_CUDA=OFF")
endif()
set(RENDERFM_WITH_CUDA ON)
message(STATUS "renderfm: CUDA ${RENDERFM_NVCC_VERSION}, LibTorch for CUDA ${LibTorch_CUDA_VERSION}")
