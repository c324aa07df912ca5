/* SPDX-License-Identifier: BSD-2-Clause */
/* The same program, which hello-pie.options has linked as a static-pie. */
#include "hello.c"
