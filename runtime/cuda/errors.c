/* errors.c -- what the driver answers, as diagnostics.
 *
 * Launches return before they run, so the driver tells of a kernel's error at some later call, and
 * after most such errors the context is of no more use ("sticky" errors in the driver's
 * documentation). The first one is remembered together with what was launched since the device was
 * last known to be idle; it is reported once, where the host next looks at the device.
 *
 *     k.tk:20:1: fault: the GPU stopped `add_kernel`: an illegal memory access ... [TK1004]
 *     help: `--device=cpu` or `--device=emu` tells which access it was
 */
#include "runtime/cuda/cuda_internal.h"

bool cuda_is_sticky(CudaResult result) {
    switch (result) {
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_ASSERT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED:
        return true;
    default:
        return false;
    }
}

bool cuda_check(CudaDevice *device, CudaResult result, const char *doing) {
    if (result == CUDA_SUCCESS)
        return true;
    if (device->error == CUDA_SUCCESS) {
        device->error = result;
        device->doing = doing;
    }
    return false;
}

/* What to do about it, where that is known. */
static const char *advice(CudaResult result) {
    switch (result) {
    case CUDA_ERROR_ASSERT:
        return "the message of the tl.device_assert that failed is in the program's output";
    case CUDA_ERROR_LAUNCH_TIMEOUT:
        return "a GPU that drives a display stops kernels after some seconds; give each launch "
               "less "
               "to do";
    default:
        return "`--device=cpu` and `--device=emu` check every access and name the line";
    }
}

static DeviceStatus report_fault(CudaDevice *device, Diags *diags, SrcRange here) {
    bool exact = device->pending == 1;
    SrcRange range = exact && !range_is_none(device->last.call) ? device->last.call : here;
    const char *name =
        device->pending == 0 || device->pending_differ ? "a kernel" : device->last.kernel;
    Diag *diag = diag_report(diags, DIAG_CUDA_FAULT, range, name,
                             cuda_error_text(&device->driver, device->error));
    diag_note(diag, SRC_NONE, "the driver's code is %s",
              cuda_error_name(&device->driver, device->error));
    if (device->pending > 1) {
        diag_note(diag, device->last.call,
                  "one of the last %zu launches did it; the newest, of `%s`, is this one",
                  device->pending, device->last.kernel);
        diag_help(diag, "with CUDA_LAUNCH_BLOCKING=1 in the environment each launch is waited for, "
                        "and the one that fails is known");
    }
    diag_help(diag, "%s", advice(device->error));
    return DEVICE_FAULT;
}

DeviceStatus cuda_report(CudaDevice *device, Diags *diags, SrcRange here) {
    if (device->reported) {
        Diag *diag = diag_report(diags, DIAG_CUDA_DEAD, here);
        diag_note(diag, SRC_NONE, "it was stopped by: %s",
                  cuda_error_text(&device->driver, device->error));
        return DEVICE_FAULT;
    }
    device->reported = true;
    if (cuda_is_sticky(device->error))
        return report_fault(device, diags, here);
    cuda_report_call(device, diags, here, device->error, device->doing);
    return DEVICE_FAULT;
}

void cuda_report_call(CudaDevice *device, Diags *diags, SrcRange here, CudaResult result,
                      const char *doing) {
    Diag *diag =
        diag_report(diags, DIAG_CUDA_CALL, here, doing, cuda_error_text(&device->driver, result));
    diag_note(diag, SRC_NONE, "the driver's code is %s", cuda_error_name(&device->driver, result));
    size_t available, total;
    if (result == CUDA_ERROR_OUT_OF_MEMORY &&
        device->driver.mem_info(&available, &total) == CUDA_SUCCESS)
        diag_note(diag, SRC_NONE, "%zu of the GPU's %zu MiB are free", available >> 20,
                  total >> 20);
}
