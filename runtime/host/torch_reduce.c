/* torch_reduce.c -- folding dimensions: the engine behind sum, max, var, any and the like.
 *
 * The reduced dimensions of each result are cut into chunks of a fixed number of elements; threads
 * fold chunks, and partial results are merged in order, so that the outcome does not depend on the
 * number of threads. Where the dimension that stays is the one that is contiguous in memory
 * (x.sum(dim=0) of a row-major matrix), a tile of neighbouring results is folded together, so that
 * memory is read along its rows:
 *
 *     columns 0..127:   load row 0 [0:128], row 1 [0:128], ... and transpose in cache
 */
#include <stdlib.h>

#include "runtime/host/torch_internal.h"

#define CHUNK      65536 /* elements of one partial result */
#define LOAD_BLOCK 512
#define TILE       128 /* results side by side */
#define TILE_ROWS  16  /* elements of each that are loaded at once */

typedef struct Reduction {
    const Reducer *reducer;
    const double *params;
    MemView kept, folded; /* of the input: the dimensions that stay and those that go */
    int64_t num_results, num_folded;
    int64_t tile, num_tiles, num_chunks;
    Accumulator *partial; /* [result][chunk], NULL if there is one chunk */
    MemView values, indices;
} Reduction;

static void finish_result(const Reduction *r, int64_t result, const Accumulator *acc) {
    const Num value = r->reducer->finish(acc, r->params);
    view_store(&r->values, r->reducer->out_float, result, 1, &value);
    if (r->indices.alloc)
        view_store(&r->indices, false, result, 1, &(Num){.i = acc->index});
}

/* Bytes from the view's first element to element `linear`. */
static size_t element_offset(const MemView *view, int64_t linear) {
    int64_t offset = 0;
    for (unsigned d = view->rank; d-- > 0;) {
        offset += linear % view->shape[d] * view->strides[d];
        linear /= view->shape[d];
    }
    return (size_t)offset * dtype_size(view->dtype);
}

static void fold_one(const Reduction *r, int64_t result, int64_t begin, int64_t end,
                     Accumulator *acc) {
    Num block[LOAD_BLOCK];
    MemView in = r->folded;
    in.offset += element_offset(&r->kept, result);
    for (int64_t at = begin; at < end; at += LOAD_BLOCK) {
        const size_t n = end - at < LOAD_BLOCK ? (size_t)(end - at) : LOAD_BLOCK;
        view_load(&in, r->reducer->from_float, at, n, block);
        r->reducer->fold(acc, block, n, r->params);
    }
}

static void fold_tile(const Reduction *r, int64_t first, size_t width, int64_t begin, int64_t end,
                      Accumulator *acc) {
    Num row[TILE], columns[TILE][TILE_ROWS];
    for (int64_t at = begin; at < end; at += TILE_ROWS) {
        const size_t rows = end - at < TILE_ROWS ? (size_t)(end - at) : TILE_ROWS;
        for (size_t k = 0; k < rows; k++) {
            MemView in = r->kept;
            in.offset += element_offset(&r->folded, at + (int64_t)k);
            view_load(&in, r->reducer->from_float, first, width, row);
            for (size_t c = 0; c < width; c++)
                columns[c][k] = row[c];
        }
        for (size_t c = 0; c < width; c++)
            r->reducer->fold(&acc[c], columns[c], rows, r->params);
    }
}

static void reduce_body(void *context, int64_t task_begin, int64_t task_end, unsigned worker) {
    const Reduction *r = context;
    Accumulator acc[TILE];
    (void)worker;
    for (int64_t task = task_begin; task < task_end; task++) {
        const int64_t first = task / r->num_chunks * r->tile, chunk = task % r->num_chunks;
        const int64_t left = r->num_results - first;
        const size_t width = (size_t)(left < r->tile ? left : r->tile);
        const int64_t begin = chunk * CHUNK;
        const int64_t end = begin + CHUNK < r->num_folded ? begin + CHUNK : r->num_folded;
        for (size_t c = 0; c < width; c++)
            acc[c] = (Accumulator){.value = r->reducer->initial};
        if (r->tile > 1)
            fold_tile(r, first, width, begin, end, acc);
        else
            fold_one(r, first, begin, end, acc);
        for (size_t c = 0; c < width; c++)
            if (r->partial)
                r->partial[(first + (int64_t)c) * r->num_chunks + chunk] = acc[c];
            else
                finish_result(r, first + (int64_t)c, &acc[c]);
    }
}

