/* picture.h -- a recording made small enough to look at: panels of cells, for draw_text.c and
 * draw_svg.c.
 *
 * A cell stands for a rectangle of elements, of the same size throughout a panel; what it shows and
 * what is left out is said in the panel's notes. A vector is wrapped: its lines are its rows here.
 */
#ifndef TKC_RUNTIME_DRAW_PICTURE_H
#define TKC_RUNTIME_DRAW_PICTURE_H

#include "runtime/draw/record.h"

typedef enum CellKind {
    CELL_NONE,    /* not of the tensor, nor where a lane points */
    CELL_FREE,    /* of the tensor, untouched */
    CELL_TOUCHED, /* by one program (by its number), or in one step */
    CELL_SHARED,  /* by several programs, or in several steps */
    CELL_MASKED   /* only lanes that were masked off point there */
} CellKind;

typedef struct Cell {
    CellKind kind;
    bool partly;        /* some elements of it are not touched */
    bool outside;       /* it lies outside the tensor */
    uint32_t number;    /* of the program, or of the step; CELL_SHARED: how many programs at most */
    const Touch *touch; /* of its first element, if that is touched */
} Cell;

typedef struct PicturePanel {
    const Panel *panel;
    const char *title, *shape; /* "x_ptr, loaded", "f32[1000]" */
    VEC(const char *) notes;
    bool wrapped;
    int axis;    /* of the grid: numbers are these ids, since programs alike in them touch the same;
                    -1: numbers are of programs */
    bool counts; /* of CELL_SHARED only: numbers are how many programs touch a cell */
    int64_t rows, cols;              /* of cells shown */
    int64_t cell_height, cell_width; /* elements of a cell */
    int64_t first_row, first_col;    /* the first element shown; of a wrapped panel: first_col */
    Cell *cells;                     /* [rows * cols] */
} PicturePanel;

typedef struct Picture {
    const char *title, *subtitle;
    bool steps; /* numbers are those of steps of one program, not of programs */
    bool lanes; /* cells are elements; their touches say who holds them */
    int64_t grid[3];
    PicturePanel *panels;
    size_t num_panels;
    /* What occurs, for the legend; stars: CELL_SHARED in panels that do not count. */
    uint32_t max_number, max_shared;
    bool has_shared, has_stars, has_masked, has_free, has_partly, has_outside;
    VEC(const char *) notes;
} Picture;

/* How much of it there may be. */
typedef struct PictureLimits {
    int64_t rows, cols;  /* cells of a panel */
    int64_t lines, line; /* of a wrapped one: lines, and cells of one */
    int64_t vectors;     /* with lanes: vectors in a row */
} PictureLimits;
extern const PictureLimits picture_text_limits, picture_svg_limits;

/* How many cells of `count`, from the first on, are neighbours in one thread's vector. */
int64_t picture_vector(const Cell *cells, int64_t count);
/* A program whose accesses of each tensor are one step has no order to show. */
static inline bool picture_is_one_step(const Picture *picture) {
    return picture->steps && picture->max_number == 0;
}

/* `picture` comes with its titles, grid, steps and lanes. */
void picture_fill(Picture *picture, const Recorder *recorder, const PictureLimits *limits);

/* "f32[37, 781] stride (781, 1)". */
const char *picture_shape(Arena *arena, const MemView *view);

/* The two forms. `width`: columns of a terminal. */
void picture_text(const Picture *picture, size_t width, bool color, StrBuf *out);
void picture_svg(const Picture *picture, StrBuf *out);

#endif
