/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of exceptions and of accesses, for those who report faults of programs: root and the process server. */
#ifndef SALTO_LIB_EXCEPTION_NAME_H
#define SALTO_LIB_EXCEPTION_NAME_H

#include <stdint.h>

/* What the exception of this vector is called; "exception" if programs cannot raise it. */
const char *exception_name(uint32_t vector);

#define VECTOR_PAGE_FAULT 14

/* What the error code of a page fault says of the access: "read", "write" or "execute"; and ", not allowed" where the
 * page was there. */
const char *page_fault_access(uint32_t error);
const char *page_fault_reason(uint32_t error);

#endif
