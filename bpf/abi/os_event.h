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
  OS_CGROUP_CREATED,
  OS_CGROUP_REMOVED,
  OS_BIND, /* a socket has got its local port */
  OS_LISTEN,
  OS_CONNECT,     /* begun */
  OS_ESTABLISHED, /* by either side */
  OS_ACCEPT,      /* a process has taken a connection that came in */
  OS_FAILED,      /* a connect that came to nothing */
  OS_OPEN,        /* a connection or a UDP socket that was there before the agent came */
  OS_CLOSED,
  OS_RETRANSMIT,
  OS_RESET_SENT,
  OS_RESET_RECEIVED,
  OS_RTT,        /* a sample, at most one a second and connection */
  OS_CONGESTION, /* another state of congestion control */
  OS_ZERO_WINDOW,
  OS_BAD_CHECKSUM,
  OS_LISTEN_OVERFLOW,
  OS_DROP,
  OS_UDP_OVERFLOW, /* the queue of a UDP socket is full */
  OS_MEMORY_LIMIT, /* of a protocol's or cgroup's sockets together */
  OS_EVENT_TYPES,
};

enum {
  OS_COMM_BYTES = 16,
  OS_PATH_BYTES = 128,
  OS_ARGUMENTS_BYTES = 1024, /* of a command line; what is longer is cut */
  OS_CGROUP_PATH_BYTES = 256,
  OS_MAX_SOCKETS = 65536, /* whose owner is known */
};

/* Whom an event is about: the process that did it or owns the socket. pid 0: not known. */
struct os_task {
  __u32 pid; /* of the process: its tgid, in the first pid namespace */
  __u32 tid;
  __u32 uid;
  __u32 network;  /* inode of its network namespace */
  __u64 cgroup;   /* inode in cgroup v2 */
  __u64 start_ns; /* of the process, of the boot-time clock: tells it from another one of its pid */
  char comm[OS_COMM_BYTES];
};

/* Who opened the connection: the local end, or the remote one. */
enum os_direction { OS_OUTBOUND = 1, OS_INBOUND };

struct os_flow {
  __u8 local[16] __attribute__((aligned(8))); /* IPv4 as ::ffff:a.b.c.d; so that it is stored by words */
  __u8 remote[16];
  __u16 local_port; /* host byte order */
  __u16 remote_port;
  __u16 protocol;  /* IPPROTO_TCP, IPPROTO_UDP; 0: the event has no flow */
  __u16 direction; /* enum os_direction; 0: not known, or not of a connection */
};

struct os_exec {
  __u32 parent; /* pid */
  __u32 arguments_bytes;
  char path[OS_PATH_BYTES];           /* ends with a 0 */
  __u8 arguments[OS_ARGUMENTS_BYTES]; /* each ends with a 0, but for one that was cut */
};

struct os_exit {
  __u32 code;   /* as given to exit(3) */
  __u32 signal; /* 0: it ended by itself */
  __u64 lived_ns;
};

struct os_cgroup {
  __u64 id;                        /* its inode in cgroup v2 */
  char path[OS_CGROUP_PATH_BYTES]; /* from its hierarchy's root on; ends with a 0 */
};

/* Of a UDP socket only took_ns and error count. */
struct os_connection {
  __u64 took_ns; /* OS_ESTABLISHED, OS_FAILED: since the connect; OS_ACCEPT: since established; OS_CLOSED: since
                  * established, of UDP since the bind; 0: not known */
  __u64 sent_bytes;
  __u64 received_bytes;
  __u32 retransmits;
  __u32 srtt_us;  /* smoothed round-trip time; 0: not known */
  __u32 error;    /* errno of OS_FAILED and of a connection that was cut off */
  __u32 accepted; /* OS_ESTABLISHED: 1, by this side */
  __u32 at_once;  /* OS_FAILED: 1, this host refused it before anything was sent; error 0: why is not known */
  __u32 reserved;
};

enum os_retransmit_kind {
  OS_RETRANSMIT_TIMEOUT = 1,
  OS_RETRANSMIT_FAST, /* as acknowledgements tell of a loss */
  OS_RETRANSMIT_TAIL_PROBE,
  OS_RETRANSMIT_SYN,
  OS_RETRANSMIT_SYN_ACK,
};

enum os_window_side { OS_WINDOW_OURS = 1, OS_WINDOW_PEERS };

/* Something that TCP did or saw on a connection. */
struct os_segment {
  __u32 kind; /* OS_RETRANSMIT: enum os_retransmit_kind; OS_ZERO_WINDOW: enum os_window_side; OS_CONGESTION: TCP_CA_…
               * that it goes to; OS_RESET_SENT: enum sk_rst_reason of the running kernel, 0: it tells none */
  __u32 before;  /* OS_CONGESTION: TCP_CA_… that it comes from */
  __u32 srtt_us; /* smoothed round-trip time; 0: not known */
  __u32 window;  /* of congestion control, segments */
};

struct os_drop {
  __u64 place;  /* address in the kernel's text */
  __u32 reason; /* enum skb_drop_reason of the running kernel; 0: it tells none */
  __u32 reserved;
};

enum os_queue_kind {
  OS_QUEUE_ACCEPT = 1,
  OS_QUEUE_SYN,
  OS_QUEUE_RECEIVE,
  OS_QUEUE_MEMORY, /* of all sockets of the protocol or of a control group; how much that is does not count here */
};

/* What was full. */
struct os_queue {
  __u64 used;  /* OS_LISTEN_OVERFLOW: connections; OS_UDP_OVERFLOW: bytes; OS_MEMORY_LIMIT: pages, of its protocol */
  __u64 limit; /* as `used`; 0: not known */
  __u32 kind;  /* OS_LISTEN_OVERFLOW, OS_UDP_OVERFLOW: enum os_queue_kind; 0: not known */
  __u32 reserved;
};

/* Begins as a pcapng block does. The union's part that an event has goes by its type; what is behind that is not in the
 * record. */
struct os_event {
  __u32 type;    /* enum os_event_type */
  __u32 bytes;   /* of the record */
  __u64 time_ns; /* of the monotonic clock */
  struct os_task task;
  struct os_flow flow;
  union {
    struct os_exec exec;
    struct os_exit exit;
    struct os_cgroup group;
    struct os_connection connection;
    struct os_segment segment;
    struct os_drop drop;
    struct os_queue queue;
  };
};

/* Map `os_counts`, a per-CPU array: enum os_event_type → its limit, which the agent sets, and what became of its events
 * so far. Both in one place, as what is read now and then has to come from memory. */
struct os_count {
  __u64 limit;     /* records a second, at the most; 0: none at all */
  __u64 second;    /* the present one, of the monotonic clock */
  __u64 in_second; /* recorded in it */
  __u64 recorded;
  __u64 suppressed; /* above the limit */
  __u64 lost;       /* no room in os_events */
};

ABI_STATIC_ASSERT(sizeof(struct os_event) % 8 == 0, "no hole at its end");
ABI_STATIC_ASSERT(sizeof(struct os_task) == 48, "the same on both sides");
ABI_STATIC_ASSERT(sizeof(struct os_flow) == 40, "the same on both sides");

#endif
