/* Unit tests of the laid level in the interpreter: what goes through shared memory arrives, and
 * missing barriers, joined buffers and vectors that are none are faults. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "interp_world.h"

/* #0: two elements a thread, the second warp repeats the first; #2: each warp holds its own half.
 */
#define HEAD                                                                                       \
    "layout #0 = <64; reg i0; lane i1 i2 i3 i4 i5; warp .>\n"                                      \
    "layout #1 = <64; off i0 i1 i2 i3 i4 i5>\n"                                                    \
    "layout #2 = <64; lane i0 i1 i2 i3 i4; warp i5>\n"                                             \
    "kernel @k(%p: ptr<i32>) num_warps = 2 num_stages = 3 laid {\n"                                \
    "    %x = arange 0, 64 : tile<64xi32, #0>\n"                                                   \
    "    %w = arange 0, 64 : tile<64xi32, #2>\n"                                                   \
    "    %a = shared_alloc 0 : shared<64xi32, #1>\n"
#define TAIL                                                                                       \
    "    %base = splat %p : tile<64xptr<i32>, #2>\n"                                               \
    "    %ps = addptr %base, %w : tile<64xptr<i32>, #2>\n"                                         \
    "    store %ps, %y\n"                                                                          \
    "    return\n"                                                                                 \
    "}\n"

static void check_text(const char *text, const char *fault) {
    World w;
    world_open(&w);
    int32_t zeros[64] = {0};
    InterpArg out = world_tensor(&w, DT_I32, 64, zeros);
    InterpStatus status = LAUNCH(&w, text, 1, out);
    const char *messages = world_messages(&w);
    if (fault == NULL) {
        cr_assert_eq(status, INTERP_OK, "%s", messages);
        const int32_t *data = world_data(out);
        for (int i = 0; i < 64; i++)
            cr_assert_eq(data[i], i, "element %d is %d", i, data[i]);
    } else {
        cr_assert_eq(status, INTERP_FAULT, "no fault: %s", text);
        cr_assert_not_null(strstr(messages, fault), "%s", messages);
    }
    world_close(&w);
}

Test(interp_shared, a_barrier_lies_between_store_and_load) {
    check_text(HEAD "shared_store %a, %x\nbarrier\n%y = shared_load %a : tile<64xi32, #2>\n" TAIL,
               NULL);
    check_text(HEAD "shared_store %a, %x\n%y = shared_load %a : tile<64xi32, #2>\n" TAIL,
               "an element is read that another warp stored, and no barrier lies between [TK9036]");
}

Test(interp_shared, a_warp_needs_no_barrier_for_what_it_stored) {
    check_text(HEAD "shared_store %a, %w\n%y = shared_load %a : tile<64xi32, #2>\n" TAIL, NULL);
}

Test(interp_shared, a_barrier_lies_between_load_and_store) {
    static const char first[] =
        HEAD "shared_store %a, %x\nbarrier\n%z = shared_load %a : tile<64xi32, #2>\n";
    static const char last[] =
        "shared_store %a, %x\nbarrier\n%y = shared_load %a : tile<64xi32, #2>\n" TAIL;
    char text[4096];
    snprintf(text, sizeof text, "%sbarrier\n%s", first, last);
    check_text(text, NULL);
    snprintf(text, sizeof text, "%s%s", first, last);
    check_text(text, "stored where another warp read, and no barrier lies between [TK9036]");
}

Test(interp_shared, a_barrier_lies_between_stores) {
    check_text(HEAD "shared_store %a, %x\nbarrier\nshared_store %a, %w\nbarrier\n"
                    "%y = shared_load %a : tile<64xi32, #2>\n" TAIL,
               NULL);
    check_text(HEAD "shared_store %a, %x\nshared_store %a, %w\nbarrier\n"
                    "%y = shared_load %a : tile<64xi32, #2>\n" TAIL,
               "stored where another warp stored, and no barrier lies between [TK9036]");
}

Test(interp_shared, a_loop_meets_its_next_trip) {
    check_text(HEAD "%lo = const 0 : i32\n%hi = const 3 : i32\n%one = const 1 : i32\n"
                    "%y = for %i = %lo to %hi step %one iter(%c = %w) : tile<64xi32, #2> {\n"
                    "    shared_store %a, %x\n    barrier\n"
                    "    %n = shared_load %a : tile<64xi32, #2>\n    yield %n\n}\n" TAIL,
               "stored where another warp read");
}

