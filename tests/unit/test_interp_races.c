/* Tests of races between programs, of the order that atomics give, and of programs that wait. */
#include <criterion/criterion.h>
#include <string.h>

#include "interp_world.h"

#define HAS(text, part) cr_assert_not_null(strstr(text, part), "no \"%s\" in:\n%s", part, text)
#define HEAD(params)    "kernel @k(" params ") num_warps = 4 num_stages = 3 {\n"
#define PID             "    %pid = program_id 0 : i32\n"

/* Every program stores its id to out[pid / 4]. */
static const char write_write[] =
    HEAD("%out: ptr<i32>") PID "    %c4 = const 4 : i32\n"
                               "    %at = divsi %pid, %c4 : i32\n"
                               "    %p = addptr %out, %at : ptr<i32>\n"
                               "    store %p, %pid\n"
                               "    return\n"
                               "}\n";

/* ... the constant 7. */
static const char same_value[] = HEAD("%out: ptr<i32>") PID "    %c4 = const 4 : i32\n"
                                                            "    %c7 = const 7 : i32\n"
                                                            "    %at = divsi %pid, %c4 : i32\n"
                                                            "    %p = addptr %out, %at : ptr<i32>\n"
                                                            "    store %p, %c7\n"
                                                            "    return\n"
                                                            "}\n";

/* buf[pid] = buf[pid + 1], in place. */
static const char shift_left[] =
    HEAD("%buf: ptr<i32>") PID "    %c1 = const 1 : i32\n"
                               "    %next = addi %pid, %c1 : i32\n"
                               "    %from = addptr %buf, %next : ptr<i32>\n"
                               "    %x = load %from : i32\n"
                               "    %to = addptr %buf, %pid : ptr<i32>\n"
                               "    store %to, %x\n"
                               "    return\n"
                               "}\n";

/* Neighbouring tiles of 24 elements: programs share chunks and words, but no element. */
static const char neighbours[] =
    HEAD("%out: ptr<i32>") PID "    %c24 = const 24 : i32\n"
                               "    %base = muli %pid, %c24 : i32\n"
                               "    %lane = arange 0, 24 : tile<24xi32>\n"
                               "    %bases = splat %base : tile<24xi32>\n"
                               "    %offs = addi %bases, %lane : tile<24xi32>\n"
                               "    %ps = splat %out : tile<24xptr<i32>>\n"
                               "    %p = addptr %ps, %offs : tile<24xptr<i32>>\n"
                               "    %old = load %p : tile<24xi32>\n"
                               "    %new = addi %old, %offs : tile<24xi32>\n"
                               "    store %p, %new\n"
                               "    return\n"
                               "}\n";

static const char *run_and_tell(unsigned threads, const char *kernel, int64_t programs,
                                InterpStatus expected, int32_t *result, World *w) {
    world_threads(w, threads);
    int32_t zeros[256] = {0};
    InterpArg out = world_tensor(w, DT_I32, 256, zeros);
    InterpStatus status = LAUNCH(w, kernel, programs, out);
    const char *text = world_messages(w);
    cr_assert_eq(status, expected, "%s", text);
    memcpy(result, world_data(out), sizeof zeros);
    return text;
}

/* The same words and the same memory for any number of threads. */
static void same_for_all_threads(const char *kernel, int64_t programs, InterpStatus expected,
                                 const char *const *parts, uint64_t seed) {
    World w;
    world_open(&w);
    w.options.shuffle = seed != 0;
    w.options.seed = seed;
    int32_t first[256], again[256];
    const char *text = run_and_tell(1, kernel, programs, expected, first, &w);
    for (; *parts != NULL; parts++)
        HAS(text, *parts);
    for (unsigned threads = 2; threads <= 3; threads++) {
        for (int repeat = 0; repeat < 10; repeat++) {
            const char *other = run_and_tell(threads, kernel, programs, expected, again, &w);
            cr_assert_str_eq(text, other);
            if (expected == INTERP_OK)
                cr_assert_arr_eq(first, again, sizeof first);
        }
    }
    world_close(&w);
}

Test(races, two_writers_of_one_element) {
    static const char *const parts[] = {
        "programs (0) and (1) both write out[0]; no order between them [TK9010]",
        "one leaves 0, the other 1", "both come from this statement", NULL};
    same_for_all_threads(write_write, 64, INTERP_FAULT, parts, 0);
}

Test(races, the_order_of_a_seed_is_reported_alike) {
    static const char *const parts[] = {"[TK9010]", "--seed=42", NULL};
    same_for_all_threads(write_write, 64, INTERP_FAULT, parts, 42);
}

Test(races, equal_values_are_a_warning) {
    static const char *const parts[] = {
        "warning: programs (0) and (1) both write out[0], the same value [TK9012]", NULL};
    same_for_all_threads(same_value, 64, INTERP_OK, parts, 0);
}

Test(races, a_reader_and_a_writer) {
    static const char *const in_order[] = {
        "fault: program (1) writes buf[1], which program (0) read; no order between them [TK9011]",
        "the other access is here", NULL};
    same_for_all_threads(shift_left, 64, INTERP_FAULT, in_order, 0);
}

