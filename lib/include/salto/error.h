/* SPDX-License-Identifier: BSD-2-Clause */
/* What stubs answer, in words. */
#ifndef SALTO_ERROR_H
#define SALTO_ERROR_H

/* The text of what a stub answered: that of the kernel's error for a negative `result` (abi/errors.h); for a positive
 * one that the interface's own errors say more, since their texts stand in the interface file. Never NULL; constant. */
const char *salto_error_text(int result);

#endif
