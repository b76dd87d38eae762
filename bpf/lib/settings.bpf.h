/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loader fixes for the life of the programs: read-only data, so that the verifier drops what is not in use. */
#ifndef CAPROCK_SETTINGS_BPF_H
#define CAPROCK_SETTINGS_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

/* Weak, as the maps are: every program file has them, the linked object has them once. */
const volatile bool ringbuf_transport __weak;   /* false: the stage */
const volatile __u32 stage_shift __weak = 19;   /* log2 of a segment's bytes */
const volatile __u32 stage_segments __weak = 4; /* per CPU, a power of two */
const volatile __u32 cpu_slots __weak = 1;      /* of CPUs that were online at the load */
const volatile __u64 queue_bytes __weak;        /* capacity of one CPU's stage or ring */
const volatile bool has_xdp_load_bytes __weak;  /* kernel 5.18 and later */
const volatile bool recorded_once __weak;       /* ROLE_ONCE has a meaning */
const volatile __u16 mirror_vxlan_port __weak;  /* 0: what is in VXLAN stays there */

#endif
