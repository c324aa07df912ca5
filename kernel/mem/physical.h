/* SPDX-License-Identifier: BSD-2-Clause */
/* The object for the machine's physical addresses, which is there for ever: idl/kernel/physical.idl describes it. */
#ifndef SALTO_MEM_PHYSICAL_H
#define SALTO_MEM_PHYSICAL_H

#include "cap/object.h"

struct object *physical_all(void);

#endif
