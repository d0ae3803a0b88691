# Writes OUTPUT, a C file that defines `const EmbeddedFile TABLE[]` and `const size_t TABLE_count` with
# the texts of FILES (separated by commas). HEADER declares both.
# Their names are those of the files without their endings or, with ROOT, their paths below it; then
# FILES are such paths.
#     cmake -DOUTPUT=x.c -DTABLE=host_library -DHEADER=runtime/host/x.h -DFILES=a.py,b.py -P embed.cmake
string(REPLACE "," ";" FILES "${FILES}")
set(code "/* Made by support/embed.cmake. */\n#include \"${HEADER}\"\n\n")
set(rows "")
foreach(path IN LISTS FILES)
    if(ROOT)
        set(name "${path}")
        set(path "${ROOT}/${path}")
    else()
        get_filename_component(name "${path}" NAME_WE)
    endif()
    string(MAKE_C_IDENTIFIER "${name}" variable)
    file(READ "${path}" bytes HEX)
    string(LENGTH "${bytes}" digits)
    math(EXPR len "${digits} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND code "static const unsigned char ${variable}_text[] = {${bytes}0x00};\n")
    string(APPEND rows "    {\"${name}\", ${variable}_text, ${len}},\n")
endforeach()
string(APPEND code "\nconst EmbeddedFile ${TABLE}[] = {\n${rows}};\n"
    "const size_t ${TABLE}_count = sizeof ${TABLE} / sizeof ${TABLE}[0];\n")
file(WRITE "${OUTPUT}" "${code}")
