/* SPDX-License-Identifier: GPL-2.0-only */
/* Of the kernel's structures what the programs read. The loader puts in where each field is on the running kernel
 * (CO-RE), so only names and types count here. */
#ifndef CAPROCK_KERNEL_TYPES_BPF_H
#define CAPROCK_KERNEL_TYPES_BPF_H

#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
  unsigned int inum;
};

struct netns_ipv4 {
  __u8 sysctl_tcp_syncookies; /* an int on older kernels */
};

struct net {
  struct ns_common ns;
  struct netns_ipv4 ipv4;
};

struct nsproxy {
  struct net* net_ns;
};

struct mm_struct {
  unsigned long arg_start;
  unsigned long arg_end;
};

typedef struct {
  int counter;
} atomic_t;

typedef struct {
  __s64 counter;
} atomic64_t;

struct signal_struct {
  atomic_t live; /* threads */
  int group_exit_code;
  unsigned int flags;
};

typedef struct {
  unsigned int val;
} kuid_t;

struct cred {
  kuid_t uid;
};

struct kernfs_node {
  __u64 id;
};

struct cgroup {
  struct kernfs_node* kn;
};

struct css_set {
  struct cgroup* dfl_cgrp; /* in cgroup v2 */
};

struct task_struct {
  unsigned int flags;
  int pid;
  int tgid;
  int exit_code;
  __u64 start_time; /* of the monotonic clock */
  __u64 start_boottime;
  struct task_struct* real_parent;
  struct task_struct* group_leader;
  struct signal_struct* signal;
  struct nsproxy* nsproxy;
  struct mm_struct* mm;
  const struct cred* cred;
  struct css_set* cgroups;
  char comm[16];
};

struct linux_binprm {
  const char* filename;
};

/* What is behind three underscores does not count: linux/in6.h has the name already. */
struct in6_addr___kernel {
  union {
    __be32 u6_addr32[4];
  } in6_u;
};

typedef struct {
  struct net* net;
} possible_net_t;

struct sock_common {
  __be32 skc_daddr;
  __be32 skc_rcv_saddr;
  __be16 skc_dport;
  __u16 skc_num;
  unsigned short skc_family;
  volatile unsigned char skc_state;
  unsigned char skc_ipv6only : 1;
  possible_net_t skc_net;
  struct in6_addr___kernel skc_v6_daddr;
  struct in6_addr___kernel skc_v6_rcv_saddr;
  atomic64_t skc_cookie;
};

struct socket;

struct sock {
  struct sock_common __sk_common;
  struct socket* sk_socket; /* NULL: no process has it */
  int sk_err;
  int sk_rcvbuf;
  struct {
    atomic_t rmem_alloc;
  } sk_backlog;
  __u32 sk_ack_backlog;
  __u32 sk_max_ack_backlog;
  __u16 sk_type;
  __u16 sk_protocol;
};

/* MPTCP: its first subflow is a socket of TCP. */
struct mptcp_sock {
  struct sock* first;
};

struct inet_sock {
  __be16 inet_sport;
};

struct request_sock_queue {
  atomic_t qlen;
};

struct inet_connection_sock {
  struct inet_sock icsk_inet;
  struct request_sock_queue icsk_accept_queue;
  __u8 icsk_ca_state : 5;
  __u8 icsk_pending;
};

/* Of a connection that is not yet accepted; begins as a struct sock does. */
struct request_sock {
  struct sock_common __req_common;
};

struct proto {
  long* sysctl_mem; /* three numbers of pages, the last one is the limit */
};

enum socket_state { SOCKET_UNCONNECTED = 1 };

struct socket {
  enum socket_state state;
  struct sock* sk;
};

struct inode {
  unsigned short i_mode;
};

struct file {
  struct inode* f_inode;
  void* private_data; /* of a socket's file: struct socket */
};

/* What a BPF iterator over the open files of all tasks hands to its program. */
struct bpf_iter__task_file {
  struct task_struct* task;
  struct file* file;
};

struct tcp_sock {
  struct inet_connection_sock inet_conn;
  __u64 bytes_acked;
  __u64 bytes_received;
  __u32 total_retrans;
  __u32 srtt_us; /* in eighths */
  __u32 snd_cwnd;
  __u32 rcv_wnd;
};

struct net_device {
  int ifindex;
  possible_net_t nd_net;
};

struct sk_buff {
  struct net_device* dev; /* something else while the packet is in some queues */
  struct sock* sk;        /* NULL: none, or not yet */
  int skb_iif;            /* of the device that it came by; 0: it was made here */
  unsigned char* head;
  unsigned char* data;
  unsigned int tail; /* offset, on 64-bit machines */
  __u8 pkt_type : 3;
  __u16 network_header;
  __be16 protocol;
};

#pragma clang attribute pop

#endif
