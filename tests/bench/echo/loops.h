/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server loops in assembly. Each receives on `endpoint` for ever and answers with the words that came, as they lie in
 * the registers, and with the label that came: that much every reply depends on its request, at no cost.
 *
 * The checking loops answer with every word plus one, and with the label's top bit flipped unless all registers that a
 * receiver must find zero were: rbp, r12 to r15, the words beyond the count, xmm0 to xmm15.
 */
#ifndef SALTO_BENCH_LOOPS_H
#define SALTO_BENCH_LOOPS_H

#include <stdint.h>

typedef void server_loop(uint64_t endpoint);
server_loop echo_0, echo_4, echo_6, echo_long, check_0, check_4, check_6, check_long;

#endif
