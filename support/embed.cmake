# Writes OUTPUT, a C file that defines `const EmbeddedFile TABLE[]` and `const size_t TABLE_count` with
# the texts of FILES (separated by commas). HEADER declares both.
#     cmake -DOUTPUT=x.c -DTABLE=host_library -DHEADER=runtime/host/x.h -DFILES=a.py,b.py -P embed.cmake
string(REPLACE "," ";" FILES "${FILES}")
set(code "/* Made by support/embed.cmake. */\n#include \"${HEADER}\"\n\n")
set(rows "")
foreach(path IN LISTS FILES)
    get_filename_component(name "${path}" NAME_WE)
    file(READ "${path}" bytes HEX)
    string(LENGTH "${bytes}" digits)
    math(EXPR len "${digits} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND code "static const unsigned char ${name}_text[] = {${bytes}0x00};\n")
    string(APPEND rows "    {\"${name}\", ${name}_text, ${len}},\n")
endforeach()
string(APPEND code "\nconst EmbeddedFile ${TABLE}[] = {\n${rows}};\n"
    "const size_t ${TABLE}_count = sizeof ${TABLE} / sizeof ${TABLE}[0];\n")
file(WRITE "${OUTPUT}" "${code}")
