# Configures, builds and runs the consumer project PROJECT in the folder BUILD, which is emptied
# first. Run by CTest, which passes these and GENERATOR, COMPILER, LAE_OPENMP, UNITY and EIGEN (a
# prefix, or nothing) by -D.

function(run)
  execute_process(COMMAND ${ARGV} WORKING_DIRECTORY ${BUILD} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "failed (${result}): ${command}")
  endif()
endfunction()

file(REMOVE_RECURSE ${BUILD})
file(MAKE_DIRECTORY ${BUILD})
unset(ENV{CXXFLAGS})
unset(ENV{CMAKE_BUILD_TYPE})
run(${CMAKE_COMMAND} -S ${PROJECT} -B ${BUILD} -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${COMPILER}
    -D CMAKE_EXPORT_COMPILE_COMMANDS=ON -D CMAKE_UNITY_BUILD=${UNITY} -D LAE_OPENMP=${LAE_OPENMP})
run(${CMAKE_COMMAND} --build ${BUILD})
run(${BUILD}/consumer)

file(READ ${BUILD}/compile_commands.json commands)
string(FIND "${commands}" "${EIGEN}/" eigen)
if(EIGEN AND eigen EQUAL -1)
  message(FATAL_ERROR "lae takes another Eigen than that in ${EIGEN}:\n${commands}")
endif()
if(commands MATCHES "-m(arch|cpu|tune|avx)[^ ]*|-W(all|error)")
  message(FATAL_ERROR "lae makes its user compile with ${CMAKE_MATCH_0}:\n${commands}")
endif()
