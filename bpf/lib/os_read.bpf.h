/* SPDX-License-Identifier: GPL-2.0-only */
/* How the kernel's structures are read. Tracepoints with types (BTF), fentry and fexit hand out pointers of which the
 * verifier knows the type: what they point to can be loaded, at the cost of a load. A program of theirs defines
 * POINTERS_HAVE_TYPES in front of what it includes. Others have to ask the kernel to copy each field. */
#ifndef CAPROCK_OS_READ_BPF_H
#define CAPROCK_OS_READ_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/kernel_types.bpf.h"

#ifdef POINTERS_HAVE_TYPES

#define READ(pointer, field) ((pointer)->field)
#define READ_BITFIELD(pointer, field) BPF_CORE_READ_BITFIELD(pointer, field)
#define READ_INTO(to, pointer, field) __builtin_memcpy(to, &(pointer)->field, sizeof(pointer)->field)

/* NULL: it is no whole socket of TCP. What a sock is part of lies beyond its type. */
static __always_inline const struct tcp_sock* tcp_of(const struct sock* sk) { return bpf_skc_to_tcp_sock((void*)sk); }

/* From kernel 6.2: the same pointer with another type. What cannot be loaded from there is 0. */
extern void* bpf_rdonly_cast(const void* object, __u32 type) __ksym __weak;
#define CAST(pointer, type) ((const type*)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))

#else

#define READ(pointer, field) BPF_CORE_READ(pointer, field)
#define READ_BITFIELD(pointer, field) BPF_CORE_READ_BITFIELD_PROBED(pointer, field)
#define READ_INTO(to, pointer, field) bpf_core_read(to, sizeof(pointer)->field, &(pointer)->field)

static __always_inline const struct tcp_sock* tcp_of(const struct sock* sk) { return (const void*)sk; }

#endif

#endif
