/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture at the XDP hook of a mirror port: what is wanted goes to the socket of its receive queue, or into the stage.
 * Nothing goes on to the host. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/capture.bpf.h"
#include "lib/vxlan.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* In one piece, and with room for its block around it. */
static __always_inline bool fits_socket(const struct frame* frame) {
  __u64 readable = frame->end - frame->data;
  return readable <= MIRROR_PACKET_BYTES && readable == frame_bytes(frame);
}

/* False: there is none for the queue. */
static __always_inline bool aim_at_socket(const struct xdp_md* xdp, __u8 port) {
  __u32 queue = xdp->rx_queue_index;
  if (queue >= CAPROCK_PORT_QUEUES) return false;
  return bpf_redirect_map(&mirror_sockets, port * CAPROCK_PORT_QUEUES + queue, XDP_DROP) == XDP_REDIRECT;
}

/* False: the driver leaves no room in front of a packet. */
static __always_inline bool put_head(struct xdp_md* xdp, const struct packet* packet) {
  if (bpf_xdp_adjust_meta(xdp, -(int)sizeof(struct mirror_head))) return false;
  struct mirror_head* head = (void*)(long)xdp->data_meta;
  if ((void*)(head + 1) > (void*)(long)xdp->data) return false;
  head->dropped = packet->block.dropped;
  write_head(&packet->block, &head->block);
  return true;
}

static __always_inline bool hand_over(const struct frame* frame, const struct choice* choice) {
  struct packet* packet = choice->packet;
  struct capture_counters* count = choice->count;
  if (!fits_socket(frame) || !aim_at_socket(frame->context, choice->policy.port)) return false;
  cut(packet, choice->config, 0);
  packet->block.dropped = untold(count);
  if (!put_head(frame->context, packet)) return false;
  count->redirected++;
  count->lost_handed += (__u32)packet->block.dropped;
  return true;
}

SEC("xdp")
int mirror_xdp(struct xdp_md* xdp) {
  if (mirror_vxlan_port != 0) unwrap_vxlan(xdp);
  struct frame frame = {
      .context = xdp,
      .data = (void*)(long)xdp->data,
      .end = (void*)(long)xdp->data_end,
      .xdp = true,
      .direction = CAPROCK_INGRESS,
      .ifindex = xdp->ingress_ifindex,
  };
  struct choice choice;
  if (!choose(&frame, &choice)) return XDP_DROP;
  describe(&frame, &choice);
  if (hand_over(&frame, &choice)) return XDP_REDIRECT;
  frame.data = (void*)(long)xdp->data; /* moving the metadata made the verifier forget them */
  frame.end = (void*)(long)xdp->data_end;
  emit(&frame, choice.packet, choice.config, choice.count, choice.cpu);
  return XDP_DROP;
}
