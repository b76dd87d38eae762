/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* One spelling of the compile-time assertion for both compilers: C before C23 and C++ name it differently. */
#ifndef CAPROCK_ABI_STATIC_ASSERT_H
#define CAPROCK_ABI_STATIC_ASSERT_H

#ifdef __cplusplus
#define ABI_STATIC_ASSERT static_assert
#else
#define ABI_STATIC_ASSERT _Static_assert
#endif

#endif
