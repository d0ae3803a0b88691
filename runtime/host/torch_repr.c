/* torch_repr.c -- tensors as text, formatted as PyTorch does.
 *
 * One format is chosen for all elements shown: integers as they are; floats that are all whole
 * numbers as "1."; otherwise four digits, in scientific notation if the magnitudes are far apart
 * (a ratio above 1000, or above 1e8, or below 1e-4). Above 1000 elements, only the first and the
 * last three of each dimension are shown, and only these choose the format.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/host/torch_internal.h"

#define LINE_WIDTH 80
#define EDGE_ITEMS 3
#define THRESHOLD  1000

typedef struct Style {
    const Tensor *tensor;
    bool is_float, summarize;
    bool whole, scientific;
    int width;
    double low, high; /* least and greatest finite magnitude but 0 */
    bool any;
} Style;

/* ---- elements ---------------------------------------------------------------------------------
 */

static int print_number(const Style *style, int64_t index, char *out, size_t size) {
    const MemView *view = &style->tensor->view;
    const Num value = view_element(view, index);
    if (view->dtype == DT_BOOL)
        return snprintf(out, size, "%s", value.i ? "True" : "False");
    if (view->dtype == DT_U64)
        return snprintf(out, size, "%llu", (unsigned long long)value.i);
    if (!style->is_float)
        return snprintf(out, size, "%lld", (long long)value.i);
    if (isnan(value.f))
        return snprintf(out, size, "nan");
    if (isinf(value.f))
        return snprintf(out, size, value.f < 0 ? "-inf" : "inf");
    if (style->scientific)
        return snprintf(out, size, "%.4e", value.f);
    return style->whole ? snprintf(out, size, "%.0f.", value.f)
                        : snprintf(out, size, "%.4f", value.f);
}

static void put_element(const Style *style, int64_t index, StrBuf *out) {
    char text[400];
    const int len = print_number(style, index, text, sizeof text);
    for (int i = len; i < style->width; i++)
        strbuf_putc(out, ' ');
    strbuf_puts(out, text);
}

/* ---- which elements are shown -----------------------------------------------------------------
 */

typedef void (*Visit)(Style *style, int64_t index);

static bool is_skipped(const Style *style, int64_t at, int64_t size) {
    return style->summarize && size > 2 * EDGE_ITEMS && at >= EDGE_ITEMS && at < size - EDGE_ITEMS;
}

static void visit_shown(Style *style, unsigned dim, int64_t linear, Visit visit) {
    const MemView *view = &style->tensor->view;
    if (dim == view->rank) {
        visit(style, linear);
        return;
    }
    const int64_t size = view->shape[dim];
    for (int64_t i = 0; i < size; i++) {
        if (is_skipped(style, i, size))
            i = size - EDGE_ITEMS;
        visit_shown(style, dim + 1, linear * size + i, visit);
    }
}

static void visit_magnitude(Style *style, int64_t index) {
    const double value = view_element(&style->tensor->view, index).f;
    const double magnitude = fabs(value);
    if (value == 0 || !isfinite(value))
        return;
    if (value != ceil(value))
        style->whole = false;
    style->low = !style->any || magnitude < style->low ? magnitude : style->low;
    style->high = !style->any || magnitude > style->high ? magnitude : style->high;
    style->any = true;
}

static void visit_width(Style *style, int64_t index) {
    char text[400];
    if (style->is_float) {
        const double value = view_element(&style->tensor->view, index).f;
        if (value == 0 || !isfinite(value))
            return;
    }
    const int width = print_number(style, index, text, sizeof text);
    if (width > style->width)
        style->width = width;
}

static void choose_style(Style *style) {
    style->width = 1;
    style->whole = true;
    if (style->is_float) {
        visit_shown(style, 0, 0, visit_magnitude);
        if (style->any)
            style->scientific = style->high / style->low > 1000.0 || style->high > 1.0e8 ||
                                (!style->whole && style->low < 1.0e-4);
    }
    visit_shown(style, 0, 0, visit_width);
}

/* ---- layout -----------------------------------------------------------------------------------
 */

