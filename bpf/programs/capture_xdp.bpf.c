/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture at the XDP hook of a NIC: ingress, frames as they were on the wire. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/capture.bpf.h"

char LICENSE[] SEC("license") = "GPL";

SEC("xdp")
int capture_xdp(struct xdp_md* xdp) {
  struct frame frame = {
      .context = xdp,
      .data = (void*)(long)xdp->data,
      .end = (void*)(long)xdp->data_end,
      .xdp = true,
      .direction = CAPROCK_INGRESS,
      .ifindex = xdp->ingress_ifindex,
  };
  capture(&frame);
  return XDP_PASS;
}
