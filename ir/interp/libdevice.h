/* libdevice.h -- between libdevice.c and libdevice_word.c. */
#ifndef TKC_IR_INTERP_LIBDEVICE_H
#define TKC_IR_INTERP_LIBDEVICE_H

#include "ir/interp/program.h"

#define LIB_MAX_ARITY 4

/* A function over bit patterns, zero-extended; `types` is the overload: the arguments' letters. */
typedef uint64_t (*LibWordFn)(const uint64_t *args, const char *types);

/* Bit patterns of floats ('f', 'd') as doubles, and back with one rounding. */
double lib_unpack(uint64_t bits, char letter);
uint64_t lib_pack(double value, char letter);

/* The functions of the rows of shape WORD: libdevice_word.c. */
#define DECLARE_REAL1(function)
#define DECLARE_REAL2(function)
#define DECLARE_REAL3(function)
#define DECLARE_WORD(function)                      uint64_t function(const uint64_t *args, const char *types);
#define LIBDEVICE(name, overloads, shape, function) DECLARE_##shape(function)
#include "ir/libdevice.def"
#undef LIBDEVICE
#undef DECLARE_REAL1
#undef DECLARE_REAL2
#undef DECLARE_REAL3
#undef DECLARE_WORD

#endif