Test(races, neighbours_do_not_race) {
    static const char *const parts[] = {NULL};
    same_for_all_threads(neighbours, 10, INTERP_OK, parts, 0);
    same_for_all_threads(neighbours, 10, INTERP_OK, parts, 7);
}

/* ---- atomics
 * -------------------------------------------------------------------------------------- */

/* A spin lock around count[0] = count[0] + 1, plain. */
#define LOCKED(sem_lock, sem_unlock)                                                               \
    HEAD("%lock: ptr<i32>, %count: ptr<i32>")                                                      \
    "    %c0 = const 0 : i32\n"                                                                    \
    "    %c1 = const 1 : i32\n"                                                                    \
    "    while () {\n"                                                                             \
    "        %old = atomic_cas %lock, %c0, %c1, sem = " sem_lock " : i32\n"                        \
    "        %busy = cmpi ne, %old, %c0 : i1\n"                                                    \
    "        condition %busy\n"                                                                    \
    "    } do () {\n"                                                                              \
    "        yield\n"                                                                              \
    "    }\n"                                                                                      \
    "    %x = load %count : i32\n"                                                                 \
    "    %next = addi %x, %c1 : i32\n"                                                             \
    "    store %count, %next\n"                                                                    \
    "    barrier\n"                                                                                \
    "    %ignored = atomic_rmw xchg, %lock, %c0, sem = " sem_unlock " : i32\n"                     \
    "    return\n"                                                                                 \
    "}\n"

static InterpStatus run_lock(const char *kernel, uint64_t seed, int32_t *count, const char **text) {
    World w;
    world_open(&w);
    w.options.shuffle = seed != 0;
    w.options.seed = seed;
    int32_t zero = 0;
    InterpArg lock = world_tensor(&w, DT_I32, 1, &zero), total = world_tensor(&w, DT_I32, 1, &zero);
    InterpStatus status = LAUNCH(&w, kernel, 100, lock, total);
    *count = *(const int32_t *)world_data(total);
    *text = world_last_messages(&w);
    return status;
}

Test(races, a_spin_lock_orders) {
    for (uint64_t seed = 0; seed < 3; seed++) {
        int32_t count;
        const char *text;
        InterpStatus status = run_lock(LOCKED("acquire", "release"), seed, &count, &text);
        cr_assert_eq(status, INTERP_OK, "%s", text);
        cr_assert_eq(count, 100);
        status = run_lock(LOCKED("acq_rel", "acq_rel"), seed, &count, &text);
        cr_assert_eq(status, INTERP_OK, "%s", text);
    }
}

Test(races, relaxed_atomics_order_nothing) {
    int32_t count;
    const char *text;
    cr_assert_eq(run_lock(LOCKED("relaxed", "relaxed"), 0, &count, &text), INTERP_FAULT);
    HAS(text, "count[0]");
    cr_assert_eq(run_lock(LOCKED("acquire", "relaxed"), 0, &count, &text), INTERP_FAULT);
    cr_assert_eq(run_lock(LOCKED("relaxed", "release"), 0, &count, &text), INTERP_FAULT);
}

/* All arrive at a counter and wait until everybody has. */
static const char grid_barrier[] = HEAD("%arrived: ptr<i32>, %data: ptr<i32>, %out: ptr<i32>") PID
    "    %c0 = const 0 : i32\n"
    "    %c1 = const 1 : i32\n"
    "    %n = num_programs 0 : i32\n"
    "    %mine = addptr %data, %pid : ptr<i32>\n"
    "    store %mine, %pid\n"
    "    %a = atomic_rmw add, %arrived, %c1 : i32\n"
    "    while () {\n"
    "        %seen = atomic_rmw add, %arrived, %c0 : i32\n"
    "        %less = cmpi slt, %seen, %n : i1\n"
    "        condition %less\n"
    "    } do () {\n"
    "        yield\n"
    "    }\n"
    "    %next = addi %pid, %c1 : i32\n"
    "    %wrapped = remsi %next, %n : i32\n"
    "    %theirs = addptr %data, %wrapped : ptr<i32>\n"
    "    %x = load %theirs : i32\n"
    "    %to = addptr %out, %pid : ptr<i32>\n"
    "    store %to, %x\n"
    "    return\n"
    "}\n";

static void check_barrier(int64_t programs, uint64_t seed) {
    World w;
    world_open(&w);
    w.options.shuffle = seed != 0;
    w.options.seed = seed;
    int32_t zero = 0;
    InterpArg arrived = world_tensor(&w, DT_I32, 1, &zero);
    InterpArg data = world_tensor(&w, DT_I32, programs, NULL);
    InterpArg out = world_tensor(&w, DT_I32, programs, NULL);
    InterpStatus status = LAUNCH(&w, grid_barrier, programs, arrived, data, out);
    cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
    const int32_t *values = world_data(out);
    for (int64_t i = 0; i < programs; i++)
        cr_assert_eq(values[i], (i + 1) % programs);
    world_close(&w);
}

Test(races, programs_meet_at_a_barrier) {
    check_barrier(2, 0);
    check_barrier(300, 0);
    check_barrier(300, 5);
}

