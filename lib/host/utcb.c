/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread's words on the host, where no kernel gives it any. */
#include "salto/ipc.h"

_Thread_local struct utcb salto_host_utcb;
