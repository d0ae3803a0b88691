/* print.c -- tile IR as text.
 *
 *     kernel @double(%x: ptr<f32>, %n: i32) num_warps = 4 num_stages = 3 {
 *         %offs = arange 0, 64 : tile<64xi32>
 *         ...
 *         return
 *     }
 *
 * The text is complete: ir_parse() makes the same IR from it, and printing that gives the same
 * text. docs/ir.md has the grammar. With locations, the files that ranges lie in are listed first
 * (`source "a.tk"`), and an operation ends in @line:column-column, or @line:column-line:column,
 * with the number of the file and a slash before it unless it is the first.
 */
#include "ir/ir.h"
#include "ir/names.h"
#include "ir/number.h"

#include <inttypes.h>
#include <string.h>

typedef struct Printer {
    StrBuf *out;
    const IrModule *module;
    const char **names; /* of the kernel's values, by id */
    uint32_t num_names;
    bool locations;
    VEC(uint32_t) files;         /* the ids of the files listed, in order */
    VEC(const Layout *) layouts; /* those listed, in order: #0, #1, ... */
    unsigned indent;
} Printer;

/* ---- small pieces -----------------------------------------------------------------------------*/

static void print_string(StrBuf *out, const char *text) {
    strbuf_putc(out, '"');
    for (const char *c = text; *c; c++) {
        unsigned char u = (unsigned char)*c;
        if (*c == '"' || *c == '\\')
            strbuf_printf(out, "\\%c", *c);
        else if (*c == '\n')
            strbuf_puts(out, "\\n");
        else if (*c == '\t')
            strbuf_puts(out, "\\t");
        else if (u < 0x20 || u == 0x7f)
            strbuf_printf(out, "\\x%02x", u);
        else
            strbuf_putc(out, *c);
    }
    strbuf_putc(out, '"');
}

static void print_value(Printer *p, const IrValue *value) {
    if (value && value->id < p->num_names && p->names[value->id])
        strbuf_printf(p->out, "%%%s", p->names[value->id]);
    else
        strbuf_puts(p->out, "%<unknown>"); /* broken IR, printed for a message */
}

static void print_hint(Printer *p, const char *name, const int64_t *values, unsigned rank,
                       bool *first) {
    bool known = false;
    for (unsigned i = 0; i < rank; i++)
        known |= values[i] != 0;
    if (!known)
        return;
    strbuf_printf(p->out, "%s%s = ", *first ? " {" : ", ", name);
    *first = false;
    if (rank == 1) {
        strbuf_printf(p->out, "%" PRId64, values[0]);
        return;
    }
    for (unsigned i = 0; i < rank; i++)
        strbuf_printf(p->out, "%s%" PRId64, i == 0 ? "[" : ", ", values[i]);
    strbuf_putc(p->out, ']');
}

static void print_hints(Printer *p, const IrValue *value) {
    if (!value->hints)
        return;
    unsigned rank = value->type->rank > 0 ? value->type->rank : 1;
    bool first = true;
    print_hint(p, "divisibility", value->hints->divisibility, rank, &first);
    print_hint(p, "contiguity", value->hints->contiguity, rank, &first);
    print_hint(p, "constancy", value->hints->constancy, rank, &first);
    if (!first)
        strbuf_putc(p->out, '}');
}

/* As ir_type_print(), but a listed layout by its name. */
static void print_type(Printer *p, const IrType *type) {
    size_t index = 0;
    while (index < p->layouts.len && p->layouts.data[index] != type->layout)
        index++;
    if (!type->layout || index == p->layouts.len) {
        ir_type_print(type, p->out);
        return;
    }
    strbuf_puts(p->out, ir_is_shared(type) ? "shared<" : "tile<");
    for (unsigned i = 0; i < type->rank; i++)
        strbuf_printf(p->out, "%" PRId64 "x", type->shape[i]);
    ir_type_print(type->elem, p->out);
    strbuf_printf(p->out, ", #%zu>", index);
}

static void print_typed_value(Printer *p, const IrValue *value) {
    print_value(p, value);
    strbuf_puts(p->out, ": ");
    print_type(p, value->type);
    print_hints(p, value);
}

static void print_location(Printer *p, SrcRange range) {
    if (!p->locations || range_is_none(range))
        return;
    const SrcFile *file = sources_file(p->module->sources, range.file);
    if (!file)
        return;
    SrcPos lo = source_pos(file, range.lo), hi = source_pos(file, range.hi);
    strbuf_puts(p->out, " @");
    for (size_t i = 1; i < p->files.len; i++) {
        if (p->files.data[i] == range.file)
            strbuf_printf(p->out, "%zu/", i + 1);
    }
    strbuf_printf(p->out, "%" PRIu32 ":%" PRIu32 "-", lo.line, lo.column);
    if (hi.line != lo.line)
        strbuf_printf(p->out, "%" PRIu32 ":", hi.line);
    strbuf_printf(p->out, "%" PRIu32, hi.column);
}