Test(interp_shared, an_element_must_have_been_stored) {
    check_text(HEAD "%y = shared_load %a : tile<64xi32, #2>\n" TAIL,
               "an element is read that nobody stored [TK9036]");
}

Test(interp_shared, buffers_that_live_together_do_not_overlap) {
#define SECOND_AT(offset)                                                                          \
    HEAD "%b = shared_alloc " offset " : shared<64xi32, #1>\nshared_store %a, %x\nbarrier\n"       \
         "shared_store %b, %x\nbarrier\n%y = shared_load %a : tile<64xi32, #2>\n" TAIL
    check_text(SECOND_AT("256"), NULL);
    check_text(SECOND_AT("128"), "an element is read that another buffer has overwritten [TK9036]");
}

Test(interp_shared, gathers_and_counts) {
    check_text(HEAD "shared_store %a, %x\nbarrier\n"
                    "%c = const 63 : tile<64xi32, #2>\n%back = subi %c, %w : tile<64xi32, #2>\n"
                    "%g = shared_gather %a, %back, axis = 0 : tile<64xi32, #2>\n"
                    "%y = subi %c, %g : tile<64xi32, #2>\n" TAIL,
               NULL);
    check_text(HEAD "shared_store %a, %w\nbarrier\n%one = const 1 : tile<64xi32, #2>\n"
                    "%m = const true : tile<64xi1, #2>\nshared_count %a, %w, %m\nbarrier\n"
                    "%n = shared_load %a : tile<64xi32, #2>\n"
                    "%y = subi %n, %one : tile<64xi32, #2>\n" TAIL,
               NULL);
    check_text(HEAD "shared_count %a, %w\nbarrier\n%y = shared_load %a : tile<64xi32, #2>\n" TAIL,
               "an element is counted up that nobody stored");
}

Test(interp_shared, picks_by_number) {
    check_text(HEAD "shared_store %a, %x\nbarrier\n"
                    "%c = const 63 : tile<64xi32, #2>\n%back = subi %c, %w : tile<64xi32, #2>\n"
                    "%g = shared_pick %a, %back : tile<64xi32, #2>\n"
                    "%y = subi %c, %g : tile<64xi32, #2>\n" TAIL,
               NULL);
    check_text(HEAD "shared_store %a, %x\nbarrier\n%c = const 1 : tile<64xi32, #2>\n"
                    "%far = addi %w, %c : tile<64xi32, #2>\n"
                    "%y = shared_pick %a, %far : tile<64xi32, #2>\n" TAIL,
               "an element is picked that the buffer does not have [TK9036]");
}

Test(interp_shared, converts_by_doing_nothing) {
    check_text(HEAD "%y = convert_layout %x : tile<64xi32, #2>\n" TAIL, NULL);
}

/* ---- copies in the background ---------------------------------------------------------------- */

/* Elements 0 to 63 of %p are copied into the stage %s of three, from where the kernel writes them
 * back. */
#define COPY_HEAD                                                                                  \
    HEAD "    %yes = const true : i1\n    %no = const false : i1\n"                                \
         "    %one = const 1 : i32\n    %three = const 3 : i32\n"                                  \
         "    %ring = shared_alloc 256, stages = 3 : shared<64xi32, #1>\n"                         \
         "    %s = shared_slot %ring, %one : shared<64xi32, #1>\n"                                 \
         "    %from = splat %p : tile<64xptr<i32>, #0>\n"                                          \
         "    %all = addptr %from, %x : tile<64xptr<i32>, #0>\n"                                   \
         "    store %all, %x\n"
#define READ "    %y = shared_load %s : tile<64xi32, #2>\n" TAIL

Test(interp_shared, copies_arrive_behind_wait_and_barrier) {
    check_text(COPY_HEAD "async_copy %all, %s, %yes, vector = 2\nasync_commit\nasync_wait 0\n"
                         "barrier\n" READ,
               NULL);
    check_text(
        COPY_HEAD "async_copy %all, %s, %yes\nasync_commit\nbarrier\n" READ,
        "an element is read that is still being copied: no async_wait lies between [TK9036]");
    check_text(COPY_HEAD "async_copy %all, %s, %yes\nasync_commit\nbarrier\nasync_wait 0\n" READ,
               "read that was copied, and no barrier lies behind the async_wait [TK9036]");
}