/* Indices count within the chunk until here. */
static void merge_chunks(const Reduction *r) {
    for (int64_t result = 0; result < r->num_results; result++) {
        Accumulator *parts = &r->partial[result * r->num_chunks];
        for (int64_t c = 1; c < r->num_chunks; c++) {
            parts[c].index += c * CHUNK;
            r->reducer->merge(&parts[0], &parts[c], r->params);
        }
        finish_result(r, result, &parts[0]);
    }
}

static void split_dims(Reduction *r, const MemView *in, unsigned mask) {
    r->kept = r->folded = *in;
    r->kept.rank = r->folded.rank = 0;
    for (unsigned d = 0; d < in->rank; d++) {
        MemView *side = mask >> d & 1u ? &r->folded : &r->kept;
        side->shape[side->rank] = in->shape[d];
        side->strides[side->rank++] = in->strides[d];
    }
    r->num_results = view_numel(&r->kept);
    r->num_folded = view_numel(&r->folded);
    MemView *kept = &r->kept, *folded = &r->folded;
    views_coalesce(&kept, 1);
    views_coalesce(&folded, 1);
}

void reduce_run(TorchState *state, const Reducer *reducer, const MemView *in, unsigned dims,
                const double *params, const MemView *values, const MemView *indices) {
    Reduction r = {.reducer = reducer, .params = params, .values = *values};
    if (indices)
        r.indices = *indices;
    split_dims(&r, in, dims);
    if (r.num_results == 0)
        return;
    const bool tiled = r.kept.rank > 0 && r.folded.rank > 0 &&
                       r.kept.strides[r.kept.rank - 1] < r.folded.strides[r.folded.rank - 1];
    r.tile = tiled ? TILE : 1;
    r.num_tiles = (r.num_results + r.tile - 1) / r.tile;
    r.num_chunks = r.num_folded > CHUNK ? (r.num_folded + CHUNK - 1) / CHUNK : 1;
    if (r.num_chunks > 1)
        r.partial =
            oom_malloc(state->oom, (size_t)(r.num_results * r.num_chunks) * sizeof *r.partial);
    const int64_t per_task = r.tile * (r.num_folded < CHUNK ? r.num_folded + 1 : CHUNK);
    const int64_t grain = CHUNK / per_task > 0 ? CHUNK / per_task : 1;
    threads_for(state->pool, r.num_tiles * r.num_chunks, grain, reduce_body, &r);
    if (r.partial)
        merge_chunks(&r);
    free(r.partial);
}

/* ---- dimensions -------------------------------------------------------------------------------
 */

bool arg_dim_mask(const TorchCall *call, unsigned index, unsigned rank, unsigned *mask) {
    Dims dims = {.len = 0};
    if (!arg_dims(call, index, &dims))
        return false;
    *mask = dims.len == 0 ? (1u << rank) - 1u : 0;
    for (unsigned k = 0; k < dims.len; k++) {
        unsigned dim;
        if (!torch_wrap_dim(call->py, dims.at[k], rank, &dim))
            return false;
        if (*mask >> dim & 1u) {
            py_raise(call->py, PYEXC_RuntimeError,
                     "dim %u appears multiple times in the list of dims", dim);
            return false;
        }
        *mask |= rank > 0 ? 1u << dim : 0;
    }
    return true;
}

Dims reduced_shape(const MemView *view, unsigned mask, bool keepdim) {
    Dims shape = {.len = 0};
    for (unsigned d = 0; d < view->rank; d++) {
        if (!(mask >> d & 1u))
            shape.at[shape.len++] = view->shape[d];
        else if (keepdim)
            shape.at[shape.len++] = 1;
    }
    return shape;
}
