/* compat.h -- the one place for what differs between compilers.
 *
 * Everything else in the tree is plain C17; attributes are spelled through these macros.
 */
#ifndef TKC_SUPPORT_COMPAT_H
#define TKC_SUPPORT_COMPAT_H

#if defined(__GNUC__) || defined(__clang__)
#define TK_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define TK_NODISCARD          __attribute__((warn_unused_result))
#define TK_UNUSED             __attribute__((unused))
#define TK_LIKELY(x)          __builtin_expect(!!(x), 1)
#define TK_UNLIKELY(x)        __builtin_expect(!!(x), 0)
#else
#define TK_PRINTF(fmt, first)
#define TK_NODISCARD
#define TK_UNUSED
#define TK_LIKELY(x)   (x)
#define TK_UNLIKELY(x) (x)
#endif

/* Between these two, a printf format may be a variable (it comes from a checked table). */
#if defined(__GNUC__) || defined(__clang__)
#define TK_ALLOW_FORMAT_VARIABLE_BEGIN                                                             \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"")
#define TK_ALLOW_FORMAT_VARIABLE_END _Pragma("GCC diagnostic pop")
#else
#define TK_ALLOW_FORMAT_VARIABLE_BEGIN
#define TK_ALLOW_FORMAT_VARIABLE_END
#endif

/* Processors with fused multiply-add: a function marked TK_FMA_CODE may use the instruction, and
 * may be called where TK_HAS_FMA() holds. */
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define TK_FMA_CODE  __attribute__((target("fma")))
#define TK_HAS_FMA() __builtin_cpu_supports("fma")
#else
#define TK_FMA_CODE
#define TK_HAS_FMA() 0
#endif

/* The address of the current function's stack frame, to bound recursion; 0 where unknown. */
#if defined(__GNUC__) || defined(__clang__)
#define TK_FRAME_ADDRESS() ((uintptr_t)__builtin_frame_address(0))
#else
#define TK_FRAME_ADDRESS() ((uintptr_t)0)
#endif

/* The number of zero bits above the highest set bit of a uint64_t that is not 0; bits.h has the
 * general form. */
#if defined(__GNUC__) || defined(__clang__)
#define TK_CLZ64(x) __builtin_clzll((unsigned long long)(x))
#endif

/* Number of elements of an array object (not of a pointer). */
#define TK_COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

#endif
