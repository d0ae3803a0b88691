/* layout_docs.c -- carries out the examples of docs/layouts.md.
 *
 *     layout_docs docs/layouts.md
 *
 * In the document's blocks of kind `layout`, a line `> command` is followed by what the command
 * prints. A command is a name, numbers (words between them, and the x of shapes, are there for the
 * reader), and layouts. Fails, and says where, if something else is printed, or if there is no
 * example.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/layout_convert.h"

enum { MAX_NUMBERS = 16, MAX_LAYOUTS = 2 };

typedef struct Command {
    char name[32];
    unsigned numbers[MAX_NUMBERS], num_numbers;
    Layout layouts[MAX_LAYOUTS];
    unsigned num_layouts;
    StrBuf *out;
} Command;

static void print_layout(Command *c, Layout layout) {
    if (layout_check(&layout))
        strbuf_printf(c->out, "(%s) ", layout_check(&layout));
    layout_print(&layout, c->out);
}

static void cmd_element(Command *c) { /* register, lane, warp */
    const Layout *layout = &c->layouts[0];
    uint32_t word = layout_element(layout, c->numbers[0], c->numbers[1], c->numbers[2], 0);
    for (unsigned a = 0; a < layout->rank; a++)
        strbuf_printf(c->out, "%s%u", a ? " " : "", layout_coord(layout, word, a));
}

static void cmd_owners(Command *c) {
    uint32_t free_bits[LL_NIN];
    layout_free(&c->layouts[0], free_bits);
    strbuf_printf(c->out, "lane & %u == 0, warp & %u == 0", free_bits[LL_LANE], free_bits[LL_WARP]);
}

static void cmd_coalesced(Command *c) { /* shape, order, vector, warps */
    unsigned rank = (c->num_numbers - 2) / 2;
    int64_t extents[LAYOUT_MAX_RANK];
    for (unsigned a = 0; a < rank && a < LAYOUT_MAX_RANK; a++)
        extents[a] = c->numbers[a];
    print_layout(c, layout_coalesced(rank, extents, c->numbers + rank, c->numbers[2 * rank],
                                     c->numbers[2 * rank + 1]));
}

static void
cmd_fragment(Command *c) { /* shape, across, along, kw, rows, warps along, warps across */
    const unsigned *n = c->numbers;
    const LayoutStep warps[] = {{LL_WARP, (uint8_t)n[3], (uint8_t)n[6]},
                                {LL_WARP, (uint8_t)n[2], (uint8_t)n[7]}};
    LayoutFragment f = {n[2], n[3], n[4], n[5], warps, 2};
    print_layout(c, layout_fragment(2, (const int64_t[]){n[0], n[1]}, &f));
}

static void cmd_swizzled(Command *c) { /* shape, element bytes, width, contiguous axis */
    const unsigned *n = c->numbers;
    print_layout(c, layout_swizzled((const int64_t[]){n[0], n[1]}, n[2], n[3], n[4]));
}

static void cmd_permute(Command *c) {
    print_layout(c, layout_permute(&c->layouts[0], c->numbers));
}

static void cmd_reshape(Command *c) {
    uint8_t bits[LAYOUT_MAX_RANK] = {0};
    for (unsigned a = 0; a < c->num_numbers && a < LAYOUT_MAX_RANK; a++)
        while (1u << bits[a] < c->numbers[a])
            bits[a]++;
    print_layout(c, layout_reshape(&c->layouts[0], c->num_numbers, bits));
}

static void cmd_drop(Command *c) {
    print_layout(c, layout_drop(&c->layouts[0], c->numbers[0]));
}

static void cmd_expand_dims(Command *c) {
    print_layout(c, layout_expand_dims(&c->layouts[0], c->numbers[0]));
}

static void cmd_broadcast(Command *c) { /* axis, its new extent; a consumer's layout or none */
    unsigned bits = 0;
    while (1u << bits < c->numbers[1])
        bits++;
    print_layout(c, layout_broadcast(&c->layouts[0], c->numbers[0], bits,
                                     c->num_layouts > 1 ? &c->layouts[1] : NULL));
}

static void cmd_join(Command *c) {
    print_layout(c, layout_join(&c->layouts[0]));
}

static void cmd_split(Command *c) {
    Layout out;
    if (layout_split(&c->layouts[0], &out))
        print_layout(c, out);
    else
        strbuf_puts(c->out, "convert first");
}

static void cmd_cat(Command *c) {
    print_layout(c, layout_cat(&c->layouts[0], c->numbers[0]));
}

static void cmd_operand(Command *c) { /* 0 or 1, bits of k */
    print_layout(c, layout_dot_operand(&c->layouts[0], c->numbers[0] == 1, c->numbers[1]));
}

static void
cmd_vector(Command *c) { /* axis, element bytes, contiguity, mask constancy, alignment */
    LayoutAccess access = {c->numbers[0], c->numbers[1], c->numbers[2], c->numbers[3],
                           c->numbers[4]};
    strbuf_printf(c->out, "%u elements", 1u << layout_vector_bits(&c->layouts[0], &access));
}

