# Pictures of what programs touch.
target_sources(tkc_runtime PRIVATE
    "${CMAKE_CURRENT_LIST_DIR}/draw.c"
    "${CMAKE_CURRENT_LIST_DIR}/draw_svg.c"
    "${CMAKE_CURRENT_LIST_DIR}/draw_text.c"
    "${CMAKE_CURRENT_LIST_DIR}/picture.c"
    "${CMAKE_CURRENT_LIST_DIR}/place.c"
    "${CMAKE_CURRENT_LIST_DIR}/record.c")
