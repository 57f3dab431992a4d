# Installs the build tree into a folder, then builds and runs the project consumer against it.
#
#   cmake -DBUILD=build/release -DMODEL=model.json -DWORK=/tmp/x -P package_test.cmake
set(prefix ${WORK}/prefix)
file(REMOVE_RECURSE ${WORK})

function(step)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

step(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
step(${prefix}/bin/espalier --version)
step(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${WORK}/build -G Ninja -DCMAKE_PREFIX_PATH=${prefix})
step(${CMAKE_COMMAND} --build ${WORK}/build)
step(${WORK}/build/consumer ${MODEL})
