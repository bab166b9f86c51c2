# Installs this build into a scratch prefix, builds the example against it and runs it: the package is complete,
# and the run paths work without any environment variable.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${SCRATCH})

function(run)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env --unset=LD_LIBRARY_PATH ${ARGN}
                  OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "'${ARGN}' failed (${result}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --config ${CONFIG} --prefix ${SCRATCH}/prefix)
run(${CMAKE_COMMAND} -S ${EXAMPLE} -B ${SCRATCH}/build -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=${COMPILER})
run(${CMAKE_COMMAND} --build ${SCRATCH}/build)
run(${SCRATCH}/build/example ${SCRATCH}/example.ply)
if(NOT output MATCHES "Gaussians")
  message(FATAL_ERROR "the example said: ${output}")
endif()

file(GLOB programs ${SCRATCH}/prefix/bin/*)
if(NOT programs)
  message(FATAL_ERROR "no program was installed")
endif()
foreach(program IN LISTS programs)
  run(${program} --version)
endforeach()
