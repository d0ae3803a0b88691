/* fold.c -- reduce and scan.
 *
 * The region that combines two elements runs on whole slices at once: its instructions are
 * elementwise, so one pass over them combines any number of pairs. Operands are first laid out
 * with the axis outermost, [len][rest].
 *
 * Reduce folds the upper half of the axis onto the lower one until one row is left: elements
 * i and i + ceil(len / 2) are combined, the left one being the lower. A sum of 8 is
 * ((0+4)+(2+6)) + ((1+5)+(3+7)): a balanced tree, as on a device. Scan goes along the axis row by
 * row. A region with control flow cannot run on slices: it runs pair by pair, in the same order.
 */
#include <string.h>

#include "ir/interp/fold.h"

static bool run_region(Exec *exec, const FoldInfo *fold, size_t width) {
    Program *program = exec->program;
    uint32_t resume = program->pc;
    size_t outer_width = exec->width;
    exec->width = width;
    program->pc = fold->entry;
    exec_run(exec);
    exec->width = outer_width;
    if (exec->stop != STOP_END)
        return false;
    exec->stop = STOP_NONE;
    program->pc = resume;
    return true;
}

/* Combines `count` pairs: left and right rows are `a` and `b` elements into the work arrays; the
 * results go to the row `to`. */
static bool combine(Exec *exec, const FoldInfo *fold, size_t a, size_t b, size_t to, size_t count) {
    size_t step = fold->vector ? count : 1;
    for (size_t at = 0; at < count; at += step) {
        for (unsigned i = 0; i < fold->num; i++) {
            size_t size = fold->sizes[i];
            const uint8_t *work = slot(exec, fold->work[i]);
            memcpy(slot(exec, fold->left[i]), work + (a + at) * size, step * size);
            memcpy(slot(exec, fold->right[i]), work + (b + at) * size, step * size);
        }
        if (!run_region(exec, fold, step))
            return false;
        for (unsigned i = 0; i < fold->num; i++) {
            size_t size = fold->sizes[i];
            uint8_t *work = slot(exec, fold->work[i]);
            memcpy(work + (to + at) * size, slot(exec, fold->yielded[i]), step * size);
        }
    }
    return true;
}

/* Transposes rows x cols elements. */
#define TRANSPOSE(bits)                                                                            \
    static void transpose_##bits(void *dst, const void *src, size_t rows, size_t cols) {           \
        uint##bits##_t *restrict out = dst;                                                        \
        const uint##bits##_t *restrict in = src;                                                   \
        for (size_t r = 0; r < rows; r++)                                                          \
            for (size_t c = 0; c < cols; c++)                                                      \
                out[c * rows + r] = in[r * cols + c];                                              \
    }
TRANSPOSE(8)
TRANSPOSE(16)
TRANSPOSE(32)
TRANSPOSE(64)

static void transpose(void *dst, const void *src, size_t rows, size_t cols, size_t size) {
    if (size == 1)
        transpose_8(dst, src, rows, cols);
    else if (size == 2)
        transpose_16(dst, src, rows, cols);
    else if (size == 4)
        transpose_32(dst, src, rows, cols);
    else
        transpose_64(dst, src, rows, cols);
}

/* Copies [outer][len][inner] to [len][outer][inner], or back. */
static void move_axis(const FoldInfo *fold, uint8_t *dst, const uint8_t *src, size_t size,
                      bool back) {
    size_t run = fold->inner * size;
    if (fold->outer == 1) {
        memcpy(dst, src, fold->len * run);
        return;
    }
    if (fold->inner == 1) {
        transpose(dst, src, back ? fold->len : fold->outer, back ? fold->outer : fold->len, size);
        return;
    }
    for (size_t o = 0; o < fold->outer; o++) {
        for (size_t l = 0; l < fold->len; l++) {
            size_t row_major = (o * fold->len + l) * run, axis_first = (l * fold->outer + o) * run;
            memcpy(dst + (back ? row_major : axis_first), src + (back ? axis_first : row_major),
                   run);
        }
    }
}

static void load_operands(Exec *exec, const Inst *inst, const FoldInfo *fold) {
    for (unsigned i = 0; i < fold->num; i++)
        move_axis(fold, slot(exec, fold->work[i]), slot(exec, inst->src[i]), fold->sizes[i], false);
}

bool exec_reduce(Exec *exec, const Inst *inst) {
    const FoldInfo *fold = inst->info;
    size_t rest = fold->outer * fold->inner;
    load_operands(exec, inst, fold);
    for (size_t len = fold->len; len > 1;) {
        size_t half = len / 2, upper = len - half;
        if (!combine(exec, fold, 0, upper * rest, 0, half * rest))
            return false;
        len = upper;
    }
    for (unsigned i = 0; i < fold->num; i++)
        memcpy(slot(exec, inst->dst[i]), slot(exec, fold->work[i]), rest * fold->sizes[i]);
    exec->program->pc = inst->target;
    return true;
}

bool exec_scan(Exec *exec, const Inst *inst) {
    const FoldInfo *fold = inst->info;
    size_t rest = fold->outer * fold->inner;
    load_operands(exec, inst, fold);
    for (size_t step = 1; step < fold->len; step++) {
        size_t row = fold->reverse ? fold->len - 1 - step : step;
        size_t before = fold->reverse ? row + 1 : row - 1;
        if (!combine(exec, fold, before * rest, row * rest, row * rest, rest))
            return false;
    }
    for (unsigned i = 0; i < fold->num; i++)
        move_axis(fold, slot(exec, inst->dst[i]), slot(exec, fold->work[i]), fold->sizes[i], true);
    exec->program->pc = inst->target;
    return true;
}
