/* aot_program.c -- tkc.build(...) of a program that runs: what it launched, as C into a folder. */
#include "codegen/codegen.h"
#include "runtime/aot/aot_internal.h"
#include "runtime/program.h"

static bool check_targets(Session *session, const LaunchBuild *build) {
    for (size_t i = 0; i < build->num_targets; i++)
        if (codegen_require_target(build->targets[i], SRC_NONE, session->diags) == NULL)
            return false;
    return true;
}

/* Texts that must outlive `build`: the program's own may go. */
static AotOptions copy_options(Arena *arena, const LaunchBuild *build) {
    const char **targets = ARENA_ARRAY(arena, const char *, build->num_targets + 1);
    for (size_t i = 0; i < build->num_targets; i++)
        targets[i] = codegen_target(build->targets[i])->name;
    return (AotOptions){
        .targets = targets,
        .num_targets = build->num_targets,
        .embeds_ptx = build->embeds_ptx,
        .embeds_cubin = build->embeds_cubin,
        .name = build->name,
        .grid = build->grid == NULL ? NULL : arena_strdup(arena, build->grid),
    };
}

static bool build_launches(void *data, PyCtx *py, LaunchBuild *build) {
    Session *session = data;
    if (!check_targets(session, build))
        return false;
    AotOptions options = copy_options(session->arena, build);
    Aot *aot = aot_create(session, &options);
    for (size_t i = 0; i < build->num_variants; i++) {
        const Variant *variant = build->variants[i];
        AotSource source = {
            .kernel = variant->optimised->kernels.data[0],
            .fn = variant->fused != NULL ? NULL : jit_from_value(variant->jit),
            .params = variant->params,
        };
        if (aot_add(aot, py, &source) != STATUS_OK)
            return false;
    }
    Outputs outputs = {.session = session};
    const char *slash = str_ends(build->output, "/") ? "" : "/";
    const char *folder = arena_printf(session->arena, "%s%s", build->output, slash);
    if (aot_write(aot, &outputs) != STATUS_OK || outputs_write(&outputs, folder) != STATUS_OK)
        return false;
    build->num_paths = outputs.list.len;
    build->paths = ARENA_ARRAY(build->arena, const char *, outputs.list.len + 1);
    for (size_t i = 0; i < outputs.list.len; i++)
        build->paths[i] =
            arena_printf(build->arena, "%s%s", folder, outputs.list.data[i].file_name);
    return true;
}

LaunchBuilder aot_builder(Session *session) {
    return (LaunchBuilder){.data = session, .build = build_launches};
}
