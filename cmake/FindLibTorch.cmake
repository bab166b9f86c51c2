# Finds LibTorch without its own CMake package, which insists on a CUDA Toolkit whenever it was built with
# one. We link the CPU half alone: libtorch_cuda is loaded at run time, when a GPU is asked for.
#
# Looks in CMAKE_PREFIX_PATH, TORCH_ROOT, then the project's .venv. Defines the target LibTorch::cpu and
# LibTorch_VERSION, LibTorch_CUDA_VERSION (empty without CUDA), LibTorch_ROOT_DIR, LibTorch_RPATH.
file(GLOB _venv_torch "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/torch.h
          HINTS ${TORCH_ROOT} ENV TORCH_ROOT PATHS ${_venv_torch} PATH_SUFFIXES include)
find_library(LibTorch_CPU_LIBRARY torch_cpu
             HINTS "${LibTorch_INCLUDE_DIR}/../lib" NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10 HINTS "${LibTorch_INCLUDE_DIR}/../lib" NO_DEFAULT_PATH)

if(LibTorch_INCLUDE_DIR)
  get_filename_component(LibTorch_ROOT_DIR "${LibTorch_INCLUDE_DIR}/.." ABSOLUTE)
  file(STRINGS "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h" _lines
       REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" _numbers "${_lines}")
  string(REPLACE ";" "." LibTorch_VERSION "${_numbers}")
  set(LibTorch_CUDA_VERSION "")
  if(EXISTS "${LibTorch_ROOT_DIR}/version.py")  # the Python wheel
    file(STRINGS "${LibTorch_ROOT_DIR}/version.py" _cuda REGEX "^cuda")
    if(_cuda MATCHES "'([0-9.]+)'")
      set(LibTorch_CUDA_VERSION "${CMAKE_MATCH_1}")
    endif()
  elseif(EXISTS "${LibTorch_ROOT_DIR}/build-version")  # the LibTorch archive: 2.11.0+cu130
    file(STRINGS "${LibTorch_ROOT_DIR}/build-version" _build)
    if(_build MATCHES "\\+cu([0-9]+)([0-9])$")
      set(LibTorch_CUDA_VERSION "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
    endif()
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or point CMAKE_PREFIX_PATH at a LibTorch 2.11")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  get_filename_component(_lib_dir "${LibTorch_CPU_LIBRARY}" DIRECTORY)
  # The wheel keeps CUDA's run-time libraries in sibling packages; libtorch_cpu needs two small ones.
  file(GLOB _nvidia_dirs "${LibTorch_ROOT_DIR}/../nvidia/*/lib")
  set(LibTorch_RPATH "${_lib_dir}" ${_nvidia_dirs})
  # LibTorch 2.11 carries fmt 12 beside its headers. Ours, whose library we link, must be found first, or
  # every unit that includes both asks for symbols of a version that is nowhere.
  set(_include_dirs "${LibTorch_INCLUDE_DIR}" "${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  find_path(LibTorch_FMT_INCLUDE_DIR fmt/core.h)
  if(EXISTS "${LibTorch_INCLUDE_DIR}/fmt" AND LibTorch_FMT_INCLUDE_DIR)
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/include_before_torch")
    file(CREATE_LINK "${LibTorch_FMT_INCLUDE_DIR}/fmt" "${CMAKE_BINARY_DIR}/include_before_torch/fmt" SYMBOLIC)
    list(PREPEND _include_dirs "${CMAKE_BINARY_DIR}/include_before_torch")
  endif()
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_C10_LIBRARY}")
  add_library(LibTorch::cpu SHARED IMPORTED)
  set_target_properties(LibTorch::cpu PROPERTIES
    IMPORTED_LOCATION "${LibTorch_CPU_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${_include_dirs}"
    INTERFACE_LINK_LIBRARIES "LibTorch::c10")
  # The CUDA run time that LibTorch itself loads: a second one, linked statically, would keep a device of its own.
  set(_cudart)
  foreach(_dir IN LISTS LibTorch_RPATH)
    file(GLOB _found "${_dir}/libcudart*.so*")
    list(APPEND _cudart ${_found})
  endforeach()
  if(_cudart)
    list(GET _cudart 0 _cudart)
    add_library(LibTorch::cudart SHARED IMPORTED)
    set_target_properties(LibTorch::cudart PROPERTIES IMPORTED_LOCATION "${_cudart}")
  endif()
  foreach(_dir IN LISTS LibTorch_RPATH)
    set_property(TARGET LibTorch::cpu APPEND PROPERTY INTERFACE_LINK_OPTIONS "LINKER:-rpath-link,${_dir}")
  endforeach()
endif()
