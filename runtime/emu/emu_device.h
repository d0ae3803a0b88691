/* emu_device.h -- the emu device: the emulator of PTX behind runtime/device.h.
 *
 *     Device *device = device_emu_create(&oom, &compiler);
 *     ... compile and launch kernels ...
 *     device_emu_profile(device, sources, false, out);      // what they did, by source line
 *     device->ops->destroy(device);
 */
#ifndef TKC_RUNTIME_EMU_EMU_DEVICE_H
#define TKC_RUNTIME_EMU_EMU_DEVICE_H

#include "runtime/device.h"
#include "support/source.h"

/* `compiler` makes the PTX and must outlive the device. Its events tell the cost of what was
 * launched between them (docs/emulator.md, "Cost"), a thousand issue slots as a millisecond. */
Device *device_emu_create(OomHandler *oom, const DeviceCompiler *compiler);

/* For tests of where barriers are put: leaves one out, counted from 1 over all kernels in the order
 * in which they are compiled; 0: none. */
void device_emu_skip_barrier(Device *device, unsigned number);
/* Writes a line for each barrier that was executed: its number, kernel and source line. */
void device_emu_barriers(const Device *device, SourceSet *sources, FILE *out);

/* Writes what each kernel compiled on the device has counted, in the order in which they were
 * compiled; those that were not launched are left out. JSON: one object a line. The arenas that the
 * kernels were compiled into must still be there. */
void device_emu_profile(const Device *device, SourceSet *sources, bool json, FILE *out);

#endif