Test(races, many_programs_can_wait) {
    check_barrier(65536, 0);
}

/* Program 0 waits for a flag that program 1 stores; all of it plain but the polling load. */
static const char flag[] = HEAD("%flag: ptr<i32>, %data: ptr<i32>, %out: ptr<i32>") PID
    "    %c0 = const 0 : i32\n"
    "    %c1 = const 1 : i32\n"
    "    %first = cmpi eq, %pid, %c0 : i1\n"
    "    if %first {\n"
    "        while () {\n"
    "            %seen = load %flag, volatile : i32\n"
    "            %wait = cmpi eq, %seen, %c0 : i1\n"
    "            condition %wait\n"
    "        } do () {\n"
    "            yield\n"
    "        }\n"
    "        %x = load %data : i32\n"
    "        store %out, %x\n"
    "        yield\n"
    "    } else {\n"
    "        store %data, %c1\n"
    "        store %flag, %c1\n"
    "        yield\n"
    "    }\n"
    "    return\n"
    "}\n";

Test(races, volatile_loads_wait_but_order_nothing) {
    World w;
    world_open(&w);
    int32_t zero = 0;
    InterpArg ready = world_tensor(&w, DT_I32, 1, &zero), out = world_tensor(&w, DT_I32, 1, &zero);
    InterpArg data = world_tensor(&w, DT_I32, 1, &zero);
    cr_assert_eq(LAUNCH(&w, flag, 2, ready, data, out), INTERP_FAULT);
    HAS(world_messages(&w), "reads data[0], which program (1) wrote");
    memset(world_data(ready), 0, sizeof zero);
    w.options.checks = false;
    cr_assert_eq(LAUNCH(&w, flag, 2, ready, data, out), INTERP_OK);
    cr_assert_eq(*(const int32_t *)world_data(out), 1);
    world_close(&w);
}

/* A plain store to what others change by atomics. */
static const char mixed[] =
    HEAD("%x: ptr<i32>") PID "    %c0 = const 0 : i32\n"
                             "    %c1 = const 1 : i32\n"
                             "    %old = atomic_rmw add, %x, %c1, sem = relaxed : i32\n"
                             "    %last = const 5 : i32\n"
                             "    %is = cmpi eq, %pid, %last : i1\n"
                             "    if %is {\n"
                             "        store %x, %c0\n"
                             "        yield\n"
                             "    }\n"
                             "    return\n"
                             "}\n";

Test(races, plain_stores_race_with_atomics) {
    World w;
    world_open(&w);
    int32_t zero = 0;
    InterpArg x = world_tensor(&w, DT_I32, 1, &zero);
    cr_assert_eq(LAUNCH(&w, mixed, 5, x), INTERP_OK, "%s", world_messages(&w));
    cr_assert_eq(*(const int32_t *)world_data(x), 5);
    cr_assert_eq(LAUNCH(&w, mixed, 6, x), INTERP_FAULT);
    HAS(world_messages(&w), "both write x[0]; no order between them [TK9010]");
    world_close(&w);
}

/* Each program adds to the vector that an entry of a table of pointers names. */
static const char table[] =
    HEAD("%table: ptr<ptr<i32>>") PID "    %entry = addptr %table, %pid : ptr<ptr<i32>>\n"
                                      "    %base = load %entry : ptr<i32>\n"
                                      "    %i = arange 0, 4 : tile<4xi32>\n"
                                      "    %bs = splat %base : tile<4xptr<i32>>\n"
                                      "    %p = addptr %bs, %i : tile<4xptr<i32>>\n"
                                      "    %v = load %p : tile<4xi32>\n"
                                      "    %s = addi %v, %i : tile<4xi32>\n"
                                      "    store %p, %s\n"
                                      "    return\n"
                                      "}\n";

Test(races, tables_of_pointers) {
    for (unsigned threads = 1; threads <= 2; threads++) {
        World w;
        world_open(&w);
        world_threads(&w, threads);
        int32_t ones[4] = {1, 1, 1, 1};
        InterpArg a = world_tensor(&w, DT_I32, 4, ones), b = world_tensor(&w, DT_I32, 4, ones);
        uint64_t entries[] = {(uint64_t)(uintptr_t)world_data(a),
                              (uint64_t)(uintptr_t)world_data(b)};
        InterpArg pointers = world_tensor(&w, DT_I64, 2, entries);
        cr_assert_eq(LAUNCH(&w, table, 2, pointers), INTERP_OK, "%s", world_messages(&w));
        for (int i = 0; i < 4; i++) {
            cr_assert_eq(((const int32_t *)world_data(a))[i], 1 + i);
            cr_assert_eq(((const int32_t *)world_data(b))[i], 1 + i);
        }
        entries[1] = entries[0];
        InterpArg twice = world_tensor(&w, DT_I64, 2, entries);
        cr_assert_eq(LAUNCH(&w, table, 2, twice), INTERP_FAULT);
        HAS(world_messages(&w), "no order between them [TK901");
        cr_assert_eq(((const int32_t *)world_data(a))[1], 3, "one program ran before the fault");
        world_close(&w);
    }
}
