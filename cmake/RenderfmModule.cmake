# renderfm_module(<name> [SOURCES ...] [PUBLIC ...] [PRIVATE ...] [PRECOMPILE ...])
#   One library per module: renderfm_<name>, alias renderfm::<name>. SOURCES are listed by hand, relative to
#   the caller. Without SOURCES the module is header-only. PUBLIC are modules or libraries that the headers
#   use, PRIVATE those that only the sources use.
function(renderfm_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE;PRECOMPILE" ${ARGN})
  set(target renderfm_${name})
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES})
    target_include_directories(${target} PUBLIC
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
    target_link_libraries(${target} PUBLIC ${ARG_PUBLIC}
                          PRIVATE $<BUILD_INTERFACE:renderfm_compiler> ${ARG_PRIVATE})
    if(ARG_PRECOMPILE AND NOT RENDERFM_SANITIZE)
      target_precompile_headers(${target} PRIVATE ${ARG_PRECOMPILE})
    endif()
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
    target_link_libraries(${target} INTERFACE ${ARG_PUBLIC})
  endif()
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  add_library(renderfm::${name} ALIAS ${target})
  set_property(GLOBAL APPEND PROPERTY RENDERFM_MODULES ${target})
endfunction()
