# Kernels compiled ahead of time, as C. The templates become part of the program.
set(templates
    "${CMAKE_CURRENT_LIST_DIR}/grid_header.in"
    "${CMAKE_CURRENT_LIST_DIR}/grid_source.in"
    "${CMAKE_CURRENT_LIST_DIR}/header.in"
    "${CMAKE_CURRENT_LIST_DIR}/source.in")
list(JOIN templates "," template_list)
set(template_table "${CMAKE_CURRENT_BINARY_DIR}/aot_templates.c")
add_custom_command(OUTPUT "${template_table}"
    COMMAND "${CMAKE_COMMAND}" "-DOUTPUT=${template_table}" -DTABLE=aot_templates
            -DHEADER=runtime/aot/aot_templates.h "-DFILES=${template_list}"
            -P "${PROJECT_SOURCE_DIR}/support/embed.cmake"
    DEPENDS ${templates} "${PROJECT_SOURCE_DIR}/support/embed.cmake" VERBATIM)
target_sources(tkc_runtime PRIVATE
    "${template_table}"
    "${CMAKE_CURRENT_LIST_DIR}/aot.c"
    "${CMAKE_CURRENT_LIST_DIR}/aot_grid.c"
    "${CMAKE_CURRENT_LIST_DIR}/aot_params.c"
    "${CMAKE_CURRENT_LIST_DIR}/aot_program.c"
    "${CMAKE_CURRENT_LIST_DIR}/aot_text.c")
