# Builds the reference and looks at its pages. To be called with -D BUILD=<build folder>.

file(REMOVE_RECURSE ${BUILD}/docs/html)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target docs RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "the reference was not built")
endif()

# page_has(page text...): of the page's HTML.
function(page_has page)
  file(READ ${BUILD}/docs/html/${page} html)
  foreach(text IN LISTS ARGN)
    string(FIND "${html}" "${text}" place)
    if(place EQUAL -1)
      message(SEND_ERROR "${page} has no \"${text}\"")
    endif()
  endforeach()
endfunction()

page_has(index.html "closed-form recommenders" "Which model when" "01_quickstart_8cpp-example.html")
page_has(namespacelae.html "ItemModel" "grid_search" "EaseOptions")
page_has(classlae_1_1Solver.html "user_weights" "std::invalid_argument")
page_has(classlae_1_1L3ae.html "estimate" "λ_KD")
page_has(07_own_model_8cpp-example.html "struct" "classlae_1_1Solver.html")

# Internals, formulas that were not understood.
file(GLOB_RECURSE pages ${BUILD}/docs/html/*.html ${BUILD}/docs/html/*.js)
foreach(page IN LISTS pages)
  file(STRINGS ${page} internals REGEX "lae::detail|detail::|LAE_ABI|formulaDsp|formulaInl")
  if(internals)
    message(SEND_ERROR "${page}: ${internals}")
  endif()
endforeach()
