/* SPDX-License-Identifier: Apache-2.0 */
/* The least that an AF_XDP socket can do: receives on queue 0 of a device in copy mode and drops. Until SIGINT, when it prints
 * how many packets it got.
 *
 * usage: xsk_drop DEVICE MIB */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xdp/xsk.h>

enum { FRAME_BYTES = 2048, BATCH = 1024 };

static volatile sig_atomic_t ended;

static void end(int number) {
  (void)number;
  ended = 1;
}

static int fail(const char* what, int code) {
  fprintf(stderr, "xsk_drop: %s: %s\n", what, strerror(-code));
  return 1;
}

/* Gives back the frames of what has come; returns how many packets that was. */
static unsigned drop(struct xsk_ring_cons* received, struct xsk_ring_prod* unused) {
  __u32 from = 0, to = 0;
  const unsigned packets = xsk_ring_cons__peek(received, BATCH, &from);
  if (packets == 0 || xsk_ring_prod__reserve(unused, packets, &to) != packets) return 0;
  for (unsigned i = 0; i < packets; i++) {
    const __u64 at = xsk_ring_cons__rx_desc(received, from + i)->addr;
    *xsk_ring_prod__fill_addr(unused, to + i) = at - at % FRAME_BYTES;
  }
  xsk_ring_prod__submit(unused, packets);
  xsk_ring_cons__release(received, packets);
  return packets;
}

int main(int count, char** words) {
  if (count != 3) return fail("usage: xsk_drop DEVICE MIB", 0);
  const __u32 frames = (__u32)atoi(words[2]) * (1 << 20) / FRAME_BYTES;
  void* memory = aligned_alloc(4096, (size_t)frames * FRAME_BYTES);
  struct xsk_ring_prod unused;
  struct xsk_ring_cons received, sent;
  struct xsk_umem* umem;
  const struct xsk_umem_config umem_config = {.fill_size = frames, .comp_size = 1, .frame_size = FRAME_BYTES};
  int code = xsk_umem__create(&umem, memory, (size_t)frames * FRAME_BYTES, &unused, &sent, &umem_config);
  if (code) return fail("memory", code);
  __u32 at = 0;
  xsk_ring_prod__reserve(&unused, frames, &at);
  for (__u32 i = 0; i < frames; i++) *xsk_ring_prod__fill_addr(&unused, at + i) = (__u64)i * FRAME_BYTES;
  xsk_ring_prod__submit(&unused, frames);
  const struct xsk_socket_config config = {.rx_size = frames, .tx_size = 0, .bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP};
  struct xsk_socket* socket;
  code = xsk_socket__create(&socket, words[1], 0, umem, &received, NULL, &config);
  if (code) return fail("socket", code);

  signal(SIGINT, end);
  unsigned long long total = 0;
  struct pollfd ready = {.fd = xsk_socket__fd(socket), .events = POLLIN};
  while (!ended) {
    const unsigned packets = drop(&received, &unused);
    if (packets == 0) poll(&ready, 1, 100);
    total += packets;
  }
  printf("%llu\n", total);
  xsk_socket__delete(socket);
  xsk_umem__delete(umem);
  return 0;
}
