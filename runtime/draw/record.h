/* record.h -- what the programs of one launch touch of each tensor, element by element.
 *
 * A recording has panels: one for each parameter and kind of access. A panel is a matrix of
 * elements: the last two dimensions of the tensor, or its one row. Of a tensor with more dimensions
 * it holds one slice, the first that was touched. Around the tensor lies room for the overhang:
 * where masked-off lanes would have gone.
 */
#ifndef TKC_RUNTIME_DRAW_RECORD_H
#define TKC_RUNTIME_DRAW_RECORD_H

#include "ir/interp/interp.h"
#include "support/vec.h"

/* The most elements that a panel has: 20 bytes each. */
#define RECORD_MAX_ELEMENTS (INT64_C(1) << 24)

/* One element. */
typedef struct Touch {
    uint32_t first; /* 1 + number of the first program that touches it; 0: none does */
    uint32_t last;  /* the same of the last one so far */
    uint16_t count; /* programs */
    bool masked;    /* only lanes that were masked off point here */
    bool again;     /* by several steps of a program */
    uint8_t same;   /* bit d: its programs are alike in id d, as far as they are several */
    uint16_t step;  /* of the first program: in its how-manieth access of the panel */
    uint8_t warp;   /* who holds it; only with Recorder.lanes */
    uint8_t lane;
    uint16_t reg;
    uint8_t width; /* elements of the vector that it is part of; 0: not known */
    uint8_t place; /* in that vector */
} Touch;

typedef struct Panel {
    int param;
    const char *name;
    AccessKind kind;
    const MemView *view;
    int64_t rows, cols;    /* of the tensor: its slice */
    int64_t height, width; /* of `touches`, with overhang */
    int64_t used_height, used_width;
    Touch *touches; /* [height * width] */
    bool has_slice;
    int64_t slice[MEM_MAX_RANK]; /* the leading coordinates */
    uint64_t elsewhere;          /* lanes that touch other slices */
    uint64_t beyond;             /* masked-off lanes too far out to be drawn */
    uint32_t steps;              /* accesses by the program `stepping` so far */
    uint64_t stepping;
    uint32_t max_width; /* the widest vector */
    unsigned copies;    /* lanes that hold each element: 1, or more; 0: not known */
} Panel;

typedef struct Recorder {
    Arena *arena, *scratch;
    const IrKernel *kernel;
    const InterpArg *args;
    const int64_t *grid;
    int only_param;  /* -1: all */
    int64_t program; /* linear number; -1: all */
    bool lanes;      /* who holds each element: the kernel is at the laid level */
    VEC(Panel) panels;
    uint64_t unknown;     /* lanes whose pointers come from no parameter */
    const Panel *too_big; /* a tensor with more than RECORD_MAX_ELEMENTS: nothing of it is kept */
} Recorder;

/* For InterpOptions.observer. */
InterpObserver record_observer(Recorder *recorder);

/* In which ids two programs (1 + their numbers) are alike: bits 0 to 2. */
uint8_t record_alike_ids(const int64_t grid[3], uint32_t a, uint32_t b);

/* Where the lanes of an access lie in the tensor that `param` points to (place.c). Active lanes lie
 * on their elements; others go on as the tile does, beyond the shape where it hangs over. */
typedef struct PlacedLane {
    int64_t at[MEM_MAX_RANK];
} PlacedLane;
void place_lanes(const MemView *view, const InterpAccess *access, int param, PlacedLane *out);
/* The tile that an access reads or writes; NULL: a single element. */
const IrType *place_tile(const InterpAccess *access);

#endif
