/* module.c -- a module: PTX read, its variables laid out, its kernels decoded.
 *
 *     .global .align 1 .b8 $str[4] = {37, 100, 10};     bytes in the module's arena; its address
 *                                                       has the tag of variable number n
 */
#include "runtime/emu/control.h"
#include "runtime/emu/decode.h"
#include "runtime/emu/source_map.h"

/* Memory for the variables of the module; addresses in initial values are filled in. */
static void place_vars(EmuModule *module) {
    const PtxVars *vars = &module->ptx->vars;
    module->vars = ARENA_ARRAY(module->arena, Region, vars->len + 1);
    for (size_t i = 0; i < vars->len; i++) {
        const PtxVar *var = &vars->data[i];
        uint8_t *data =
            arena_alloc(module->arena, var->size + 16, var->align < 16 ? 16 : var->align);
        if (var->init != NULL)
            memcpy(data, var->init, var->size);
        uint64_t lo = (uint64_t)(uintptr_t)data;
        module->vars[i] = (Region){.lo = lo, .hi = lo + var->size, .name = var->name};
    }
}

static bool fill_addresses(EmuModule *module, Diags *diags, const PtxVar *var, uint64_t lo) {
    const PtxVars *vars = &module->ptx->vars;
    for (size_t r = 0; r < var->relocs.len; r++) {
        const PtxReloc *reloc = &var->relocs.data[r];
        size_t i = 0;
        while (i < vars->len && !str_eq(vars->data[i].name, reloc->name))
            i++;
        if (i == vars->len) {
            diag_report(diags, DIAG_EMU_NAME, var->range, reloc->name);
            return false;
        }
        uint64_t address = (module->vars[i].lo | (uint64_t)(TAG_FIRST_VAR + i) << TAG_SHIFT) +
                           (uint64_t)reloc->addend;
        memcpy((uint8_t *)(uintptr_t)lo + reloc->offset, &address, reloc->bytes);
    }
    return true;
}

EmuModule *emu_module_load(Arena *arena, Diags *diags, const char *text, size_t len,
                           const char *name) {
    PtxModule *ptx = ptx_read(arena, diags, text, len, name);
    if (ptx == NULL)
        return NULL;
    EmuModule *module = ARENA_NEW(arena, EmuModule);
    *module = (EmuModule){.ptx = ptx, .arena = arena};
    if (ptx->vars.len >= TAG_SHARED - TAG_FIRST_VAR) {
        diag_report(diags, DIAG_EMU_MALFORMED, SRC_NONE, "too many variables");
        return NULL;
    }
    place_vars(module);
    for (size_t i = 0; i < ptx->vars.len; i++)
        if (!fill_addresses(module, diags, &ptx->vars.data[i], module->vars[i].lo))
            return NULL;
    Map *tables = decode_tables(arena);
    for (size_t i = 0; i < ptx->functions.len; i++) {
        const PtxFunction *function = ptx->functions.data[i];
        if (!function->is_entry || !function->has_body)
            continue;
        EmuKernel *kernel = ARENA_NEW(arena, EmuKernel);
        *kernel = (EmuKernel){.module = module, .function = function};
        if (!decode_kernel(module, kernel, tables, diags))
            return NULL;
        vec_push(arena, &module->kernels, kernel);
    }
    return module;
}

EmuKernel *emu_module_find(EmuModule *module, const char *name) {
    for (size_t i = 0; i < module->kernels.len; i++)
        if (str_eq(module->kernels.data[i]->function->name, name))
            return module->kernels.data[i];
    return NULL;
}

EmuKernel *emu_module_first(EmuModule *module) {
    return module->kernels.len > 0 ? module->kernels.data[0] : NULL;
}

unsigned emu_kernel_num_params(const EmuKernel *kernel) {
    return (unsigned)kernel->function->params.len;
}

unsigned emu_kernel_num_barriers(const EmuKernel *kernel) {
    return kernel->num_barriers;
}

SrcRange emu_kernel_barrier(const EmuKernel *kernel, unsigned number, SourceSet *sources,
                            const EmuCounters *counters, bool *executed) {
    for (uint32_t i = 0; i + 1 < kernel->code_len; i++) {
        const Inst *inst = &kernel->code[i];
        bool is_barrier = inst->exec == barrier_exec || inst->exec == warp_sync_exec;
        if (!is_barrier || inst->target != number)
            continue;
        *executed = counters->insts[i].thread_insts > 0;
        return source_range(sources, kernel->module->ptx, kernel->function, i);
    }
    *executed = false;
    return SRC_NONE;
}

size_t emu_kernel_param_size(const EmuKernel *kernel, unsigned index) {
    return kernel->function->params.data[index].size;
}
