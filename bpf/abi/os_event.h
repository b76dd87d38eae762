/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Events of the operating system on their way to the agent: records of the map `os_events`, a BPF ring buffer. */
#ifndef CAPROCK_ABI_OS_EVENT_H
#define CAPROCK_ABI_OS_EVENT_H

#include <linux/types.h>

#include "static_assert.h"

/* Each has a limit of its own and can be left out: agent.os.events. */
enum os_event_type {
  OS_EXEC,
  OS_EXIT,
  OS_OOM_KILL,
  OS_LISTEN,
  OS_CONNECT,     /* begun */
  OS_ESTABLISHED, /* by either side */
  OS_FAILED,      /* a connect that came to nothing */
  OS_OPEN,        /* a connection that was there before the agent came */
  OS_CLOSED,
  OS_RETRANSMIT,
  OS_RESET_SENT,
  OS_RESET_RECEIVED,
  OS_DROP,
  OS_EVENT_TYPES,
};

enum {
  OS_COMM_BYTES = 16,
  OS_PATH_BYTES = 128,
  OS_ARGUMENTS_BYTES = 1024, /* of a command line; what is longer is cut */
  OS_MAX_SOCKETS = 65536,    /* whose owner is known */
};

/* Whom an event is about: the process that did it or owns the socket. pid 0: not known. */
struct os_task {
  __u32 pid; /* of the process: its tgid, in the first pid namespace */
  __u32 tid;
  __u32 uid;
  __u32 network; /* inode of its network namespace */
  __u64 cgroup;  /* inode in cgroup v2 */
  char comm[OS_COMM_BYTES];
};

struct os_flow {
  __u8 local[16]; /* IPv4 as ::ffff:a.b.c.d */
  __u8 remote[16];
  __u16 local_port; /* host byte order */
  __u16 remote_port;
  __u16 protocol; /* IPPROTO_TCP; 0: the event has no flow */
  __u16 reserved;
};

struct os_exec {
  __u32 parent; /* pid */
  __u32 arguments_bytes;
  char path[OS_PATH_BYTES];                /* ends with a 0 */
  __u8 arguments[OS_ARGUMENTS_BYTES];      /* each ends with a 0, but for one that was cut */
};

struct os_exit {
  __u32 code;   /* as given to exit(3) */
  __u32 signal; /* 0: it ended by itself */
  __u64 lived_ns;
};

struct os_connection {
  __u64 took_ns; /* OS_ESTABLISHED, OS_FAILED: since the connect; OS_CLOSED: since established; 0: not known */
  __u64 sent_bytes;
  __u64 received_bytes;
  __u32 retransmits;
  __u32 srtt_us; /* smoothed round-trip time; 0: not known */
  __u32 error;   /* errno of OS_FAILED and of a connection that was cut off */
  __u32 accepted; /* OS_ESTABLISHED: 1, by this side */
};

struct os_drop {
  __u64 place;  /* address in the kernel's text */
  __u32 reason; /* enum skb_drop_reason of the running kernel; 0: it tells none */
  __u32 state;  /* of the socket, TCP_…; OS_RETRANSMIT: the same */
};

/* Begins as a pcapng block does. The union's part that an event has goes by its type; what is behind that is not in the
 * record. */
struct os_event {
  __u32 type;  /* enum os_event_type */
  __u32 bytes; /* of the record */
  __u64 time_ns; /* of the monotonic clock */
  struct os_task task;
  struct os_flow flow;
  union {
    struct os_exec exec;
    struct os_exit exit;
    struct os_connection connection;
    struct os_drop drop;
  };
};

/* Map `os_limits`, an array: enum os_event_type → records a second and CPU, at the most; 0: none at all. */

/* Map `os_counts`, a per-CPU array: enum os_event_type → what became of its events so far. */
struct os_count {
  __u64 recorded;
  __u64 suppressed; /* above the limit */
  __u64 lost;       /* no room in os_events */
  __u64 second;     /* the present one, of the monotonic clock */
  __u64 in_second;  /* recorded in it */
};

ABI_STATIC_ASSERT(sizeof(struct os_event) % 8 == 0, "no hole at its end");
ABI_STATIC_ASSERT(sizeof(struct os_task) == 40, "the same on both sides");
ABI_STATIC_ASSERT(sizeof(struct os_flow) == 40, "the same on both sides");

#endif
