/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of the clock: idl/kernel/clock.idl describes them. */
#include "idl/clock_kernel.h"
#include "ipc/dispatch.h"
#include "x86/clock.h"
#include "x86/timer.h"

struct object *clock_initialise(void)
{
    static struct clock clock = {.object = {.type = OBJECT_CLOCK}};
    clock.hertz = tsc_hertz();
    return &clock.object;
}

enum error kernel_clock_frequency(struct kernel_call *call, struct clock *self, uint64_t *hertz)
{
    (void)call;
    *hertz = self->hertz;
    return ERROR_NONE;
}

enum error kernel_clock_now(struct kernel_call *call, struct clock *self, uint64_t *nanoseconds)
{
    (void)call;
    (void)self;
    *nanoseconds = timer_now();
    return ERROR_NONE;
}

void clock_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_clock_dispatch(call, (struct clock *)capability->object, capability->rights);
}
