/* shared.h -- shared memory of a program at the laid level. */
#ifndef TKC_IR_INTERP_SHARED_H
#define TKC_IR_INTERP_SHARED_H

#include "ir/interp/program.h"

/* Where the buffers of a kernel lie. */
typedef struct SharedPlan SharedPlan;
/* NULL: the kernel has no buffers. */
SharedPlan *shared_plan(Arena *arena, const IrKernel *kernel);
/* Bytes that a program needs: the memory, and who touched what. The memory's place is the value of
 * every `shared_alloc`. */
size_t shared_state_size(const SharedPlan *plan);

/* Bytes of the value of a `shared_slot`. */
size_t shared_view_size(void);

/* Fills `inst` for the operations on shared memory but dot_fma; false: another one, or a buffer
 * that is not the result of a shared_alloc. `scratch` receives the bytes of scratch it wants. */
bool prepare_shared(Arena *arena, const SharedPlan *plan, const IrOp *op, Inst *inst,
                    size_t *scratch);
bool exec_shared_begin(Exec *exec, const Inst *inst);   /* info: the plan */
bool exec_shared_barrier(Exec *exec, const Inst *inst); /* src: the memory */
bool exec_shared_commit(Exec *exec, const Inst *inst);
bool exec_shared_wait(Exec *exec, const Inst *inst);

/* All elements of a buffer, for dot_fma, which every warp reads. */
typedef struct SharedBuffer SharedBuffer;
const SharedBuffer *shared_buffer(Arena *arena, const SharedPlan *plan, const IrValue *buffer);
/* Copies them to `out` in row-major order; false: a fault. */
bool shared_read_all(Exec *exec, const Inst *inst, const SharedBuffer *buffer, SlotRef memory,
                     uint8_t *out);

#endif
