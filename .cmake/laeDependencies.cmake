# Finds what lae is built on, alike for this project and for its installed package:
# - Eigen; lae_problem says why it cannot be used, or is empty.
# - OpenMP, unless LAE_OPENMP is off: lae_openmp is its target, or empty.
# - libraries that single headers need, if they are there; lae_components lists their targets:
#   lae::npz (libzip), lae::gzip (zlib), lae::json (simdjson), lae::significance (Boost, headers
#   alone).

set(lae_problem "")
set(lae_openmp "")

# Without a version: Eigen 5 refuses a request for 3.4, and 3.4.0 refuses a range.
if(NOT TARGET Eigen3::Eigen)
  find_package(Eigen3 QUIET)
  if(NOT Eigen3_FOUND)
    set(lae_problem "lae needs Eigen 3.4 or later, found none (Debian package: libeigen3-dev)")
  elseif(Eigen3_VERSION VERSION_LESS 3.4)
    set(lae_problem "lae needs Eigen 3.4 or later, found ${Eigen3_VERSION} in ${Eigen3_DIR}")
  endif()
endif()

if(LAE_OPENMP OR NOT DEFINED LAE_OPENMP)
  find_package(OpenMP QUIET COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    set(lae_openmp OpenMP::OpenMP_CXX)
  endif()
endif()

# lae_component(name library...): makes the target lae::name.
set(lae_components "")
function(lae_component name)
  if(NOT TARGET lae::${name})
    add_library(lae::${name} INTERFACE IMPORTED)
    target_link_libraries(lae::${name} INTERFACE lae::lae ${ARGN})
  endif()
  set(lae_components ${lae_components} lae::${name} PARENT_SCOPE)
endfunction()

# Not by libzip's own package file: Debian's refuses to load unless libzip's tools are there too.
find_path(LAE_LIBZIP_INCLUDE_DIR zip.h)
find_library(LAE_LIBZIP_LIBRARY zip)
mark_as_advanced(LAE_LIBZIP_INCLUDE_DIR LAE_LIBZIP_LIBRARY)
if(LAE_LIBZIP_INCLUDE_DIR AND LAE_LIBZIP_LIBRARY)
  lae_component(npz ${LAE_LIBZIP_LIBRARY})
  target_include_directories(lae::npz INTERFACE ${LAE_LIBZIP_INCLUDE_DIR})
endif()

find_package(ZLIB QUIET)
if(ZLIB_FOUND)
  lae_component(gzip ZLIB::ZLIB)
endif()

find_package(simdjson QUIET)
if(simdjson_FOUND)
  lae_component(json simdjson::simdjson)
endif()

# Headers alone, which Boost's own package files are not needed for.
find_path(LAE_BOOST_INCLUDE_DIR boost/math/distributions/students_t.hpp)
mark_as_advanced(LAE_BOOST_INCLUDE_DIR)
if(LAE_BOOST_INCLUDE_DIR)
  lae_component(significance)
  target_include_directories(lae::significance INTERFACE ${LAE_BOOST_INCLUDE_DIR})
endif()
