/* diag.c -- collecting diagnostics.
 *
 * Diagnostics are kept in the order they are reported; diags_sorted() puts them in the order a
 * reader wants: by file and position, what has no position last, the same message once. When many
 * errors follow from one, only the first ones help, so there is a limit.
 */
#include "support/diag.h"

#include <stdlib.h>
#include <string.h>

#include "support/str.h"

enum { DEFAULT_LIMIT = 50 };

const DiagInfo diag_infos[DIAG_COUNT] = {
#define DIAG(code, severity, name, text, explain)                                                  \
    [DIAG_##name] = {code, severity, #name, text, explain},
#include "support/diags.def"
#undef DIAG
};

struct Diags {
    Arena *arena;
    SourceSet *sources;
    VEC(Diag *) list;
    size_t counts[SEV_INTERNAL + 1]; /* how many of each severity are kept */
    size_t limit, dropped;
    Diag dummy; /* what diag_report returns beyond the limit */
};

Diags *diags_create(Arena *arena, SourceSet *sources) {
    Diags *diags = ARENA_NEW(arena, Diags);
    diags->arena = arena;
    diags->sources = sources;
    diags->limit = DEFAULT_LIMIT;
    diags->dummy.owner = diags;
    diags->dummy.text = "";
    return diags;
}

/* Formats a row's text. The format is a variable, but one that comes from diags.def. */
static char *format_row(Arena *arena, const char *fmt, va_list args) {
    TK_ALLOW_FORMAT_VARIABLE_BEGIN
    return arena_vprintf(arena, fmt, args);
    TK_ALLOW_FORMAT_VARIABLE_END
}

static bool is_dummy(const Diag *diag) {
    return diag == &diag->owner->dummy;
}

/* Whether one more of this severity would exceed the limit: errors and worse count together. */
static bool over_limit(const Diags *diags, Severity severity) {
    size_t same = severity >= SEV_ERROR ? diags_count(diags, SEV_ERROR) : diags->counts[severity];
    return diags->limit > 0 && same >= diags->limit;
}

Diag *diag_report(Diags *diags, DiagId id, SrcRange range, ...) {
    const DiagInfo *info = &diag_infos[id];
    if (over_limit(diags, info->severity)) {
        diags->dropped++;
        diags->dummy.id = id;
        diags->dummy.severity = info->severity;
        return &diags->dummy;
    }
    Diag *diag = ARENA_NEW(diags->arena, Diag);
    diag->id = id;
    diag->severity = info->severity;
    diag->range = range;
    diag->owner = diags;
    diag->order = diags->list.len;
    va_list args;
    va_start(args, range);
    diag->text = format_row(diags->arena, info->text, args);
    va_end(args);
    vec_push(diags->arena, &diags->list, diag);
    diags->counts[diag->severity]++;
    return diag;
}

void diag_label(Diag *diag, const char *fmt, ...) {
    if (is_dummy(diag)) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    diag->label = arena_vprintf(diag->owner->arena, fmt, args);
    va_end(args);
}

static void add_part(Diag *diag, DiagPartKind kind, SrcRange range, const char *fmt, va_list args)
    TK_PRINTF(4, 0);

static void add_part(Diag *diag, DiagPartKind kind, SrcRange range, const char *fmt, va_list args) {
    if (is_dummy(diag)) {
        return;
    }
    Arena *arena = diag->owner->arena;
    DiagPart part = {kind, range, arena_vprintf(arena, fmt, args)};
    vec_push(arena, &diag->parts, part);
}

void diag_note(Diag *diag, SrcRange range, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    add_part(diag, range_is_none(range) ? PART_NOTE : PART_RELATED, range, fmt, args);
    va_end(args);
}

void diag_help(Diag *diag, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    add_part(diag, PART_HELP, SRC_NONE, fmt, args);
    va_end(args);
}

void diag_set_severity(Diag *diag, Severity severity) {
    if (!is_dummy(diag)) {
        diag->owner->counts[diag->severity]--;
        diag->owner->counts[severity]++;
    }
    diag->severity = severity;
}

size_t diags_count(const Diags *diags, Severity at_least) {
    size_t total = 0;
    for (unsigned severity = at_least; severity <= SEV_INTERNAL; severity++) {
        total += diags->counts[severity];
    }
    return total;
}

size_t diags_len(const Diags *diags) {
    return diags->list.len;
}

const Diag *diags_at(const Diags *diags, size_t index) {
    return diags->list.data[index];
}

void diags_set_limit(Diags *diags, size_t max_errors) {
    diags->limit = max_errors;
}

size_t diags_dropped(const Diags *diags) {
    return diags->dropped;
}

void diags_truncate(Diags *diags, size_t len) {
    while (diags->list.len > len) {
        diags->counts[vec_pop(&diags->list)->severity]--;
    }
}

Diag **diags_take(Diags *diags, size_t from, size_t *count) {
    *count = diags->list.len > from ? diags->list.len - from : 0;
    Diag **taken = ARENA_ARRAY(diags->arena, Diag *, *count + 1);
    for (size_t i = 0; i < *count; i++)
        taken[i] = diags->list.data[from + i];
    diags_truncate(diags, from);
    return taken;
}

void diags_put(Diags *diags, Diag *diag) {
    vec_push(diags->arena, &diags->list, diag);
    diags->counts[diag->severity]++;
}

Diag *diags_copy(Diags *diags, const Diag *diag) {
    Arena *arena = diags->arena;
    Diag *copy = arena_memdup(arena, diag, sizeof *diag, _Alignof(Diag));
    copy->owner = diags;
    copy->text = arena_strdup(arena, diag->text);
    copy->label = diag->label == NULL ? NULL : arena_strdup(arena, diag->label);
    memset(&copy->parts, 0, sizeof copy->parts);
    for (size_t i = 0; i < diag->parts.len; i++) {
        DiagPart part = diag->parts.data[i];
        part.text = arena_strdup(arena, part.text);
        vec_push(arena, &copy->parts, part);
    }
    return copy;
}

SourceSet *diags_sources(Diags *diags) {
    return diags->sources;
}

Arena *diags_arena(Diags *diags) {
    return diags->arena;
}

static int compare_u32(uint32_t a, uint32_t b) {
    return (a > b) - (a < b);
}

/* By place; those without one (file 0) come last. */
static int compare_ranges(SrcRange a, SrcRange b) {
    int by_file = compare_u32(a.file - 1u, b.file - 1u);
    int by_start = compare_u32(a.lo, b.lo);
    return by_file != 0 ? by_file : by_start != 0 ? by_start : compare_u32(a.hi, b.hi);
}

static int compare_diags(const void *left, const void *right) {
    const Diag *a = *(const Diag *const *)left, *b = *(const Diag *const *)right;
    int by_range = compare_ranges(a->range, b->range);
    return by_range != 0 ? by_range : (a->order > b->order) - (a->order < b->order);
}

/* Whether the same message stands among those before it with the same range. */
static bool is_repeated(const Diag *const *sorted, size_t count, const Diag *diag) {
    for (size_t i = count; i > 0 && compare_ranges(sorted[i - 1]->range, diag->range) == 0; i--) {
        const Diag *other = sorted[i - 1];
        if (other->id == diag->id && str_eq(other->text, diag->text)) {
            return true;
        }
    }
    return false;
}

const Diag **diags_sorted(Diags *diags, size_t *len) {
    size_t count = 0;
    const Diag **sorted = ARENA_ARRAY(diags->arena, const Diag *, diags->list.len + 1);
    for (size_t i = 0; i < diags->list.len; i++) {
        sorted[i] = diags->list.data[i];
    }
    qsort(sorted, diags->list.len, sizeof *sorted, compare_diags);
    for (size_t i = 0; i < diags->list.len; i++) {
        if (!is_repeated(sorted, count, sorted[i])) {
            sorted[count++] = sorted[i];
        }
    }
    *len = count;
    return sorted;
}

const char *severity_name(Severity severity) {
    static const char *const names[] = {"note", "warning", "error", "fault", "internal error"};
    return names[severity];
}
