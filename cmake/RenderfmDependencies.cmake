# Every third-party library, in one place. third_party/README.md says why each is here.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(LibTorch MODULE REQUIRED)

# ITK is used by volume/ alone, which links it PRIVATE.
find_package(ITK REQUIRED COMPONENTS
  ITKCommon ITKIOImageBase ITKIONIFTI ITKIONRRD ITKIOMeta ITKIOGDCM ITKNIFTI
  ITKImageFunction ITKImageGrid ITKThresholding ITKConnectedComponents ITKLabelMap
  ITKMathematicalMorphology ITKBinaryMathematicalMorphology ITKSmoothing ITKDistanceMap)
find_path(RENDERFM_STB_INCLUDE_DIR stb_image_write.h PATH_SUFFIXES stb REQUIRED)
find_path(RENDERFM_MINIZIP_INCLUDE_DIR unzip.h PATH_SUFFIXES minizip REQUIRED)
find_library(RENDERFM_MINIZIP_LIBRARY minizip REQUIRED)

if(RENDERFM_WITH_CUDA AND NOT LibTorch_CUDA_VERSION)
  if(RENDERFM_CUDA STREQUAL "ON")
    message(FATAL_ERROR "renderfm: RENDERFM_CUDA=ON, but the LibTorch ${LibTorch_VERSION} in "
                        "${LibTorch_ROOT_DIR} was built without CUDA")
  endif()
  message(STATUS "renderfm: LibTorch ${LibTorch_VERSION} has no CUDA, building for the CPU only")
  set(RENDERFM_WITH_CUDA OFF)
endif()
if(RENDERFM_WITH_CUDA)
  string(REGEX MATCH "^[0-9]+" _torch_cuda_major "${LibTorch_CUDA_VERSION}")
  if(NOT _torch_cuda_major STREQUAL RENDERFM_NVCC_MAJOR)
    message(FATAL_ERROR "renderfm: nvcc is CUDA ${RENDERFM_NVCC_VERSION}, but LibTorch ${LibTorch_VERSION} "
                        "was built for CUDA ${LibTorch_CUDA_VERSION}; install a matching pair or configure "
                        "with -DRENDERFM_CUDA=OFF")
  endif()
  message(STATUS "renderfm: CUDA ${RENDERFM_NVCC_VERSION}, LibTorch for CUDA ${LibTorch_CUDA_VERSION}")
endif()

# For --version; empty while no kernel is built.
set(RENDERFM_CUDA_VERSION "")
if(RENDERFM_WITH_CUDA AND EXISTS ${PROJECT_SOURCE_DIR}/cuda/CMakeLists.txt)
  set(RENDERFM_CUDA_VERSION "${RENDERFM_NVCC_VERSION}")
endif()
set(RENDERFM_ITK_VERSION "${ITK_VERSION_MAJOR}.${ITK_VERSION_MINOR}.${ITK_VERSION_PATCH}")
