/* SPDX-License-Identifier: BSD-2-Clause */
/* The program with threads of the test linux_threads; here root starts it, and no memory server pages it. */
#include "../linux_threads/pthreads.c"
