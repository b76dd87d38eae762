/* SPDX-License-Identifier: GPL-2.0-only */
/* What the C language leaves to the compiler and the verifier of old kernels must have as written. */
#ifndef CAPROCK_COMPILER_BPF_H
#define CAPROCK_COMPILER_BPF_H

#include <linux/types.h>

/* Keeps `value` in one register from here on: a bound that is checked behind this is a bound of what is used. */
#define PIN_REGISTER(value) asm volatile("" : "+r"(value))

/* Whether `value` is low…high, told by two comparisons of its very register; one, of the difference, is what the
 * compiler would make of it and old verifiers do not follow. `low` of 1 becomes a comparison with 0: take 2 or more. */
#define IN_RANGE(value, low, high)  \
  ({                                \
    PIN_REGISTER(value);            \
    bool in_range = value >= (low); \
    if (in_range) {                 \
      PIN_REGISTER(value);          \
      in_range = value <= (high);   \
    }                               \
    in_range;                       \
  })

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define READ_ONCE(place) (*(volatile typeof(place)*)&(place))

/* Stores a position that another CPU reads: whoever sees it sees everything stored before. x86 keeps stores in order;
 * on arm64 the barrier that the JIT knows is an atomic exchange (kernel 5.12). */
static __always_inline void store_release(__u64* place, __u64 value) {
#if defined(__TARGET_ARCH_x86)
  asm volatile("" ::: "memory");
  *(volatile __u64*)place = value;
#else
  __sync_lock_test_and_set(place, value);
#endif
}

#endif
