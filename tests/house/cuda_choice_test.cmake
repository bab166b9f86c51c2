# Runs cmake/RenderfmCuda.cmake with made-up compilers and LibTorch versions; each case names its outcome.
# Called as a script on itself for one case (CASE set), so that a stop can be watched from outside.
cmake_minimum_required(VERSION 3.25)

if(CASE)
  include(${CUDA_MODULE})
  message(STATUS "RENDERFM_WITH_CUDA=${RENDERFM_WITH_CUDA}")
  return()
endif()

file(REMOVE_RECURSE ${SCRATCH})
function(make_nvcc folder text)
  file(WRITE ${SCRATCH}/${folder}/bin/nvcc "#!/bin/sh\n${text}\n")
  file(CHMOD ${SCRATCH}/${folder}/bin/nvcc PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endfunction()
foreach(version 11.8 12.6 12.8 13.0 14.1)
  make_nvcc(${version} "echo 'Cuda compilation tools, release ${version}, V${version}.88'")
endforeach()
make_nvcc(broken "exit 1")
file(MAKE_DIRECTORY ${SCRATCH}/none)

# expect(<choice> <nvcc folder> <CUDA of LibTorch> <"stops" or "goes on"> <regular expression of the output>)
set(failures 0)
function(expect choice nvcc torch_cuda ending pattern)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env --unset=CUDACXX --unset=CUDA_HOME --unset=CUDA_PATH PATH=${SCRATCH}/none
            ${CMAKE_COMMAND} -DCASE=1 -DCUDA_MODULE=${CUDA_MODULE} -DRENDERFM_CUDA=${choice}
            -DRENDERFM_CUDA_FOLDERS=${SCRATCH}/${nvcc} -DLibTorch_VERSION=2.11.0
            -DLibTorch_CUDA_VERSION=${torch_cuda} -DLibTorch_ROOT_DIR=/somewhere -P ${CMAKE_CURRENT_LIST_FILE}
    OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
  set(actual "goes on")
  if(NOT result EQUAL 0)
    set(actual "stops")
  endif()
  string(REGEX REPLACE "[ \n]+" " " output "${output}")  # CMake wraps its errors
  if(NOT actual STREQUAL ending OR NOT output MATCHES "${pattern}")
    math(EXPR failures "${failures} + 1")
    set(failures ${failures} PARENT_SCOPE)
    message("RENDERFM_CUDA=${choice}, nvcc ${nvcc}, LibTorch for ${torch_cuda}: expected '${ending}' and "
            "'${pattern}', but it ${actual} with: ${output}")
  endif()
endfunction()

expect(AUTO none 13.0 "goes on" "no nvcc found, building for the CPU only.*WITH_CUDA=OFF")
expect(AUTO 13.0 13.0 "goes on" "CUDA 13.0, LibTorch for CUDA 13.0.*WITH_CUDA=ON")
expect(AUTO 12.8 12.9 "goes on" "WITH_CUDA=ON")
expect(AUTO 11.8 13.0 "stops" "CUDA 11.8, but LibTorch 2.11.0 was built for CUDA 13.0")
expect(AUTO 14.1 13.0 "stops" "CUDA 14.1, but LibTorch 2.11.0 was built for CUDA 13.0")
expect(AUTO 12.6 12.8 "stops" "CUDA 12.6, but LibTorch 2.11.0 was built for CUDA 12.8.*12.8 or newer")
expect(ON 12.8 13.0 "stops" "CUDA 12.8, but LibTorch 2.11.0 was built for CUDA 13.0")
expect(ON none 13.0 "stops" "RENDERFM_CUDA=ON, but nvcc was not found")
expect(ON 13.0 "" "stops" "RENDERFM_CUDA=ON, but the LibTorch 2.11.0 in /somewhere was built without CUDA")
expect(AUTO 13.0 "" "goes on" "has no CUDA, building for the CPU only.*WITH_CUDA=OFF")
expect(AUTO broken 13.0 "stops" "did not name a release")
expect(OFF 11.8 13.0 "goes on" "switched off, building for the CPU only.*WITH_CUDA=OFF")
expect(MAYBE none 13.0 "stops" "may be AUTO, ON or OFF")
if(failures GREATER 0)
  message(FATAL_ERROR "${failures} cases failed")
endif()
