/* SPDX-License-Identifier: Apache-2.0 */
/* Puts UDP packets into a tap device, as a card would that received them: by a system call each, evenly in time.
 *
 * usage: tap_send DEVICE PACKETS PER_SECOND BYTES...     sizes of frames (60 to 1514), in turn; PER_SECOND 0: without a pause */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { HEADERS_BYTES = 14 + 20 + 8, LEAST = 60, MOST = 1514, SECOND = 1000000000 };

/* From 10.77.0.1:1000 to 10.77.0.2:9, with lengths and checksum of IPv4 to be filled in. */
static const uint8_t headers[HEADERS_BYTES] = {2,  0,    0, 0, 0, 2, 2,  0,  0, 0, 0,  1,  8, 0, 0x45, 0, 0, 0, 0, 0, 0,
                                               64, 64, 17, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2, 0x03, 0xe8, 0, 9, 0, 0, 0, 0};

static int fail(const char* what) {
  perror(what);
  return 1;
}

static void put16(uint8_t* at, unsigned value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void make_frame(uint8_t* frame, unsigned bytes) {
  uint8_t *ip = frame + 14, *udp = ip + 20;
  unsigned sum = 0;
  memset(frame, 'A', bytes);
  memcpy(frame, headers, sizeof headers);
  put16(ip + 2, bytes - 14);
  put16(udp + 4, bytes - 14 - 20);
  for (int i = 0; i < 20; i += 2) sum += ip[i] << 8 | ip[i + 1];
  sum = (sum & 0xffff) + (sum >> 16);
  put16(ip + 10, ~(sum + (sum >> 16)));
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

static int open_tap(const char* device) {
  struct ifreq wanted = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  /* Only what does not wait goes through a native XDP program. */
  const int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  strncpy(wanted.ifr_name, device, IFNAMSIZ - 1);
  return tap < 0 || ioctl(tap, TUNSETIFF, &wanted) < 0 ? -1 : tap;
}

int main(int count, char** words) {
  static uint8_t frames[16][MOST];
  unsigned bytes[16];
  const int sizes = count - 4;
  if (sizes < 1 || sizes > 16) return fprintf(stderr, "usage: tap_send DEVICE PACKETS PER_SECOND BYTES...\n"), 2;
  for (int i = 0; i < sizes; i++) {
    bytes[i] = (unsigned)atoi(words[4 + i]);
    if (bytes[i] < LEAST || bytes[i] > MOST) return fprintf(stderr, "tap_send: %s is not 60 to 1514\n", words[4 + i]), 2;
    make_frame(frames[i], bytes[i]);
  }
  const int tap = open_tap(words[1]);
  if (tap < 0) return fail(words[1]);
  const int64_t packets = atoll(words[2]), per_second = atoll(words[3]), begin = now();
  for (int64_t i = 0; i < packets; i++) {
    while (per_second && now() < begin + i * SECOND / per_second) continue;
    if (write(tap, frames[i % sizes], bytes[i % sizes]) < 0) return fail("write");
  }
  return 0;
}