/* ---- attributes -------------------------------------------------------------------------------*/

static void print_attr_value(Printer *p, const IrOp *op, const IrAttr *attr) {
    switch (ir_attr_infos[attr->id].kind) {
    case ATTRKIND_VALUE:
        ir_number_print(ir_elem(op->results[0].type), attr->u.bits, p->out);
        break;
    case ATTRKIND_INT:
        strbuf_printf(p->out, "%" PRId64, attr->u.i);
        break;
    case ATTRKIND_BOOL:
        strbuf_puts(p->out, attr->u.i ? "true" : "false");
        break;
    case ATTRKIND_STR:
        print_string(p->out, attr->u.str ? attr->u.str : "");
        break;
    case ATTRKIND_INTS:
        strbuf_putc(p->out, '[');
        for (size_t i = 0; i < attr->u.ints.len; i++)
            strbuf_printf(p->out, "%s%" PRId64, i == 0 ? "" : ", ", attr->u.ints.items[i]);
        strbuf_putc(p->out, ']');
        break;
#define ENUM_BEGIN(kind) case ATTRKIND_##kind:
#define ENUM(name, text)
#define ENUM_END(kind)
#include "ir/enums.def"
#undef ENUM_BEGIN
#undef ENUM
#undef ENUM_END
        strbuf_puts(p->out, ir_enum_text(attr->id, attr->u.i));
        break;
    case ATTRKIND_COUNT:
        break;
    }
}

static bool is_lead(const IrOp *op, const IrAttr *attr) {
    IrAttrForm form = ir_attr_infos[attr->id].form;
    return form == FORM_LEAD || (form != FORM_EXTRA && ir_info(op)->operands[0] == '\0');
}

static bool is_default(const IrAttr *attr) {
    const IrAttrInfo *info = &ir_attr_infos[attr->id];
    if (info->kind == ATTRKIND_STR)
        return !attr->u.str || attr->u.str[0] == '\0';
    if (info->kind == ATTRKIND_INTS)
        return attr->u.ints.len == 0;
    return attr->u.i == info->dflt;
}

static void separate(Printer *p, bool *first) {
    strbuf_puts(p->out, *first ? " " : ", ");
    *first = false;
}

static void print_lead_attrs(Printer *p, const IrOp *op, bool *first) {
    for (unsigned i = 0; i < ir_info(op)->num_attrs; i++) {
        if (is_lead(op, &op->attrs[i])) {
            separate(p, first);
            print_attr_value(p, op, &op->attrs[i]);
        }
    }
}

static void print_named_attrs(Printer *p, const IrOp *op, bool *first) {
    for (unsigned i = 0; i < ir_info(op)->num_attrs; i++) {
        const IrAttr *attr = &op->attrs[i];
        const IrAttrInfo *info = &ir_attr_infos[attr->id];
        if (is_lead(op, attr) || (info->form >= FORM_NAMED && is_default(attr)))
            continue;
        separate(p, first);
        strbuf_puts(p->out, info->name);
        if (info->kind != ATTRKIND_BOOL || !attr->u.i) {
            strbuf_puts(p->out, " = ");
            print_attr_value(p, op, attr);
        }
    }
}

/* ---- operations -------------------------------------------------------------------------------*/

static void print_block(Printer *p, const IrBlock *block);

/* `(%a = %init, ...)`: the first `count` arguments from `first_arg` on take operands. */
static void print_carried(Printer *p, const IrOp *op, unsigned first_arg, unsigned first_operand) {
    const IrBlock *block = op->regions[0];
    strbuf_putc(p->out, '(');
    for (unsigned i = first_operand; i < op->num_operands; i++) {
        unsigned arg = first_arg + i - first_operand;
        if (i > first_operand)
            strbuf_puts(p->out, ", ");
        if (arg < block->num_args) {
            print_value(p, block->args[arg]);
            print_hints(p, block->args[arg]);
        } else {
            strbuf_puts(p->out, "%<missing>");
        }
        strbuf_puts(p->out, " = ");
        print_value(p, ir_operand(op, i));
    }
    strbuf_putc(p->out, ')');
}

