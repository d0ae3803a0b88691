/* summary.h -- what a compiled kernel needs of a GPU, for people (`tkc build --verbose`).
 *
 *     matmul  sm_90a  4 warps  96 registers  0 B spilled  48.0 KiB shared memory
 *         shared  32.0 KiB  As, line 18
 *         load    4 x 128 bits, line 23
 *         1 conversion between layouts, 0 by shuffles
 *         3 barriers
 */
#ifndef TKC_RUNTIME_SUMMARY_H
#define TKC_RUNTIME_SUMMARY_H

#include "runtime/assemble.h"

/* Prints it. `assembled`: what ptxas said; NULL: there is none. */
void summary_print(const SourceSet *sources, const Compiled *compiled, const char *target,
                   const Assembled *assembled, FILE *out);
/* The same as one line of JSON. */
void summary_print_json(const SourceSet *sources, const Compiled *compiled, const char *target,
                        const Assembled *assembled, FILE *out);

#endif
