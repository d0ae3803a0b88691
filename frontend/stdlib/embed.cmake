# Writes OUTPUT, a C file that holds the texts FILES (a list) as the table of frontend/stdlib.h:
# cmake -DOUTPUT=... -DFILES=a.tk,b.tk -P embed.cmake
string(REPLACE "," ";" FILES "${FILES}")
set(code "/* Made from the files of frontend/stdlib by embed.cmake. */\n#include \"frontend/stdlib.h\"\n\n")
set(table "")
foreach(path IN LISTS FILES)
    get_filename_component(name "${path}" NAME_WE)
    file(READ "${path}" bytes HEX)
    string(LENGTH "${bytes}" len)
    math(EXPR len "${len} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND code "static const unsigned char ${name}_text[] = {${bytes}0x00};\n")
    string(APPEND table "    {\"${name}\", ${name}_text, ${len}},\n")
endforeach()
string(APPEND code "\nconst StdlibFile stdlib_files[] = {\n${table}};\n"
    "const size_t stdlib_count = sizeof stdlib_files / sizeof stdlib_files[0];\n")
file(WRITE "${OUTPUT}" "${code}")
