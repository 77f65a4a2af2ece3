# What every consumer project builds from lae, however it got it, and what lae must leave alone
# there.

add_executable(consumer ${CMAKE_CURRENT_LIST_DIR}/main.cpp ${CMAKE_CURRENT_LIST_DIR}/other.cpp)
target_link_libraries(consumer PRIVATE lae::lae)
if(TARGET lae::npz)
  target_link_libraries(consumer PRIVATE lae::npz)
  target_compile_definitions(consumer PRIVATE WITH_NPZ)
endif()
# In a unity build a second definition would not be seen.
if(NOT CMAKE_UNITY_BUILD)
  target_compile_definitions(consumer PRIVATE WITH_EVERYTHING)
endif()

foreach(target example_01_quickstart compare_models test_main docs lae_program)
  if(TARGET ${target})
    message(FATAL_ERROR "lae makes its own ${target} in a project that only uses lae")
  endif()
endforeach()
if(CMAKE_BUILD_TYPE)
  message(FATAL_ERROR "lae sets the build type of a project that only uses lae")
endif()
