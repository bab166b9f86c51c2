# Decides whether this build has CUDA. RENDERFM_WITH_CUDA is the answer; it is compared with LibTorch's
# CUDA version in RenderfmDependencies.cmake.
set(RENDERFM_WITH_CUDA OFF)
if(RENDERFM_CUDA STREQUAL "OFF")
  message(STATUS "renderfm: CUDA is switched off, building for the CPU only")
else()
  find_program(RENDERFM_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_HOME ENV CUDA_PATH
               PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(RENDERFM_NVCC)
    set(RENDERFM_WITH_CUDA ON)
    execute_process(COMMAND ${RENDERFM_NVCC} --version OUTPUT_VARIABLE _nvcc_text
                    RESULT_VARIABLE _nvcc_result)
    string(REGEX MATCH "release ([0-9]+)\\.([0-9]+)" _ "${_nvcc_text}")
    if(_nvcc_result OR NOT CMAKE_MATCH_1)
      message(FATAL_ERROR "renderfm: ${RENDERFM_NVCC} --version did not name a release; "
                          "repair the CUDA Toolkit or configure with -DRENDERFM_CUDA=OFF")
    endif()
    set(RENDERFM_NVCC_VERSION "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
    set(RENDERFM_NVCC_MAJOR "${CMAKE_MATCH_1}")
  elseif(RENDERFM_CUDA STREQUAL "ON")
    message(FATAL_ERROR "renderfm: RENDERFM_CUDA=ON, but nvcc was not found; install the CUDA Toolkit "
                        "(12.8 or newer) or configure with -DRENDERFM_CUDA=OFF")
  else()
    message(STATUS "renderfm: no nvcc found, building for the CPU only")
  endif()
endif()
