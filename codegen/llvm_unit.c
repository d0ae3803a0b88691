/* llvm_unit.c -- LLVM's contexts, its passes and its NVPTX back end, made safe to call.
 *
 * LLVM has three ways of refusing. (1) Errors sent to the context's diagnostic handler (a bad
 * constraint of inline assembly): its default one ends the process; ours keeps the text. (2) A
 * status and a message (the verifier, a pass pipeline). (3) report_fatal_error: "Cannot select" and
 * whatever nobody thought of. It calls the process-wide handler, which must not return; ours jumps
 * back to the frame that this thread has open (LLVMInstallFatalErrorHandler takes no argument, so
 * the frame is a thread-local variable). C++ frames in between are not unwound: what they held
 * leaks, and the context is abandoned. LLVM takes no lock of its own while it selects instructions,
 * so that the next compilation, in a context of its own, is not disturbed.
 *
 * NVPTX is set up once, when code is first generated: registration, and the two options that have
 * no other interface: 32-bit addresses for shared memory, and no contraction of a * b + c (tile IR
 * has a pass for that, so that every device does the same).
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/ErrorHandling.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include "codegen/llvm_unit.h"
#include "support/compat.h"

#define TRIPLE "nvptx64-nvidia-cuda"

/* Scalar clean-up for IR that is nearly clean: common subexpressions, known bits (so that address
 * arithmetic splits into a base and an immediate), dead code. Loops are left as they are. */
#define PIPELINE                                                                                   \
    "function(early-cse,instcombine<no-verify-fixpoint>,simplifycfg,reassociate,gvn,"              \
    "loop-mssa(licm),instcombine<no-verify-fixpoint>,dce)"

/* ---- fatal errors ----------------------------------------------------------------------------
 */

typedef struct FatalFrame {
    jmp_buf jump;
    LlvmUnit *unit;
} FatalFrame;

/* The frame that LLVM's fatal errors of this thread go to; NULL: none, LLVM ends the process. */
static _Thread_local FatalFrame *codegen_fatal_frame;

static void keep_error(LlvmUnit *unit, const char *text) {
    if (!unit->failed)
        snprintf(unit->error, sizeof unit->error, "%s", text);
    unit->failed = true;
}

static void on_fatal_error(const char *reason) {
    FatalFrame *frame = codegen_fatal_frame;
    if (frame == NULL)
        return; /* not one of ours: LLVM goes on to end the process */
    keep_error(frame->unit, reason);
    frame->unit->abandoned = true;
    longjmp(frame->jump, 1);
}

static void on_diagnostic(LLVMDiagnosticInfoRef info, void *data) {
    if (LLVMGetDiagInfoSeverity(info) != LLVMDSError)
        return;
    char *text = LLVMGetDiagInfoDescription(info);
    keep_error(data, text);
    LLVMDisposeMessage(text);
}

/* Runs body(data); false if LLVM gave up in it. Nothing in it may longjmp elsewhere. */
static bool guarded(LlvmUnit *unit, void (*body)(void *), void *data) {
    FatalFrame frame = {.unit = unit};
    if (setjmp(frame.jump) == 0) {
        codegen_fatal_frame = &frame;
        body(data);
    }
    codegen_fatal_frame = NULL;
    return !unit->failed;
}

/* ---- setting up ------------------------------------------------------------------------------
 */

static void set_up_nvptx(void) {
    static const char *const options[] = {"tkc", "-nvptx-short-ptr", "-nvptx-fma-level=0"};
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    LLVMInstallFatalErrorHandler(on_fatal_error);
    LLVMParseCommandLineOptions((int)TK_COUNTOF(options), options, "");
}

static void set_up_once(void) {
    static pthread_once_t codegen_llvm_once = PTHREAD_ONCE_INIT;
    pthread_once(&codegen_llvm_once, set_up_nvptx);
}

static LLVMTargetMachineRef make_machine(LlvmUnit *unit, const LlvmEmission *emission) {
    LLVMTargetRef target;
    char *error = NULL;
    if (LLVMGetTargetFromTriple(TRIPLE, &target, &error) != 0) {
        keep_error(unit, error);
        LLVMDisposeMessage(error);
        return NULL;
    }
    return LLVMCreateTargetMachine(target, TRIPLE, emission->cpu, emission->features,
                                   emission->optimise ? LLVMCodeGenLevelDefault
                                                      : LLVMCodeGenLevelLess,
                                   LLVMRelocDefault, LLVMCodeModelDefault);
}

