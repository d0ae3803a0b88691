/* embedded.h -- text files that are compiled into the program (support/embed.cmake makes the
 * table). */
#ifndef TKC_SUPPORT_EMBEDDED_H
#define TKC_SUPPORT_EMBEDDED_H

#include <stddef.h>

typedef struct EmbeddedFile {
    const char *name; /* the file's name without its ending, or its path below some folder */
    const unsigned char *text;
    size_t len;
} EmbeddedFile;

#endif
