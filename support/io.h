/* io.h -- files: read whole, write whole or not at all. */
#ifndef TKC_SUPPORT_IO_H
#define TKC_SUPPORT_IO_H

#include <stdbool.h>

#include "support/arena.h"

/* Reads a whole file ("-" is standard input) into the arena, NUL behind it. On failure returns
 * NULL and sets *error to a text of the cause (strerror). Refuses files over `max_bytes`. */
char *io_read_file(Arena *arena, const char *path, size_t max_bytes, size_t *len,
                   const char **error);
/* Writes to PATH.tmp.PID, fsyncs and renames over PATH, keeping the mode of a file that was there;
 * a symbolic link stays and its target is replaced. "-" is standard output; that, devices, pipes
 * and everything under /dev and /proc are written directly. On failure removes the temporary,
 * returns false and sets *error. */
bool io_write_file(Arena *arena, const char *path, const void *data, size_t len,
                   const char **error);
bool io_exists(const char *path);
bool io_is_dir(const char *path);

/* A set of files that appear all or none: each add writes and fsyncs its temporary (data for
 * standard output and devices is copied and kept); commit writes and renames them all, and puts
 * back what it had replaced if one of them fails; abort removes the temporaries of those not
 * committed. add and commit return false and set *error to "PATH: cause" on failure; then call
 * abort. */
typedef struct IoOutputs IoOutputs;
IoOutputs *io_outputs_create(Arena *arena);
bool io_outputs_add(IoOutputs *outs, const char *path, const void *data, size_t len,
                    const char **error);
bool io_outputs_commit(IoOutputs *outs, const char **error);
void io_outputs_abort(IoOutputs *outs);
/* As abort, for a signal handler that is about to end the process: async-signal-safe. */
void io_outputs_cleanup_on_signal(const IoOutputs *outs);

#endif
