# The target docs: HTML from the public headers, with README.md as its first page, in docs/html of
# the build folder. Doxygen's warnings are errors.

find_package(Doxygen QUIET)
if(NOT DOXYGEN_FOUND)
  message(STATUS "lae: no docs, which need Doxygen (Debian package: doxygen)")
  return()
endif()

set(lae_pages "/** \\namespace lae\nAll public names. */\n")
file(GLOB lae_example_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/[0-9]*.cpp)
foreach(example IN LISTS lae_example_files)
  get_filename_component(name ${example} NAME)
  string(APPEND lae_pages "/** \\example ${name} */\n")
endforeach()
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/docs/pages.dox CONTENT "${lae_pages}")

set(DOXYGEN_PROJECT_BRIEF "closed-form recommenders for C++")
set(DOXYGEN_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/docs)
set(DOXYGEN_WARN_AS_ERROR FAIL_ON_WARNINGS)
set(DOXYGEN_QUIET YES)
# Not all parameters need words: those that have none are told by their names.
set(DOXYGEN_WARN_IF_INCOMPLETE_DOC NO)
set(DOXYGEN_EXTRACT_ALL YES)
set(DOXYGEN_INLINE_INHERITED_MEMB YES)

# Public names alone.
set(DOXYGEN_EXCLUDE_PATTERNS */include/lae/detail/*)
set(DOXYGEN_EXCLUDE_SYMBOLS lae::detail lae::detail::*)
set(DOXYGEN_SHOW_INCLUDE_FILES NO)
set(DOXYGEN_VERBATIM_HEADERS NO)
set(DOXYGEN_FILTER_PATTERNS "*.hpp=sed -E -f ${PROJECT_SOURCE_DIR}/.cmake/docs/headers.sed"
                            "*.md=sed -E -f ${PROJECT_SOURCE_DIR}/.cmake/docs/readme.sed")

set(DOXYGEN_STRIP_FROM_PATH ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}
                            ${PROJECT_BINARY_DIR}/docs)
set(DOXYGEN_STRIP_FROM_INC_PATH ${PROJECT_SOURCE_DIR}/include)
set(DOXYGEN_USE_MDFILE_AS_MAINPAGE README.md)
set(DOXYGEN_EXAMPLE_PATH ${PROJECT_SOURCE_DIR}/examples)
set(DOXYGEN_JAVADOC_AUTOBRIEF YES)
set(DOXYGEN_BUILTIN_STL_SUPPORT YES)
set(DOXYGEN_SORT_MEMBER_DOCS NO)
set(DOXYGEN_GENERATE_LATEX NO)
set(DOXYGEN_HAVE_DOT NO)
set(DOXYGEN_HTML_TIMESTAMP NO)
set(DOXYGEN_HTML_EXTRA_STYLESHEET ${PROJECT_SOURCE_DIR}/.cmake/docs/style.css)
set(DOXYGEN_GENERATE_TREEVIEW YES)

doxygen_add_docs(docs ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/include
                 ${PROJECT_BINARY_DIR}/docs/pages.dox COMMENT "HTML in docs/html")
