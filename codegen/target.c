/* target.c -- the table of targets, and what to say about a target that is not in it. */
#include <stdlib.h>
#include <string.h>

#include "codegen/codegen.h"

static const CodegenTarget targets[] = {
#define TARGET(name_, ptx_, shared_, cards_)                                                       \
    {.name = name_, .ptx = ptx_, .shared_limit = shared_, .cards = cards_},
#include "codegen/targets.def"
#undef TARGET
};
static const char *const target_names[] = {
#define TARGET(name_, ptx_, shared_, cards_) name_,
#include "codegen/targets.def"
#undef TARGET
};

const CodegenTarget *codegen_targets(size_t *count) {
    *count = TK_COUNTOF(targets);
    return targets;
}

const CodegenTarget *codegen_target(const char *name) {
    for (size_t i = 0; i < TK_COUNTOF(targets); i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

unsigned codegen_target_arch(const CodegenTarget *target) {
    return (unsigned)strtoul(target->name + strlen("sm_"), NULL, 10);
}

const CodegenTarget *codegen_require_target(const char *name, SrcRange range, Diags *diags) {
    const CodegenTarget *target = codegen_target(name);
    if (target != NULL)
        return target;
    Diag *diag = diag_report(diags, DIAG_CODEGEN_TARGET, range, name);
    StrBuf names = STRBUF(diags_arena(diags));
    for (size_t i = 0; i < TK_COUNTOF(targets); i++)
        strbuf_printf(&names, "%s%s", i > 0 ? ", " : "", targets[i].name);
    diag_note(diag, SRC_NONE, "there are %s", strbuf_str(&names));
    const char *near = closest_word(name, target_names, TK_COUNTOF(target_names));
    if (near != NULL)
        diag_help(diag, "did you mean `%s`?", near);
    return NULL;
}