static void put_row(const Style *style, int64_t first, int64_t size, int indent, StrBuf *out) {
    const int room = (LINE_WIDTH - indent) / (style->width + 2);
    const int per_line = room > 1 ? room : 1;
    int on_line = 0;
    strbuf_putc(out, '[');
    for (int64_t i = 0; i < size; i++) {
        if (i > 0)
            strbuf_putc(out, ',');
        if (on_line == per_line) {
            strbuf_printf(out, "\n%*s", indent + 1, "");
            on_line = 0;
        } else if (i > 0) {
            strbuf_putc(out, ' ');
        }
        on_line++;
        if (is_skipped(style, i, size)) {
            strbuf_puts(out, " ...");
            i = size - EDGE_ITEMS - 1;
        } else {
            put_element(style, first + i, out);
        }
    }
    strbuf_putc(out, ']');
}

static void put_nested(const Style *style, unsigned dim, int64_t linear, int indent, StrBuf *out) {
    const MemView *view = &style->tensor->view;
    if (dim == view->rank) {
        put_element(style, linear, out);
        return;
    }
    const int64_t size = view->shape[dim];
    if (dim + 1 == view->rank) {
        put_row(style, linear * size, size, indent, out);
        return;
    }
    strbuf_putc(out, '[');
    for (int64_t i = 0; i < size; i++) {
        if (i > 0) {
            strbuf_putc(out, ',');
            for (unsigned d = dim + 1; d < view->rank; d++)
                strbuf_putc(out, '\n');
            strbuf_printf(out, "%*s", indent + 1, "");
        }
        if (is_skipped(style, i, size)) {
            strbuf_puts(out, "...");
            i = size - EDGE_ITEMS - 1;
        } else {
            put_nested(style, dim + 1, linear * size + i, indent + 1, out);
        }
    }
    strbuf_putc(out, ']');
}

/* Puts a suffix such as dtype=torch.float16 on this line or, if it is full, on the next. */
static void put_suffix(const char *suffix, size_t start, int indent, int *last_line, StrBuf *out) {
    const int len = (int)strlen(suffix);
    if (*last_line == 0) {
        const char *newline = strrchr(out->data + start, '\n');
        const size_t end_of_line = newline ? (size_t)(newline - out->data) + 1 : start;
        *last_line = (int)(out->len - end_of_line) + 2;
    }
    if (*last_line + len + 2 > LINE_WIDTH) {
        strbuf_printf(out, ",\n%*s%s", indent, "", suffix);
        *last_line = indent + len;
    } else {
        strbuf_printf(out, ", %s", suffix);
        *last_line += len + 2;
    }
}

static void put_suffixes(PyCtx *py, const Tensor *t, size_t start, int indent, StrBuf *out) {
    const int64_t count = view_numel(&t->view);
    const DType dtype = t->view.dtype;
    int last_line = 0;
    if (t->on_device)
        put_suffix("device='cuda:0'", start, indent, &last_line, out);
    if (count == 0 && t->view.rank != 1) {
        StrBuf size = STRBUF(py->arena);
        strbuf_puts(&size, "size=(");
        for (unsigned d = 0; d < t->view.rank; d++)
            strbuf_printf(&size, "%s%lld", d > 0 ? ", " : "", (long long)t->view.shape[d]);
        strbuf_putc(&size, ')');
        put_suffix(strbuf_str(&size), start, indent, &last_line, out);
    }
    const bool usual = dtype == DT_F32 || (count > 0 && (dtype == DT_I64 || dtype == DT_BOOL));
    if (!usual)
        put_suffix(arena_printf(py->arena, "dtype=torch.%s", dtype_infos[dtype].torch_name), start,
                   indent, &last_line, out);
}

bool tensor_repr(PyCtx *py, PyValue self, StrBuf *out) {
    static const char prefix[] = "tensor(";
    const Tensor *t = tensor_of(self);
    const int indent = (int)sizeof prefix - 1;
    const size_t start = out->len;
    if (!tensor_check_written(py, t, "print"))
        return false;
    strbuf_puts(out, prefix);
    if (view_numel(&t->view) == 0) {
        strbuf_puts(out, "[]");
    } else {
        Style style = {.tensor = t,
                       .is_float = dtype_is_float(t->view.dtype),
                       .summarize = view_numel(&t->view) > THRESHOLD};
        choose_style(&style);
        put_nested(&style, 0, 0, indent, out);
    }
    put_suffixes(py, t, start, indent, out);
    strbuf_putc(out, ')');
    return true;
}
