/* aot.c -- collects the specialisations that are compiled ahead of time, kernel by kernel.
 *
 * Code is generated without line information: it would name files of the machine that built it.
 */
#include "runtime/aot/aot.h"

#include <ctype.h>

#include "runtime/aot/aot_internal.h"
#include "runtime/assemble.h"

Aot *aot_create(Session *session, const AotOptions *options) {
    static const char *const usual[] = {SESSION_DEFAULT_TARGET};
    Aot *aot = ARENA_NEW(session->arena, Aot);
    aot->session = session;
    aot->options = *options;
    if (options->num_targets == 0) {
        aot->options.targets = usual;
        aot->options.num_targets = TK_COUNTOF(usual);
    }
    return aot;
}

/* ---- images ---------------------------------------------------------------------------------- */

static bool is_better(const AotImage *a, const AotImage *b) {
    if (a->binary != b->binary)
        return a->binary;
    unsigned arch_a = codegen_target_arch(codegen_target(a->target));
    unsigned arch_b = codegen_target_arch(codegen_target(b->target));
    return arch_a != arch_b ? arch_a > arch_b
                            : str_ends(a->target, "a") && !str_ends(b->target, "a");
}

static void add_image(Arena *arena, AotVariant *variant, AotImage image) {
    vec_push(arena, &variant->images, image);
    for (size_t i = variant->images.len - 1;
         i > 0 && is_better(&variant->images.data[i], &variant->images.data[i - 1]); i--) {
        AotImage better = variant->images.data[i];
        variant->images.data[i] = variant->images.data[i - 1];
        variant->images.data[i - 1] = better;
    }
}

static SessionStatus add_target(const Aot *aot, AotVariant *variant, const char *target) {
    Session *session = aot->session;
    CompileOptions options = {.target = target, .passes = {.verify_each = true}};
    Compiled compiled = {0};
    if (!compile_kernel(session->arena, variant->kernel, &options, session->diags, &compiled))
        return STATUS_FAILED;
    int64_t shared = compiled.laid->kernels.data[0]->shared_bytes;
    variant->entry = compiled.code.entry;
    variant->shared_bytes = shared > variant->shared_bytes ? shared : variant->shared_bytes;
    if (aot->options.embeds_cubin) {
        AssembleJob job = {&compiled, target, "--embed=cubin"};
        Assembled made;
        SessionStatus status = assemble(session, &job, &made);
        if (status != STATUS_OK)
            return status;
        add_image(session->arena, variant, (AotImage){target, true, made.cubin, made.cubin_len});
    }
    if (aot->options.embeds_ptx) /* with the NUL behind it: that is how the driver finds its end */
        add_image(session->arena, variant,
                  (AotImage){target, false, compiled.code.ptx, compiled.code.ptx_len + 1});
    return STATUS_OK;
}

/* ---- kernels --------------------------------------------------------------------------------- */

/* NAME, or NAME_2 and so on if that is taken; `tkc` is, by what all kernels share. */
static const char *free_name(const Aot *aot, const char *wanted) {
    Arena *arena = aot->session->arena;
    const char *name = str_eq(wanted, "tkc") ? "tkc_kernel" : wanted;
    unsigned number = 2;
    for (size_t i = 0; i < aot->kernels.len; i++)
        if (str_eq(aot->kernels.data[i]->name, name)) {
            name = arena_printf(arena, "%s_%u", wanted, number++);
            i = (size_t)-1; /* from the start */
        }
    return name;
}

static AotKernel *find_kernel(const Aot *aot, const AotVariant *variant) {
    for (size_t k = 0; k < aot->kernels.len; k++) {
        AotKernel *kernel = aot->kernels.data[k];
        bool fits = true;
        for (size_t v = 0; fits && v < kernel->variants.len; v++)
            fits = aot_fit_together(kernel->variants.data[v], variant);
        if (fits)
            return kernel;
    }
    return NULL;
}

static AotKernel *add_kernel(Aot *aot, const IrKernel *ir) {
    Arena *arena = aot->session->arena;
    AotKernel *kernel = ARENA_NEW(arena, AotKernel);
    const char *name = aot->options.name != NULL ? aot->options.name : aot_c_name(arena, ir->name);
    kernel->name = free_name(aot, name);
    StrBuf upper = STRBUF(arena);
    for (const char *c = kernel->name; *c != '\0'; c++)
        strbuf_putc(&upper, (char)toupper((unsigned char)*c));
    kernel->upper = strbuf_str(&upper);
    vec_push(arena, &aot->kernels, kernel);
    return kernel;
}

static bool same_params(const AotVariant *a, const AotVariant *b) {
    for (size_t i = 0; i < a->params.len; i++)
        if (!str_eq(a->params.data[i].text, b->params.data[i].text))
            return false;
    return true;
}

SessionStatus aot_add(Aot *aot, PyCtx *py, const AotSource *source) {
    Arena *arena = aot->session->arena;
    AotVariant *variant = ARENA_NEW(arena, AotVariant);
    variant->fn = source->fn;
    variant->kernel = source->kernel;
    variant->params = aot_params(py, arena, source);
    AotKernel *kernel = find_kernel(aot, variant);
    for (size_t v = 0; kernel != NULL && v < kernel->variants.len; v++)
        if (same_params(kernel->variants.data[v], variant))
            return STATUS_OK; /* it is there already */
    SessionStatus status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < aot->options.num_targets; i++)
        status = add_target(aot, variant, aot->options.targets[i]);
    if (status != STATUS_OK)
        return status;
    kernel = kernel == NULL ? add_kernel(aot, source->kernel) : kernel;
    vec_push(arena, &kernel->variants, variant);
    return STATUS_OK;
}

static SessionStatus report_several(const Aot *aot) {
    Diag *diag = diag_report(aot->session->diags, DIAG_AOT_SEVERAL, SRC_NONE, aot->options.name,
                             aot->kernels.len);
    for (size_t i = 0; i < aot->kernels.len; i++) {
        const AotVariant *variant = aot->kernels.data[i]->variants.data[0];
        StrBuf text = STRBUF(aot->session->arena);
        for (size_t p = 0; p < variant->params.len; p++)
            strbuf_printf(&text, "%s%s", p > 0 ? ", " : "", variant->params.data[p].text);
        diag_note(diag, SRC_NONE, "%s: %s, %d warps", variant->kernel->name, strbuf_str(&text),
                  variant->kernel->num_warps);
    }
    diag_help(diag, "choose one, or let them have the kernels' names");
    return STATUS_FAILED;
}

SessionStatus aot_write(Aot *aot, Outputs *outputs) {
    if (aot->options.name != NULL && aot->kernels.len > 1)
        return report_several(aot);
    for (size_t i = 0; i < aot->kernels.len; i++) {
        AotKernel *kernel = aot->kernels.data[i];
        aot_make_fields(aot->session->arena, kernel);
        SessionStatus status = aot_put_files(aot, kernel, outputs);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