static void print_for_head(Printer *p, const IrOp *op) {
    const IrBlock *body = op->regions[0];
    strbuf_putc(p->out, ' ');
    if (body->num_args > 0) {
        print_value(p, body->args[0]);
        print_hints(p, body->args[0]);
    }
    static const char *const words[] = {" = ", " to ", " step "};
    for (unsigned i = 0; i < 3 && i < op->num_operands; i++) {
        strbuf_puts(p->out, words[i]);
        print_value(p, ir_operand(op, i));
    }
    if (op->num_operands > 3) {
        strbuf_puts(p->out, " iter");
        print_carried(p, op, 1, 3);
    }
    bool first = false;
    print_named_attrs(p, op, &first);
}

static void print_head(Printer *p, const IrOp *op) {
    for (unsigned i = 0; i < op->num_results; i++) {
        if (i > 0)
            strbuf_puts(p->out, ", ");
        print_value(p, &op->results[i]);
    }
    if (op->num_results > 0)
        strbuf_puts(p->out, " = ");
    strbuf_puts(p->out, ir_info(op)->mnemonic);
    if (op->code == OP_For) {
        print_for_head(p, op);
    } else if (op->code == OP_While) {
        strbuf_putc(p->out, ' ');
        print_carried(p, op, 0, 0);
    } else {
        bool first = true;
        print_lead_attrs(p, op, &first);
        for (unsigned i = 0; i < op->num_operands; i++) {
            separate(p, &first);
            print_value(p, ir_operand(op, i));
        }
        print_named_attrs(p, op, &first);
    }
    for (unsigned i = 0; i < op->num_results; i++) {
        strbuf_puts(p->out, i == 0 ? " : " : ", ");
        print_type(p, op->results[i].type);
        print_hints(p, &op->results[i]);
    }
    print_location(p, op->range);
}

static void print_indent(Printer *p) {
    for (unsigned i = 0; i < p->indent; i++)
        strbuf_puts(p->out, "    ");
}

static void print_region(Printer *p, const IrBlock *block, bool with_args) {
    if (with_args) {
        strbuf_puts(p->out, " (");
        for (unsigned i = 0; i < block->num_args; i++) {
            if (i > 0)
                strbuf_puts(p->out, ", ");
            print_typed_value(p, block->args[i]);
        }
        strbuf_putc(p->out, ')');
    }
    strbuf_puts(p->out, " {\n");
    p->indent++;
    print_block(p, block);
    p->indent--;
    print_indent(p);
    strbuf_putc(p->out, '}');
}

/* An else that only yields nothing is left out. */
static bool is_empty_else(const IrOp *op, unsigned region) {
    const IrOp *first = op->regions[region]->first;
    return op->code == OP_If && region == 1 && op->num_results == 0 && first &&
           first->code == OP_Yield && first->num_operands == 0;
}

static void print_op(Printer *p, const IrOp *op) {
    print_indent(p);
    print_head(p, op);
    for (unsigned r = 0; r < op->num_regions; r++) {
        if (is_empty_else(op, r))
            continue;
        if (r == 1)
            strbuf_puts(p->out, op->code == OP_If ? " else" : " do");
        bool args_in_head =
            op->code == OP_If || (r == 0 && (op->code == OP_For || op->code == OP_While));
        print_region(p, op->regions[r], !args_in_head);
    }
    strbuf_putc(p->out, '\n');
}

static void print_block(Printer *p, const IrBlock *block) {
    for (const IrOp *op = block->first; op; op = op->next)
        print_op(p, op);
}

/* ---- kernels and modules ----------------------------------------------------------------------*/

static void print_kernel_name(Printer *p, const char *name) {
    bool plain = name[0] != '\0' && !(name[0] >= '0' && name[0] <= '9');
    for (const char *c = name; *c; c++)
        plain &= ir_is_name_char(*c);
    strbuf_putc(p->out, '@');
    if (plain)
        strbuf_puts(p->out, name);
    else
        print_string(p->out, name);
}

static void print_settings(Printer *p, const IrKernel *kernel) {
    strbuf_printf(p->out, " num_warps = %d num_stages = %d", kernel->num_warps, kernel->num_stages);
    if (kernel->num_ctas != 1)
        strbuf_printf(p->out, " num_ctas = %d", kernel->num_ctas);
    if (kernel->maxnreg != 0)
        strbuf_printf(p->out, " maxnreg = %d", kernel->maxnreg);
    if (!kernel->fp_fusion)
        strbuf_puts(p->out, " fp_fusion = false");
    if (kernel->debug)
        strbuf_puts(p->out, " debug = true");
    if (kernel->laid)
        strbuf_puts(p->out, " laid");
    if (kernel->shared_bytes != 0)
        strbuf_printf(p->out, " shared = %" PRId64, kernel->shared_bytes);
}

static void set_names(Printer *p, const IrKernel *kernel) {
    p->names = ir_name_values(kernel, p->out->arena);
    p->num_names = kernel->num_values;
}

