/* SPDX-License-Identifier: GPL-2.0-only */
/* Who is at work. */
#ifndef CAPROCK_OS_TASK_BPF_H
#define CAPROCK_OS_TASK_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "abi/os_event.h"
#include "lib/kernel_types.bpf.h"

static __always_inline __u64 start_of_current(void) {
  const struct task_struct* current = (void*)bpf_get_current_task();
  return BPF_CORE_READ(current, group_leader, start_boottime);
}

static __always_inline bool is_current(const struct os_task* task) {
  return task->pid == bpf_get_current_pid_tgid() >> 32 && task->start_ns == start_of_current();
}

/* The present task, but for its network. */
static __always_inline void describe_process(struct os_task* task) {
  __u64 ids = bpf_get_current_pid_tgid();
  task->pid = ids >> 32;
  task->tid = (__u32)ids;
  task->uid = (__u32)bpf_get_current_uid_gid();
  task->cgroup = bpf_get_current_cgroup_id();
  task->start_ns = start_of_current();
  bpf_get_current_comm(task->comm, sizeof task->comm);
}

static __always_inline void describe_task(struct os_task* task) {
  const struct task_struct* current = (void*)bpf_get_current_task();
  describe_process(task);
  task->network = BPF_CORE_READ(current, nsproxy, net_ns, ns.inum);
}

/* Another one, that an iterator has come to. */
static __always_inline void describe_other_task(const struct task_struct* other, struct os_task* task) {
  task->pid = BPF_CORE_READ(other, tgid);
  task->tid = BPF_CORE_READ(other, pid);
  task->uid = BPF_CORE_READ(other, cred, uid.val);
  task->network = BPF_CORE_READ(other, nsproxy, net_ns, ns.inum);
  task->cgroup = BPF_CORE_READ(other, cgroups, dfl_cgrp, kn, id);
  task->start_ns = BPF_CORE_READ(other, group_leader, start_boottime);
  BPF_CORE_READ_STR_INTO(&task->comm, other, comm);
}

static __always_inline void unknown_task(struct os_task* task) { __builtin_memset(task, 0, sizeof *task); }

#endif
