/* devices.h -- the device that a session runs kernels on, with the compiler behind it. */
#ifndef TKC_RUNTIME_DEVICES_H
#define TKC_RUNTIME_DEVICES_H

#include "runtime/assemble.h"
#include "runtime/compile.h"
#include "runtime/compiler_cache.h"
#include "runtime/session_internal.h"

/* A device and what it needs as long as it lives. */
typedef struct OpenDevice {
    Device *device;
    CompileOptions compile;
    CachedCompiler cached;
    DeviceCompiler compiler;
    ParallelAssembler assemblers;
    DeviceAssembler assembler;
    Cache *cache;
} OpenDevice;

/* Opens a device of that kind, DEVICE_AUTO: the best that is there. False: it cannot be used,
 * reported. `open` stays where it is until devices_close(). */
bool devices_open(Session *session, DeviceKind kind, OpenDevice *open);
void devices_close(OpenDevice *open); /* also one that could not be opened */

#endif