static void print_kernel(Printer *p, const IrKernel *kernel) {
    set_names(p, kernel);
    strbuf_puts(p->out, "kernel ");
    print_kernel_name(p, kernel->name);
    strbuf_putc(p->out, '(');
    for (size_t i = 0; i < kernel->params.len; i++) {
        const IrParam *param = &kernel->params.data[i];
        if (i > 0)
            strbuf_puts(p->out, ", ");
        print_value(p, param->value);
        strbuf_puts(p->out, param->is_const ? ": const " : ": ");
        ir_type_print(param->value->type, p->out);
        print_hints(p, param->value);
        print_location(p, param->range);
    }
    strbuf_putc(p->out, ')');
    print_settings(p, kernel);
    print_location(p, kernel->range);
    print_region(p, kernel->body, false);
    strbuf_putc(p->out, '\n');
}

/* ---- the list of source files -----------------------------------------------------------------*/

static void note_file(Printer *p, SrcRange range) {
    if (range_is_none(range) || !sources_file(p->module->sources, range.file))
        return;
    for (size_t i = 0; i < p->files.len; i++) {
        if (p->files.data[i] == range.file)
            return;
    }
    vec_push(p->out->arena, &p->files, range.file);
}

static bool note_op_file(IrOp *op, void *data) {
    note_file(data, op->range);
    return true;
}

static void note_kernel_files(Printer *p, const IrKernel *kernel) {
    note_file(p, kernel->range);
    for (size_t i = 0; i < kernel->params.len; i++)
        note_file(p, kernel->params.data[i].range);
    ir_walk(kernel->body, note_op_file, p);
}

static void print_files(Printer *p) {
    for (size_t i = 0; i < p->files.len; i++) {
        strbuf_puts(p->out, "source ");
        print_string(p->out, sources_file(p->module->sources, p->files.data[i])->name);
        strbuf_putc(p->out, '\n');
    }
    if (p->files.len > 0)
        strbuf_putc(p->out, '\n');
}

/* ---- the list of layouts ----------------------------------------------------------------------*/

static void note_layout(Printer *p, const IrType *type) {
    if (!type->layout)
        return;
    for (size_t i = 0; i < p->layouts.len; i++) {
        if (p->layouts.data[i] == type->layout)
            return;
    }
    vec_push(p->out->arena, &p->layouts, type->layout);
}

static bool note_op_layouts(IrOp *op, void *data) {
    for (unsigned i = 0; i < op->num_results; i++)
        note_layout(data, op->results[i].type);
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (unsigned i = 0; i < op->regions[r]->num_args; i++)
            note_layout(data, op->regions[r]->args[i]->type);
    }
    return true;
}

static void note_kernel_layouts(Printer *p, const IrKernel *kernel) {
    if (kernel->laid)
        ir_walk(kernel->body, note_op_layouts, p);
}

static void print_layouts(Printer *p) {
    for (size_t i = 0; i < p->layouts.len; i++) {
        strbuf_printf(p->out, "layout #%zu = ", i);
        layout_print(p->layouts.data[i], p->out);
        strbuf_putc(p->out, '\n');
    }
    if (p->layouts.len > 0)
        strbuf_putc(p->out, '\n');
}

static Printer make_printer(const IrModule *module, const IrPrintOptions *options, StrBuf *out) {
    bool locations = options && options->locations && module->sources;
    return (Printer){.out = out, .module = module, .locations = locations};
}

void ir_print_module(const IrModule *module, const IrPrintOptions *options, StrBuf *out) {
    Printer p = make_printer(module, options, out);
    for (size_t i = 0; p.locations && i < module->kernels.len; i++)
        note_kernel_files(&p, module->kernels.data[i]);
    print_files(&p);
    for (size_t i = 0; i < module->kernels.len; i++)
        note_kernel_layouts(&p, module->kernels.data[i]);
    print_layouts(&p);
    for (size_t i = 0; i < module->kernels.len; i++) {
        if (i > 0)
            strbuf_putc(out, '\n');
        print_kernel(&p, module->kernels.data[i]);
    }
}

void ir_print_kernel(const IrKernel *kernel, const IrPrintOptions *options, StrBuf *out) {
    Printer p = make_printer(kernel->module, options, out);
    if (p.locations)
        note_kernel_files(&p, kernel);
    print_files(&p);
    note_kernel_layouts(&p, kernel);
    print_layouts(&p);
    print_kernel(&p, kernel);
}

void ir_print_op(const IrOp *op, StrBuf *out) {
    IrKernel *kernel = op->block->kernel;
    Printer p = make_printer(kernel->module, NULL, out);
    set_names(&p, kernel);
    print_head(&p, op);
    if (op->num_regions > 0)
        strbuf_puts(out, " { ... }");
}
