/* launch.h -- between the files that run a launch: launch.c, schedule.c, faults.c. */
#ifndef TKC_IR_INTERP_LAUNCH_H
#define TKC_IR_INTERP_LAUNCH_H

#include "ir/interp/races.h"

/* How a run over the grid ended. */
typedef enum RunEnd {
    RUN_OK,
    RUN_FAULT,  /* launch->fault is the first one */
    RUN_REPLAY, /* something was found that must be looked at in order */
    RUN_CANCEL,
    RUN_OOM
} RunEnd;

/* Programs spread over the pool's threads: for kernels whose programs cannot see each other. */
RunEnd schedule_parallel(Launch *launch, unsigned threads);
/* One program at a time in the order of ranks; those that wait are put aside. `prints` collects
 * what they print; it is flushed now and then if `flush`. */
RunEnd schedule_sequential(Launch *launch, bool flush);

/* The program that runs as number `rank`, and its ids. */
uint64_t launch_order(const Launch *launch, uint64_t rank);
void launch_pid(const Launch *launch, uint64_t index, int64_t pid[3]);
void launch_flush_prints(Launch *launch);

/* Reports launch->fault, or the warning in `fault`. */
void fault_report(const Launch *launch, const Fault *fault);

#endif