Test(interp_shared, waits_leave_the_last_groups_on_their_way) {
    check_text(COPY_HEAD "async_copy %all, %s, %yes\nasync_commit\nasync_commit\nasync_wait 1\n"
                         "barrier\n" READ,
               NULL);
    check_text(COPY_HEAD "async_copy %all, %s, %yes\nasync_commit\nasync_wait 1\nbarrier\n" READ,
               "still being copied");
    check_text(COPY_HEAD "async_copy %all, %s, %yes\nasync_wait 0\nbarrier\n" READ,
               "still being copied"); /* it belongs to no group yet */
}

Test(interp_shared, copies_do_not_meet_other_stores) {
    check_text(COPY_HEAD "async_copy %all, %s, %yes\nasync_commit\nshared_store %s, %x\n"
                         "async_wait 0\nbarrier\n" READ,
               "an element is stored where a copy may still be on its way");
    check_text(COPY_HEAD "shared_store %s, %x\nbarrier\n%v = shared_load %s : tile<64xi32, #2>\n"
                         "async_copy %all, %s, %yes\nasync_commit\nasync_wait 0\nbarrier\n" READ,
               "an element is stored where another warp read, and no barrier lies between");
}

Test(interp_shared, a_copy_may_not_happen) {
    check_text(COPY_HEAD "shared_store %s, %x\nasync_copy %all, %s, %no\nasync_commit\n"
                         "barrier\n" READ,
               NULL);
}

Test(interp_shared, stages_are_apart_and_counted) {
    check_text(COPY_HEAD "%zero = const 0 : i32\n"
                         "%other = shared_slot %ring, %zero : shared<64xi32, #1>\n"
                         "shared_store %s, %x\nasync_copy %all, %other, %yes\nbarrier\n" READ,
               NULL);
    check_text(COPY_HEAD "%behind = shared_slot %ring, %three : shared<64xi32, #1>\n"
                         "shared_store %behind, %x\nbarrier\n" READ,
               "a stage is chosen that the buffer does not have [TK9036]");
}

/* ---- vectors --------------------------------------------------------------------------------- */

#define VECTOR_HEAD                                                                                \
    "layout #0 = <64; reg i0; lane i1 i2 i3 i4 i5; warp .>\n"                                      \
    "kernel @k(%p: ptr<i32>) num_warps = 2 num_stages = 3 laid {\n"
#define POINTERS(layout)                                                                           \
    "    %x = arange 0, 64 : tile<64xi32, " layout ">\n"                                           \
    "    %base = splat %p : tile<64xptr<i32>, " layout ">\n"                                       \
    "    %ps = addptr %base, %x : tile<64xptr<i32>, " layout ">\n"

Test(interp_shared, vectors_are_neighbours_in_one_thread) {
    check_text(VECTOR_HEAD POINTERS("#0") "store %ps, %x, vector = 2\nreturn\n}\n", NULL);
    check_text(VECTOR_HEAD POINTERS("#0") "%c = const 63 : tile<64xi32, #0>\n"
                                          "%back = subi %c, %x : tile<64xi32, #0>\n"
                                          "%qs = addptr %base, %back : tile<64xptr<i32>, #0>\n"
                                          "store %qs, %x, vector = 2\nreturn\n}\n",
               "neighbours are not neighbours in memory [TK9037]");
}

Test(interp_shared, vectors_are_aligned_and_masked_as_a_whole) {
    check_text(VECTOR_HEAD POINTERS("#0") "%one = const 1 : tile<64xi32, #0>\n"
                                          "%qs = addptr %ps, %one : tile<64xptr<i32>, #0>\n"
                                          "%v = load %qs, vector = 2 : tile<64xi32, #0>\n"
                                          "return\n}\n",
               "one is not aligned to its size [TK9037]");
    check_text(VECTOR_HEAD POINTERS("#0") "%seven = const 7 : tile<64xi32, #0>\n"
                                          "%m = cmpi slt, %x, %seven : tile<64xi1, #0>\n"
                                          "store %ps, %x, %m, vector = 2\nreturn\n}\n",
               "the mask differs within one [TK9037]");
}