static void open_context(LlvmUnit *unit) {
    set_up_once();
    *unit = (LlvmUnit){.context = LLVMContextCreate()};
    LLVMContextSetDiagnosticHandler(unit->context, on_diagnostic, unit);
}

static void set_machine(LlvmUnit *unit) {
    /* Every NVPTX machine has this one data layout. */
    LLVMSetTarget(unit->module, TRIPLE);
    LLVMTargetMachineRef machine =
        make_machine(unit, &(LlvmEmission){.cpu = "sm_80", .features = ""});
    if (machine == NULL)
        return;
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(unit->module, layout);
    LLVMDisposeTargetData(layout);
    LLVMDisposeTargetMachine(machine);
}

void llvm_unit_open(LlvmUnit *unit, const char *name) {
    open_context(unit);
    unit->module = LLVMModuleCreateWithNameInContext(name, unit->context);
    set_machine(unit);
}

bool llvm_unit_parse(LlvmUnit *unit, const char *name, const char *text, size_t len) {
    open_context(unit);
    char *error = NULL;
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(text, len, name);
    bool failed = LLVMParseIRInContext2(unit->context, buffer, &unit->module, &error) != 0;
    LLVMDisposeMemoryBuffer(buffer); /* not consumed, unlike that of LLVMParseIRInContext */
    if (failed) {
        keep_error(unit, error);
        LLVMDisposeMessage(error);
        return false;
    }
    set_machine(unit);
    return true;
}

void llvm_unit_close(LlvmUnit *unit) {
    if (unit->abandoned || unit->context == NULL)
        return;
    if (unit->module != NULL)
        LLVMDisposeModule(unit->module);
    LLVMContextDispose(unit->context);
    unit->context = NULL;
}

char *llvm_unit_text(const LlvmUnit *unit) {
    return LLVMPrintModuleToString(unit->module);
}

/* ---- the middle and the back end -------------------------------------------------------------
 */

typedef struct Work {
    LlvmUnit *unit;
    const LlvmEmission *emission;
    LLVMTargetMachineRef machine;
    LLVMMemoryBufferRef result;
} Work;

static void verify_module(void *data) {
    Work *work = data;
    char *error = NULL;
    if (LLVMVerifyModule(work->unit->module, LLVMReturnStatusAction, &error) != 0)
        keep_error(work->unit, error);
    LLVMDisposeMessage(error);
}

static void run_pipeline(void *data) {
    Work *work = data;
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMPassBuilderOptionsSetLoopUnrolling(options, 0);
    LLVMErrorRef error = LLVMRunPasses(work->unit->module, PIPELINE, work->machine, options);
    if (error != NULL) {
        char *text = LLVMGetErrorMessage(error);
        keep_error(work->unit, text);
        LLVMDisposeErrorMessage(text);
    }
    LLVMDisposePassBuilderOptions(options);
}

static void run_back_end(void *data) {
    Work *work = data;
    char *error = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(work->machine, work->unit->module, LLVMAssemblyFile,
                                            &error, &work->result) != 0) {
        keep_error(work->unit, error);
        LLVMDisposeMessage(error);
    }
}

static bool run(Work *work, void (*body)(void *)) {
    if (work->machine == NULL)
        work->machine = make_machine(work->unit, work->emission);
    return work->machine != NULL && guarded(work->unit, body, work);
}

static void end_work(Work *work) {
    if (work->machine != NULL && !work->unit->abandoned)
        LLVMDisposeTargetMachine(work->machine);
}

bool llvm_unit_optimise(LlvmUnit *unit, const LlvmEmission *emission) {
    Work work = {.unit = unit, .emission = emission};
    bool ok = !emission->verify || guarded(unit, verify_module, &work);
    ok = ok && run(&work, run_pipeline);
    end_work(&work);
    return ok;
}

LLVMMemoryBufferRef llvm_unit_emit(LlvmUnit *unit, const LlvmEmission *emission) {
    Work work = {.unit = unit, .emission = emission};
    bool ok = !emission->verify || guarded(unit, verify_module, &work);
    ok = ok && run(&work, run_back_end);
    end_work(&work);
    return ok ? work.result : NULL;
}
