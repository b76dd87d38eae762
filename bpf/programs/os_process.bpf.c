/* SPDX-License-Identifier: GPL-2.0-only */
/* What processes and their groups come to, at tracepoints that know the kernel's types (BTF). */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/kernel_types.bpf.h"
#include "lib/os_emit.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_task.bpf.h"

#pragma clang diagnostic ignored "-Wunused-parameter" /* a tracepoint gives what it gives */

char LICENSE[] SEC("license") = "GPL";

const volatile bool victim_is_task = false; /* kernel 6.8 and later; before, it is a pid */

SEC("tp_btf/sched_process_exec")
int BPF_PROG(os_exec, struct task_struct* task, int old_pid, struct linux_binprm* binary) {
  struct os_event* event = begin_event(OS_EXEC, OS_EVENT_BYTES(exec));
  if (!event) return 0;
  describe_task(&event->task);
  event->exec.parent = BPF_CORE_READ(task, real_parent, tgid);
  event->exec.path[0] = 0;
  bpf_probe_read_kernel_str(event->exec.path, sizeof event->exec.path, BPF_CORE_READ(binary, filename));
  unsigned long begin = BPF_CORE_READ(task, mm, arg_start);
  unsigned long bytes = BPF_CORE_READ(task, mm, arg_end) - begin;
  if (bytes > OS_ARGUMENTS_BYTES) bytes = OS_ARGUMENTS_BYTES;
  if (bpf_probe_read_user(event->exec.arguments, bytes, (void*)begin) != 0) bytes = 0;
  event->exec.arguments_bytes = bytes;
  end_event(event);
  return 0;
}

enum { GROUP_EXIT = 4 }; /* SIGNAL_GROUP_EXIT, include/linux/sched/signal.h */

/* As wait(2) tells it: what one thread has said for all, or the first one for itself. */
static __always_inline __u32 status_of(const struct task_struct* leader) {
  const struct signal_struct* shared = BPF_CORE_READ(leader, signal);
  return BPF_CORE_READ(shared, flags) & GROUP_EXIT ? BPF_CORE_READ(shared, group_exit_code)
                                                   : BPF_CORE_READ(leader, exit_code);
}

enum { TASK_KERNEL_THREAD = 0x00200000 }; /* PF_KTHREAD, include/linux/sched.h */

/* Whether the process ends with this thread, of which it has `leader` as the first. */
static __always_inline bool is_last(const struct task_struct* task, const struct task_struct* leader) {
  if (BPF_CORE_READ(task, flags) & TASK_KERNEL_THREAD) return false;
  if (BPF_CORE_READ(task, signal, live.counter) != 0) return false;
  struct process_key process = {.start_ns = BPF_CORE_READ(leader, start_time), .pid = BPF_CORE_READ(task, tgid)};
  __u8 told = 1;
  return bpf_map_update_elem(&os_ended, &process, &told, BPF_NOEXIST) == 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(os_exit, struct task_struct* task) {
  const struct task_struct* leader = BPF_CORE_READ(task, group_leader);
  if (!is_last(task, leader)) return 0;
  struct os_event* event = begin_event(OS_EXIT, OS_EVENT_BYTES(exit));
  if (!event) return 0;
  describe_task(&event->task);
  __u32 code = status_of(leader);
  event->exit.code = code >> 8;
  event->exit.signal = code & 0x7f;
  event->exit.lived_ns = event->time_ns - BPF_CORE_READ(leader, start_time);
  end_event(event);
  return 0;
}

/* The victim, in whatever process ran out of memory. */
SEC("tp_btf/mark_victim")
int os_oom_kill(__u64* arguments) {
  struct os_event* event = begin_event(OS_OOM_KILL, OS_EVENT_BARE_BYTES);
  if (!event) return 0;
  unknown_task(&event->task);
  if (victim_is_task) {
    const struct task_struct* victim = (const void*)arguments[0];
    describe_other_task(victim, &event->task);
  } else {
    event->task.pid = (__u32)arguments[0];
  }
  end_event(event);
  return 0;
}

static __always_inline void emit_cgroup(enum os_event_type type, const struct cgroup* group, const char* path) {
  struct os_event* event = begin_event(type, OS_EVENT_BYTES(group));
  if (!event) return;
  describe_task(&event->task);
  event->group.id = BPF_CORE_READ(group, kn, id);
  event->group.path[0] = 0;
  bpf_probe_read_kernel_str(event->group.path, sizeof event->group.path, path);
  end_event(event);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(os_mkdir, const struct cgroup* group, const char* path) {
  emit_cgroup(OS_CGROUP_CREATED, group, path);
  return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(os_rmdir, const struct cgroup* group, const char* path) {
  emit_cgroup(OS_CGROUP_REMOVED, group, path);
  return 0;
}
