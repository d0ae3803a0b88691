/* stdlib.h -- the texts of frontend/stdlib, compiled into the program (made by embed.cmake). */
#ifndef TKC_FRONTEND_STDLIB_H
#define TKC_FRONTEND_STDLIB_H

#include <stddef.h>

typedef struct StdlibFile {
    const char *name; /* "reduce" for reduce.tk */
    const unsigned char *text;
    size_t len;
} StdlibFile;
extern const StdlibFile stdlib_files[];
extern const size_t stdlib_count;

#endif
