# Every third-party library, in one place. third_party/README.md says why each is here.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
if(RENDERFM_TORCH)
  find_package(LibTorch MODULE REQUIRED)
  if(RENDERFM_BUILD_TOOLS)
    find_package(CLI11 REQUIRED)
  endif()
endif()

# ITK is used by volume/ alone, which links it PRIVATE. Distributions split GDCM's command-line programs from its
# libraries, and GDCM then reports at length each program that is missing; we use the libraries alone.
set(_log_level "${CMAKE_MESSAGE_LOG_LEVEL}")
set(CMAKE_MESSAGE_LOG_LEVEL NOTICE)
find_package(ITK REQUIRED COMPONENTS
  ITKCommon ITKIOImageBase ITKIONIFTI ITKIONRRD ITKIOMeta ITKIOGDCM ITKGDCM ITKNIFTI
  ITKImageFunction ITKImageGrid ITKThresholding ITKConnectedComponents ITKLabelMap
  ITKMathematicalMorphology ITKBinaryMathematicalMorphology ITKSmoothing ITKDistanceMap)
set(CMAKE_MESSAGE_LOG_LEVEL "${_log_level}")
set(RENDERFM_ITK_VERSION "${ITK_VERSION_MAJOR}.${ITK_VERSION_MINOR}.${ITK_VERSION_PATCH}")
find_path(RENDERFM_STB_INCLUDE_DIR stb_image_write.h PATH_SUFFIXES stb REQUIRED)
find_path(RENDERFM_MINIZIP_INCLUDE_DIR unzip.h PATH_SUFFIXES minizip REQUIRED)
find_library(RENDERFM_MINIZIP_LIBRARY minizip REQUIRED)
find_path(RENDERFM_ZSTD_INCLUDE_DIR zstd.h REQUIRED)
find_library(RENDERFM_ZSTD_LIBRARY zstd REQUIRED)
if(RENDERFM_TORCH)
  message(STATUS "renderfm: ITK ${RENDERFM_ITK_VERSION}, LibTorch ${LibTorch_VERSION}")
else()
  message(STATUS "renderfm: ITK ${RENDERFM_ITK_VERSION}, only the modules that do without LibTorch")
endif()