static void cmd_convert(Command *c) { /* element bytes */
    static const char *const kinds[] = {"none", "register", "shuffle", "shared", "cluster"};
    static const char *const ops[] = {"vectors", "matrices", "transposed matrices"};
    ConvertPlan plan;
    SharedOptions options = {.elem_bytes = c->numbers[0], .ldmatrix = true, .stmatrix = true};
    layout_plan_convert(&c->layouts[0], &c->layouts[1], &options, &plan);
    strbuf_puts(c->out, kinds[plan.kind]);
    if (plan.kind == CONVERT_SHUFFLE) {
        ShuffleCounts counts = layout_shuffle_counts(&plan.shuffle, c->numbers[0]);
        strbuf_printf(c->out, ": %u shuffles, %u selects", counts.shuffles, counts.selects);
    }
    if (plan.kind == CONVERT_SHARED) {
        strbuf_printf(c->out, ": %u stores of %s, %u loads of %s, ", plan.shared.store.instructions,
                      ops[plan.shared.store.op], plan.shared.load.instructions,
                      ops[plan.shared.load.op]);
        layout_print(&plan.shared.shared, c->out);
    }
}

static const struct {
    const char *name;
    unsigned numbers, layouts; /* needed at least */
    void (*run)(Command *c);
} commands[] = {
    {"element", 3, 1, cmd_element},
    {"owners", 0, 1, cmd_owners},
    {"coalesced", 2, 0, cmd_coalesced},
    {"fragment", 8, 0, cmd_fragment},
    {"swizzled", 5, 0, cmd_swizzled},
    {"permute", 2, 1, cmd_permute},
    {"reshape", 1, 1, cmd_reshape},
    {"drop", 1, 1, cmd_drop},
    {"expand_dims", 1, 1, cmd_expand_dims},
    {"broadcast", 2, 1, cmd_broadcast},
    {"join", 0, 1, cmd_join},
    {"split", 0, 1, cmd_split},
    {"cat", 1, 1, cmd_cat},
    {"operand", 2, 1, cmd_operand},
    {"vector", 5, 1, cmd_vector},
    {"convert", 1, 2, cmd_convert},
};

/* Reads the numbers and layouts of a command. */
static bool read_arguments(Command *c, const char *at) {
    while (*at) {
        const char *end = strchr(at, '>'), *error;
        if (isdigit((unsigned char)*at) && c->num_numbers < MAX_NUMBERS) {
            char *after;
            c->numbers[c->num_numbers++] = (unsigned)strtoul(at, &after, 10);
            at = after;
        } else if (*at == '<' && end && c->num_layouts < MAX_LAYOUTS) {
            size_t len = (size_t)(end - at) + 1;
            if (!layout_parse(at, len, &c->layouts[c->num_layouts++], &error)) {
                fprintf(stderr, "%.*s: %s\n", (int)len, at, error);
                return false;
            }
            at = end + 1;
        } else {
            at++;
        }
    }
    return true;
}

static bool run_command(const char *line, StrBuf *out) {
    Command c = {.out = out};
    sscanf(line, "%31s", c.name);
    for (size_t i = 0; i < TK_COUNTOF(commands); i++) {
        if (strcmp(commands[i].name, c.name) != 0)
            continue;
        if (!read_arguments(&c, line + strlen(c.name)))
            return false;
        if (c.num_numbers < commands[i].numbers || c.num_layouts < commands[i].layouts)
            return false;
        commands[i].run(&c);
        return true;
    }
    return false;
}

/* Checks one example; `got` is what its command prints. */
static bool check_example(Arena *arena, const char *command, const char *want, unsigned line) {
    StrBuf got = STRBUF(arena);
    if (!run_command(command, &got)) {
        fprintf(stderr, "line %u: no such command: %s\n", line, command);
        return false;
    }
    if (strcmp(strbuf_str(&got), want) != 0) {
        fprintf(stderr, "line %u: %s\n  the document: %s\n  the program:  %s\n", line, command,
                want, strbuf_str(&got));
        return false;
    }
    return true;
}

static bool check_document(Arena *arena, FILE *file) {
    char line[512], command[512] = "";
    bool in_block = false, good = true;
    unsigned number = 0, examples = 0;
    while (fgets(line, sizeof line, file)) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "```", 3) == 0) {
            in_block = strcmp(line, "```layout") == 0;
        } else if (in_block && line[0] == '>') {
            snprintf(command, sizeof command, "%s", line + 2);
        } else if (in_block && command[0]) {
            good = check_example(arena, command, line, number) && good;
            command[0] = '\0';
            examples++;
        }
    }
    return good && examples > 0;
}

int main(int argc, char **argv) {
    OomHandler oom = {.fail_after = -1};
    if (setjmp(oom.jump) || argc != 2)
        return 1;
    FILE *file = fopen(argv[1], "r");
    if (!file)
        return 1;
    Arena *arena = arena_create(&oom);
    bool good = check_document(arena, file);
    fclose(file);
    arena_destroy(arena);
    return good ? 0 : 1;
}
