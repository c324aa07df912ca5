/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of lib's server loops in threads that are signalled: salto_serve_signals() tells, salto_serve() drops. */
#ifndef TESTS_GUEST_SERVING_H
#define TESTS_GUEST_SERVING_H

void server_loop(void);
void deaf_server(void);

#endif
