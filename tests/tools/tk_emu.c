/* tk_emu.c -- runs a kernel of a PTX file on the emulator, with arrays made on the command line.
 *
 *     tk-emu add.ptx --grid=4 --arg=x=f32:arange:1000 --arg=out=f32:empty:1000 --arg=i32=1000
 *            --print=out:8 --profile
 *
 * --arg=[NAME=]TYPE:FILL:COUNT[xCOUNT]   a tensor; FILL: empty, zeros, ones, arange, iota5 (i % 5),
 *                                        or numbers separated by commas, repeated
 * --arg=TYPE=VALUE                       a number
 * --print=NAME[:COUNT]                   the first COUNT elements of a tensor, after the launch; a
 *                                        matrix row by row
 * --entry=NAME --grid=X[,Y[,Z]] --block=X[,Y[,Z]] --shared=BYTES --seed=N --threads=N
 * --max-steps=N --bounds=view|allocation|elements --no-checks --source=FILE --profile[=json]
 * --counts --time --read-only
 *
 * The exit status is that of tkc: 0, 1 for errors, 3 for faults.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "runtime/emu/emu.h"
#include "runtime/emu/emu_profile.h"
#include "support/io.h"
#include "support/numeric.h"
#include "support/str.h"

enum { MAX_ARGS = 64, MAX_PRINTS = 16 };

typedef struct Options {
    const char *file, *entry, *source, *profile;
    const char *prints[MAX_PRINTS];
    const char *arg_texts[MAX_ARGS];
    unsigned num_prints, num_args;
    EmuLaunch launch;
    EmuOptions emu;
    unsigned threads;
    bool counts, time, load_only;
} Options;

typedef struct World {
    OomHandler oom;
    Arena *arena;
    SourceSet *sources;
    Diags *diags;
    MemSpace *space;
    EmuArg args[MAX_ARGS];
    MemView views[MAX_ARGS];
} World;

/* The value behind "--NAME=", or NULL. */
static const char *value_of(const char *word, const char *name) {
    size_t len = strlen(name);
    return strncmp(word, name, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static void take_dims(const char *text, int64_t dims[3]) {
    for (unsigned d = 0; d < 3; d++) {
        char *rest;
        dims[d] = d > 0 && *text == '\0' ? 1 : strtoll(text, &rest, 10);
        if (d == 0 || *text != '\0')
            text = *rest == ',' ? rest + 1 : rest;
    }
}

static bool take_number(const char *word, Options *o) {
    const char *v;
    int64_t dims[3];
    if ((v = value_of(word, "--grid")) != NULL) {
        take_dims(v, o->launch.grid);
    } else if ((v = value_of(word, "--block")) != NULL) {
        take_dims(v, dims);
        for (unsigned d = 0; d < 3; d++)
            o->launch.block[d] = (unsigned)dims[d];
    } else if ((v = value_of(word, "--shared")) != NULL) {
        o->launch.dynamic_shared = strtoull(v, NULL, 10);
    } else if ((v = value_of(word, "--seed")) != NULL) {
        o->emu.seed = strtoull(v, NULL, 10);
    } else if ((v = value_of(word, "--threads")) != NULL) {
        o->threads = (unsigned)strtoul(v, NULL, 10);
    } else if ((v = value_of(word, "--max-steps")) != NULL) {
        o->emu.max_steps = strtoull(v, NULL, 10);
    } else {
        return false;
    }
    return true;
}

static bool take_word(const char *word, Options *o) {
    const char *v;
    if ((v = value_of(word, "--entry")) != NULL)
        o->entry = v;
    else if ((v = value_of(word, "--source")) != NULL)
        o->source = v;
    else if ((v = value_of(word, "--arg")) != NULL && o->num_args < MAX_ARGS)
        o->arg_texts[o->num_args++] = v;
    else if ((v = value_of(word, "--print")) != NULL && o->num_prints < MAX_PRINTS)
        o->prints[o->num_prints++] = v;
    else if ((v = value_of(word, "--profile")) != NULL)
        o->profile = v;
    else if (str_eq(word, "--profile"))
        o->profile = "text";
    else if (str_eq(word, "--counts"))
        o->counts = true;
    else if (str_eq(word, "--time"))
        o->time = true;
    else if (str_eq(word, "--read-only"))
        o->load_only = true;
    else if (str_eq(word, "--no-checks"))
        o->emu.checks = false;
    else if ((v = value_of(word, "--bounds")) != NULL)
        o->emu.bounds = str_eq(v, "view")         ? EMU_BOUNDS_VIEW
                        : str_eq(v, "allocation") ? EMU_BOUNDS_ALLOCATION
                                                  : EMU_BOUNDS_ELEMENTS;
    else if (word[0] != '-')
        o->file = word;
    else
        return take_number(word, o);
    return true;
}

static DType type_of(World *w, const char *text, size_t len) {
    const char *name = arena_strndup(w->arena, text, len);
    if (name[0] == 'f' && name[1] != '\0' && name[1] != 'p' && name[1] != 'l')
        name = arena_printf(w->arena, "fp%s", name + 1);
    return dtype_from_name(name);
}

static void store(DType type, void *data, size_t i, double value) {
    if (dtype_is_float(type))
        dtype_store_f64(type, data, i, value);
    else
        dtype_store_i64(type, data, i, (int64_t)value);
}

static void fill(DType type, void *data, size_t count, const char *how) {
    const char *at = how;
    for (size_t i = 0; i < count; i++) {
        double value = 0;
        if (str_starts(how, "ones")) {
            value = 1;
        } else if (str_starts(how, "arange")) {
            value = (double)i;
        } else if (str_starts(how, "iota5")) {
            value = (double)(i % 5);
        } else if (!str_starts(how, "zeros")) {
            char *rest;
            bool is_float = dtype_is_float(type);
            uint64_t bits = is_float ? 0 : strtoull(at, &rest, 0);
            value = is_float ? strtod(at, &rest) : 0;
            at = *rest == ',' ? rest + 1 : how;
            if (!is_float) {
                dtype_store_i64(type, data, i, (int64_t)bits);
                continue;
            }
        }
        store(type, data, i, value);
    }
}

/* TYPE:FILL:SHAPE */
static bool make_tensor(World *w, unsigned index, DType type, const char *how) {
    const char *shape = strchr(how, ':');
    MemView *view = &w->views[index];
    if (shape == NULL || type == DT_COUNT)
        return false;
    *view = (MemView){.dtype = type};
    size_t count = 1;
    for (const char *at = shape; *at == ':' || *at == 'x';) {
        char *rest;
        view->shape[view->rank] = strtoll(at + 1, &rest, 10);
        count *= (size_t)view->shape[view->rank++];
        at = rest;
    }
    int64_t stride = 1;
    for (unsigned d = view->rank; d > 0; d--) {
        view->strides[d - 1] = stride;
        stride *= view->shape[d - 1];
    }
    size_t size = dtype_size(type);
    bool empty = str_starts(how, "empty");
    view->alloc =
        mem_alloc(w->space, count * size, (unsigned)size, empty ? MEM_UNWRITTEN : MEM_ZEROED);
    if (!empty)
        fill(type, view->alloc->data, count, how);
    w->args[index].view = view;
    return true;
}

static bool make_arg(World *w, unsigned index, const char *text) {
    const char *colon = strchr(text, ':'), *equal = strchr(text, '=');
    EmuArg *arg = &w->args[index];
    if (colon == NULL) { /* TYPE=VALUE */
        DType type = equal != NULL ? type_of(w, text, (size_t)(equal - text)) : DT_COUNT;
        if (type == DT_COUNT)
            return false;
        if (dtype_is_float(type))
            dtype_store_f64(type, &arg->bits, 0, strtod(equal + 1, NULL));
        else
            arg->bits = (uint64_t)strtoll(equal + 1, NULL, 0);
        return true;
    }
    if (equal != NULL && equal < colon) {
        arg->name = arena_strndup(w->arena, text, (size_t)(equal - text));
        text = equal + 1;
    }
    return make_tensor(w, index, type_of(w, text, (size_t)(colon - text)), colon + 1);
}

static void print_tensor(const World *w, const Options *o, const char *what) {
    size_t len = strcspn(what, ":");
    for (unsigned i = 0; i < o->num_args; i++) {
        const EmuArg *arg = &w->args[i];
        if (arg->view == NULL || arg->name == NULL || strlen(arg->name) != len ||
            strncmp(arg->name, what, len) != 0)
            continue;
        DType type = arg->view->dtype;
        size_t count = arg->view->alloc->size / dtype_size(type);
        if (what[len] == ':' && strtoull(what + len + 1, NULL, 10) < count)
            count = strtoull(what + len + 1, NULL, 10);
        size_t columns = arg->view->rank == 2 ? (size_t)arg->view->shape[1] : count + 1;
        printf("%s:", arg->name);
        for (size_t k = 0; k < count; k++) {
            if (k % columns == 0 && arg->view->rank == 2)
                printf("\n");
            if (dtype_is_float(type))
                printf(" %.9g", dtype_load_f64(type, arg->view->alloc->data, k));
            else
                printf(" %lld", (long long)dtype_load_i64(type, arg->view->alloc->data, k));
        }
        printf("\n");
    }
}

static void print_counts(const EmuCounts *c) {
    printf("instructions %llu of warps, %llu of threads\n", (unsigned long long)c->warp_insts,
           (unsigned long long)c->thread_insts);
    printf("requests %llu sectors %llu least %llu\n", (unsigned long long)c->requests,
           (unsigned long long)c->sectors, (unsigned long long)c->sectors_min);
    printf("wavefronts %llu least %llu\n", (unsigned long long)c->wavefronts,
           (unsigned long long)c->wavefronts_min);
    printf("divergent %llu atomics %llu barriers %llu\n", (unsigned long long)c->divergent,
           (unsigned long long)c->atomics, (unsigned long long)c->barriers);
    printf("mma flop %llu async bytes %llu\n", (unsigned long long)c->mma_flop,
           (unsigned long long)c->async_bytes);
}

static void print_profile(World *w, const Options *o, const EmuCounters *counters) {
    StrBuf out = STRBUF(w->arena);
    if (str_eq(o->profile, "json"))
        emu_profile_json(w->sources, counters, &out);
    else
        emu_profile_text(w->sources, counters, &out);
    fputs(strbuf_str(&out), stdout);
}

/* Of all threads together. */
static double processor_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec;
}

static int launch(World *w, Options *o, EmuKernel *kernel) {
    ThreadPool *pool = o->threads > 0 ? threads_create(o->threads) : NULL;
    o->emu.pool = pool;
    o->emu.print_out = stdout;
    o->launch.args = w->args;
    o->launch.num_args = o->num_args;
    o->launch.options = &o->emu;
    EmuCounters *counters = emu_counters_create(w->arena, kernel);
    double start = processor_seconds();
    EmuStatus status = emu_launch(kernel, w->space, &o->launch, w->diags, counters);
    double took = processor_seconds() - start;
    threads_destroy(pool);
    for (unsigned i = 0; status == EMU_OK && i < o->num_prints; i++)
        print_tensor(w, o, o->prints[i]);
    EmuCounts total = emu_counters_total(counters);
    if (o->counts)
        print_counts(&total);
    if (o->time)
        printf("%.1f million instructions of threads in %.3f s of a core: %.1f a second\n",
               1e-6 * (double)total.thread_insts, took, 1e-6 * (double)total.thread_insts / took);
    if (o->time && total.mma_flop > 0)
        printf("%.3f thousand million operations of mma: %.2f a second\n",
               1e-9 * (double)total.mma_flop, 1e-9 * (double)total.mma_flop / took);
    if (o->profile != NULL)
        print_profile(w, o, counters);
    return status == EMU_OK ? 0 : status == EMU_FAULT ? 3 : 1;
}

static int run(World *w, Options *o) {
    size_t len;
    const char *error = "no file is named";
    char *text =
        o->file != NULL ? io_read_file(w->arena, o->file, SRC_MAX_BYTES, &len, &error) : NULL;
    if (text == NULL) {
        fprintf(stderr, "tk-emu: %s\n", error);
        return 2;
    }
    if (o->source != NULL) {
        size_t source_len;
        char *source = io_read_file(w->arena, o->source, SRC_MAX_BYTES, &source_len, &error);
        if (source != NULL)
            sources_add(w->sources, o->source, source, source_len);
    }
    for (unsigned i = 0; i < o->num_args; i++) {
        if (!make_arg(w, i, o->arg_texts[i])) {
            fprintf(stderr, "tk-emu: --arg=%s is none\n", o->arg_texts[i]);
            return 2;
        }
    }
    EmuModule *module = emu_module_load(w->arena, w->diags, text, len, o->file);
    if (module == NULL)
        return 1;
    if (o->load_only)
        return 0;
    EmuKernel *kernel =
        o->entry != NULL ? emu_module_find(module, o->entry) : emu_module_first(module);
    if (kernel == NULL) {
        fprintf(stderr, "tk-emu: there is no such kernel\n");
        return 2;
    }
    return launch(w, o, kernel);
}

int main(int argc, char **argv) {
    static World w;
    static Options o;
    o.launch = (EmuLaunch){.grid = {1, 1, 1}};
    o.emu = (EmuOptions){.checks = true};
    for (int i = 1; i < argc; i++) {
        if (!take_word(argv[i], &o)) {
            fprintf(stderr, "tk-emu: what is %s?\n", argv[i]);
            return 2;
        }
    }
    w.oom.fail_after = -1;
    if (setjmp(w.oom.jump) != 0) {
        fputs("tk-emu: out of memory\n", stderr);
        return 1;
    }
    w.arena = arena_create(&w.oom);
    w.sources = sources_create(w.arena);
    w.diags = diags_create(w.arena, w.sources);
    w.space = mem_space_create(&w.oom);
    int status = run(&w, &o);
    fflush(stdout);
    const DiagStyle style = {.color = false};
    diags_render(w.diags, &style, stderr);
    mem_space_destroy(w.space);
    arena_destroy(w.arena);
    return status;
}
