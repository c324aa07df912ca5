/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of exceptions, for those who report faults of programs: root and the process server. */
#ifndef SALTO_LIB_EXCEPTION_NAME_H
#define SALTO_LIB_EXCEPTION_NAME_H

#include <stdint.h>

/* What the exception of this vector is called; "exception" if programs cannot raise it. */
const char *exception_name(uint32_t vector);

#endif
