/* cmd_cache.c -- `tkc cache [path|list|tuned|clear]`: what is kept between runs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/cache.h"
#include "tools/commands.h"

static void list_entries(Arena *arena, const char *folder, FILE *out) {
    const CacheEntry *entries;
    size_t count = cache_list(arena, folder, &entries);
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        char when[32] = "?";
        struct tm local;
        time_t used = (time_t)entries[i].used;
        if (localtime_r(&used, &local) != NULL) {
            strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
        }
        fprintf(out, "%10" PRIu64 "  %s  %s\n", entries[i].bytes, when, entries[i].name);
        total += entries[i].bytes;
    }
    fprintf(out, "%zu entr%s, %" PRIu64 " bytes of at most %" PRIu64 ", in %s\n", count,
            count == 1 ? "y" : "ies", total, (uint64_t)CACHE_MAX_BYTES, folder);
}

/* One configuration: three times, its text and, if it cannot run, why, with tabs between. */
static void print_row(Arena *arena, const char *row, FILE *out) {
    const char *fields[5];
    size_t count = 0;
    while (row != NULL && count < TK_COUNTOF(fields)) {
        size_t len = strcspn(row, "\t");
        fields[count++] = arena_strndup(arena, row, len);
        row = row[len] == '\t' ? row + len + 1 : NULL;
    }
    if (count == TK_COUNTOF(fields)) {
        fprintf(out, "  %10.4f ms  %s%s%s\n", strtod(fields[0], NULL), fields[3],
                fields[4][0] == '\0' ? "" : " -- ", fields[4]);
    }
}

/* What lib/triton.py kept: four lines that say of what, then a row for each configuration. */
static void print_tuned(Arena *arena, const char *text, FILE *out) {
    for (size_t line = 0; *text != '\0'; line++) {
        size_t len = strcspn(text, "\n");
        const char *row = arena_strndup(arena, text, len);
        if (line < 4) {
            fprintf(out, "%s%s\n", line == 0 ? "" : "  ", row);
        } else {
            print_row(arena, row, out);
        }
        text += len + (text[len] == '\n');
    }
}

static void list_tuned(Arena *arena, const char *folder, FILE *out) {
    const CacheEntry *entries;
    size_t count = cache_list(arena, folder, &entries), tuned = 0;
    Cache *cache = cache_open(arena, folder, CACHE_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        size_t len;
        const char *text = str_ends(entries[i].name, ".tuned")
                               ? cache_get(cache, arena, entries[i].key, &len)
                               : NULL;
        if (text != NULL) {
            print_tuned(arena, text, out);
            tuned++;
        }
    }
    fprintf(out, "%zu tuned kernel%s in %s\n", tuned, tuned == 1 ? "" : "s", folder);
}

static SessionStatus clear(const Command *command, const char *folder) {
    const char *error;
    Arena *arena = session_arena(command->session);
    size_t count = cache_clear(arena, folder, &error);
    fprintf(command->out, "removed %zu entr%s from %s\n", count, count == 1 ? "y" : "ies", folder);
    if (error == NULL) {
        return STATUS_OK;
    }
    diag_report(session_diags(command->session), DIAG_FILE_UNWRITABLE, SRC_NONE,
                arena_printf(arena, "%s: %s", folder, error));
    return STATUS_FAILED;
}

SessionStatus cmd_cache(const Command *command) {
    const TextVec *operands = &command->options->operands;
    const char *what = operands->len == 0 ? "path" : operands->data[0];
    const char *folder = command->session_options->cache_dir;
    if (!str_eq(what, "path") && !str_eq(what, "list") && !str_eq(what, "tuned") &&
        !str_eq(what, "clear")) {
        Diag *diag = diag_report(session_diags(command->session), DIAG_USAGE_CACHE, SRC_NONE, what);
        diag_help(diag, "`tkc cache list` shows what is kept, `tkc cache clear` removes it");
        return STATUS_USAGE;
    }
    if (folder == NULL) {
        fputs("no cache: neither TKC_CACHE_DIR nor XDG_CACHE_HOME nor HOME is set\n", command->out);
        return STATUS_OK;
    }
    if (str_eq(what, "list")) {
        list_entries(session_arena(command->session), folder, command->out);
    } else if (str_eq(what, "tuned")) {
        list_tuned(session_arena(command->session), folder, command->out);
    } else if (str_eq(what, "clear")) {
        return clear(command, folder);
    } else {
        fprintf(command->out, "%s\n", folder);
    }
    return STATUS_OK;
}
