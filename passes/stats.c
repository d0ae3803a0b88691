/* stats.c -- prints what passes counted.
 *
 * Only what happened is printed, in the order of stats.def, so that the text of a kernel is short
 * and a golden file of it says what the compiler did. Example:
 *
 *     cse                 3  operations computed before
 *     dce                 1  operations without a use
 */
#include "passes/pass.h"

const StatInfo stat_infos[STAT_COUNT] = {
#define STAT(id, pass, event)   [STAT_##id] = {PASS_##pass, NULL, event},
#define STAT_OF(id, who, event) [STAT_##id] = {PASS_COUNT, who, event},
#include "passes/stats.def"
};

static const char *counter(int id) {
    const StatInfo *info = &stat_infos[id];
    return info->who ? info->who : pass_infos[info->pass].name;
}

void pass_count(const PassContext *pc, StatId stat, uint64_t times) {
    if (pc->stats)
        pc->stats->counts[stat] += times;
}

void passes_print_stats(const PassStats *stats, FILE *out) {
    for (int id = 0; id < STAT_COUNT; id++) {
        if (stats->counts[id] > 0)
            fprintf(out, "%-16s %8ju  %s\n", counter(id), (uintmax_t)stats->counts[id],
                    stat_infos[id].event);
    }
}

void passes_print_stats_json(const PassStats *stats, const char *kernel, FILE *out) {
    fprintf(out, "{\"kernel\":\"%s\",\"stats\":{", kernel);
    const char *comma = "";
    for (int id = 0; id < STAT_COUNT; id++) {
        if (stats->counts[id] == 0)
            continue;
        fprintf(out, "%s\"%s: %s\":%ju", comma, counter(id), stat_infos[id].event,
                (uintmax_t)stats->counts[id]);
        comma = ",";
    }
    fputs("}}\n", out);
}
