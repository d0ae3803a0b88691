/* cmd_build.c -- `tkc build FILE --emit=KIND[,KIND] -o FILE|DIR/|-` */
#include "codegen/codegen.h"
#include "runtime/aot/aot.h"
#include "support/str.h"
#include "tools/commands.h"

enum { MAX_WARPS = 64, MAX_STAGES = 64 };

/* The kinds named in --emit; 0 if one of them is wrong (reported). */
static EmitSet parse_emits(const Command *command, const char *text) {
    Arena *arena = session_arena(command->session);
    const char *names[EMIT_COUNT];
    for (size_t i = 0; i < EMIT_COUNT; i++) {
        names[i] = emit_infos[i].name;
    }
    EmitSet emits = 0;
    TextVec words = split_words(arena, text, ',');
    for (size_t i = 0; i < words.len; i++) {
        EmitKind kind = 0;
        while (kind < EMIT_COUNT && !str_eq(names[kind], words.data[i])) {
            kind++;
        }
        if (kind == EMIT_COUNT) {
            Diag *diag = diag_report(session_diags(command->session), DIAG_USAGE_VALUE, SRC_NONE,
                                     option_infos[OPTION_EMIT].name, words.data[i]);
            const char *near = closest_word(words.data[i], names, EMIT_COUNT);
            if (near != NULL) {
                diag_help(diag, "did you mean `%s`?", near);
            }
            for (kind = 0; kind < EMIT_COUNT; kind++) {
                diag_note(diag, SRC_NONE, "%s: %s", emit_infos[kind].name,
                          emit_infos[kind].meaning);
            }
            return 0;
        }
        emits |= 1u << kind;
    }
    return emits;
}

/* The GPUs named in --target, each once; false if one of them is unknown (reported). */
static bool parse_targets(const Command *command, BuildOptions *build) {
    if (!option_given(command->options, OPTION_TARGET)) {
        return true;
    }
    Arena *arena = session_arena(command->session);
    TextVec words = split_words(arena, command->options->values[OPTION_TARGET], ','), targets = {0};
    bool ok = true;
    for (size_t i = 0; i < words.len; i++) {
        bool known = codegen_require_target(words.data[i], SRC_NONE,
                                            session_diags(command->session)) != NULL;
        bool twice = false;
        for (size_t j = 0; j < i; j++) {
            twice |= str_eq(words.data[i], words.data[j]);
        }
        ok &= known;
        if (known && !twice) {
            vec_push(arena, &targets, words.data[i]);
        }
    }
    build->targets = targets.data;
    build->num_targets = targets.len;
    return ok;
}

/* The value of a NUMBER option from 1 to `max`; 0 if not given, -1 if wrong (reported). */
static int small_number(const Command *command, OptionId id, int max) {
    if (!option_given(command->options, id)) {
        return 0;
    }
    uint64_t value = option_number(command->options, id, 0);
    if (value >= 1 && value <= (uint64_t)max) {
        return (int)value;
    }
    Diag *diag = diag_report(session_diags(command->session), DIAG_USAGE_VALUE, SRC_NONE,
                             option_infos[id].name, command->options->values[id]);
    diag_note(diag, SRC_NONE, "it is from 1 to %d", max);
    return -1;
}

/* Reports `id` if it is given without `needed`. */
static bool check_together(const Command *command, OptionId id, OptionId needed) {
    if (!option_given(command->options, id) || option_given(command->options, needed)) {
        return true;
    }
    diag_report(session_diags(command->session), DIAG_USAGE_TOGETHER, SRC_NONE,
                option_infos[id].name, option_infos[needed].name);
    return false;
}

/* What --emit=c is told; false if it is not asked for, or told nonsense (reported). */
static bool take_c_options(const Command *command, BuildOptions *build) {
    enum { PTX, CUBIN };
    static const OptionId ids[] = {OPTION_EMBED, OPTION_GRID, OPTION_NAME};
    const Options *options = command->options;
    Diags *diags = session_diags(command->session);
    bool ok = true;
    for (size_t i = 0; i < TK_COUNTOF(ids); i++) {
        if (option_given(options, ids[i]) && (build->emits & (1u << EMIT_C)) == 0) {
            diag_report(diags, DIAG_USAGE_TOGETHER, SRC_NONE, option_infos[ids[i]].name, "emit=c");
            ok = false;
        }
    }
    unsigned embed =
        option_given(options, OPTION_EMBED) ? option_choice(options, OPTION_EMBED) : PTX;
    build->embeds_ptx = embed != CUBIN;
    build->embeds_cubin = embed != PTX;
    build->name = options->values[OPTION_NAME];
    build->grid = options->values[OPTION_GRID];
    if (build->name != NULL && !aot_is_name(build->name)) {
        Diag *diag = diag_report(diags, DIAG_USAGE_VALUE, SRC_NONE, option_infos[OPTION_NAME].name,
                                 build->name);
        diag_note(diag, SRC_NONE, "it is a name in C: letters, digits and _, no digit in front");
        ok = false;
    }
    return ok;
}

SessionStatus cmd_build(const Command *command) {
    const Options *options = command->options;
    const char *const *values = options->values;
    BuildOptions build = {
        .output = option_given(options, OPTION_OUTPUT) ? values[OPTION_OUTPUT] : "-",
        .kernel = values[OPTION_KERNEL],
        .signature = values[OPTION_SIGNATURE],
        .print_before = values[OPTION_PRINT_BEFORE],
        .print_after = values[OPTION_PRINT_AFTER],
        .passes = values[OPTION_PASSES],
        .stats = option_given(options, OPTION_STATS),
        .comments = option_given(options, OPTION_PTX_COMMENTS),
        .verbose = option_given(options, OPTION_VERBOSE),
        .num_warps = small_number(command, OPTION_NUM_WARPS, MAX_WARPS),
        .num_stages = small_number(command, OPTION_NUM_STAGES, MAX_STAGES),
    };
    if (!option_given(options, OPTION_EMIT)) {
        Diag *diag = diag_report(session_diags(command->session), DIAG_USAGE_VALUE_MISSING,
                                 SRC_NONE, option_infos[OPTION_EMIT].name);
        diag_help(diag, "write --emit=%s", option_infos[OPTION_EMIT].metavar);
        return STATUS_USAGE;
    }
    build.emits = parse_emits(command, values[OPTION_EMIT]);
    bool together = check_together(command, OPTION_SIGNATURE, OPTION_KERNEL) &&
                    (build.emits == 0 || take_c_options(command, &build));
    bool targets = parse_targets(command, &build);
    if (build.emits == 0 || build.num_warps < 0 || build.num_stages < 0 || !together || !targets) {
        return STATUS_USAGE;
    }
    return session_build(command->session, options->operands.data[0], &build);
}
