/* torch_docs.c -- docs/torch.md, printed from the tables of operations. */
#include <string.h>

#include "runtime/host/torch_internal.h"

static const char intro[] =
    "# torch: the host tensors of tkc\n"
    "\n"
    "<!-- Printed by the program torch_docs from runtime/host/torch_ops.def and its neighbours. "
    "-->\n"
    "\n"
    "`import torch` gives programs tensors with the names, argument order, type promotion, errors "
    "and\n"
    "printed form of PyTorch. They hold inputs and compute references: operations run on the CPU "
    "in\n"
    "double precision (integers in 64 bits) and round once to the result's type, so their results "
    "can\n"
    "differ from PyTorch's in the last digit. Random numbers are not PyTorch's either, but are "
    "the\n"
    "same in every run with the same seed. Tensors have at most 8 dimensions; there is no "
    "autograd.\n"
    "\n"
    "- `device='cuda'` is the device that tkc runs on; `'cpu'` is host memory, which kernels "
    "refuse.\n"
    "- Reading an element of `torch.empty` that nobody wrote is a fault (TK9041). Copies of the "
    "same\n"
    "  type and layout (`clone`, `cpu`, `cuda`) carry unwritten elements along.\n"
    "- 8-bit floats store, convert and compare; arithmetic on them is refused, as in PyTorch.\n"
    "\n"
    "Where: T `torch.NAME`, M a method of tensors, I also in place as `NAME_`, F\n"
    "`torch.nn.functional.NAME`, C `torch.cuda.NAME`, A `torch.testing.NAME`. Arguments behind "
    "`*`\n"
    "are given by name.\n"
    "\n"
    "| name | where | arguments | result |\n"
    "|---|---|---|---|\n";

static void put_where(unsigned where, StrBuf *out) {
    static const struct {
        unsigned bit;
        char letter;
    } letters[] = {{OP_FUNCTION, 'T'}, {OP_METHOD, 'M'}, {OP_INPLACE, 'I'},
                   {OP_NN, 'F'},       {OP_CUDA, 'C'},   {OP_TESTING, 'A'}};
    for (size_t i = 0; i < TK_COUNTOF(letters); i++)
        if (where & letters[i].bit)
            strbuf_putc(out, letters[i].letter);
}

/* "input, [dim]": optional parameters in brackets. */
static void put_params(const TorchOp *op, StrBuf *out) {
    for (unsigned i = 0; op->params[i]; i++) {
        const char *param = op->params[i];
        const size_t len = strcspn(param, "=");
        const bool optional = param[len] == '=';
        strbuf_printf(out, "%s%s%.*s%s", i > 0 ? ", " : "", optional ? "[" : "", (int)len, param,
                      optional ? "]" : "");
    }
}

/* Text inside a table: a bar would end the cell. */
static void put_cell(const char *text, StrBuf *out) {
    for (; *text; text++) {
        if (*text == '|' || *text == '*')
            strbuf_putc(out, '\\');
        strbuf_putc(out, *text);
    }
}

void torch_describe(StrBuf *out) {
    strbuf_puts(out, intro);
    for (size_t i = 0; i < torch_num_ops; i++) {
        const TorchOp *op = &torch_ops[i];
        if (op->where == 0)
            continue;
        strbuf_printf(out, "| `%s` | ", op->name);
        put_where(op->where, out);
        strbuf_puts(out, op->params[0] ? " | `" : " | ");
        put_params(op, out);
        strbuf_puts(out, op->params[0] ? "` | " : " | ");
        put_cell(op->doc, out);
        strbuf_puts(out, " |\n");
    }
}
